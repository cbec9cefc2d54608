"""`tunectl memory` and `tunectl erase`, and that users' data stands nowhere but in the memory."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.terminal import on_terminal
from tests.stores.postgres import postgres_address, postgres_dsn
from tunectl.core.errors import Exit
from tunectl.prompts import PromptError, load

__all__ = ["postgres_address", "postgres_dsn"]

CONFIG = """\
project: helpdesk
state: state/

memory:
  customers:
    profile:
      name: {type: string, max_chars: 40, inject: true}
      language: {one_of: [pl, ru], default: pl, personal: false, inject: true}
      vip: boolean
      tags: list
    sessions: {expires_after: 90d, max_turns: 200}
  other: {store: data/inne.db}

prompt_template:
  support:
    model: gpt-4.1-mini
    memory: memory.customers
    inputs: {question: string}
    sections:
      - {id: system, role: system, template: "Odpowiadaj krótko."}
      - {id: profile, role: profile}
      - {id: history, role: history, max_tokens: 500, overflow: drop_oldest_turns}
      - {id: ask, role: user, template: "{{ question }}"}
"""
USER = "KANAREK.użytkownik@example.pl"
FILE = ".tunectl/memory/default/customers.db"


@pytest.fixture
def project(project: Path) -> Path:
    """The project of a shop that remembers its customers."""
    (project / "tunectl.yaml").write_text(CONFIG, "utf-8")
    (project / "tunectl.prod.yaml").unlink()
    return project


@pytest.fixture
def remembered(project: Path, tunectl: Run) -> Path:
    """The same, applied and used by an application."""
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    prompt = load("support", path=project)
    prompt.set_profile(user=USER, name="KANAREK-imię", language="ru", vip=True)
    for number in range(3):
        prompt.remember(
            user=USER,
            session="KANAREK-rozmowa",
            question=f"KANAREK-pytanie {number}",
            answer=f"KANAREK-odpowiedź {number}",
        )
    prompt.set_profile(user="jan", name="Jan")
    sent = prompt.messages(user=USER, session="KANAREK-rozmowa", question="i co?")
    assert "KANAREK-imię" in sent[0]["content"]
    assert sent[-2]["content"] == "KANAREK-odpowiedź 2"
    return project


def test_show_says_how_much_there_is_and_of_whom_nothing(remembered: Path, tunectl: Run) -> None:
    shown = tunectl("memory", "show")
    assert shown.code == Exit.DONE
    assert "customers  2 users, 4 profile fields, 1 session, 3 turns" in shown.out
    assert "other      nothing" in shown.out
    assert "KANAREK" not in shown.out
    tree = tunectl("memory", "show", "--format", "json").json
    assert tunectl("memory", "show", "--json").json == tree  # as it was called before
    assert tree["memories"][0] == {
        "memory": "customers",
        "users": 2,
        "fields": 4,
        "sessions": 1,
        "turns": 3,
        "summaries": 0,
    }


def test_show_masks_personal_values_and_words_unless_asked(remembered: Path, tunectl: Run) -> None:
    masked = tunectl("memory", "show", USER).out
    assert "name = (personal)" in masked
    assert 'language = "ru"' in masked
    assert "session 1: 3 turns" in masked
    assert "KANAREK" not in masked
    shown = tunectl("memory", "show", USER, "--show-data").out
    assert 'name = "KANAREK-imię"' in shown
    assert "user: KANAREK-pytanie 2" in shown
    assert "nothing is remembered of this user" in tunectl("memory", "show", "nikt").out


def test_an_export_is_complete_json(remembered: Path, tunectl: Run) -> None:
    tree = tunectl("memory", "export", USER).json
    assert tree["user"] == USER
    customers, other = tree["memories"]
    assert customers["profile"]["name"]["value"] == "KANAREK-imię"
    assert [t["messages"][0]["content"] for t in customers["sessions"][0]["turns"]] == [
        f"KANAREK-pytanie {number}" for number in range(3)
    ]
    assert other == {"memory": "other", "profile": {}, "sessions": []}


def test_an_exported_file_is_only_its_owners(remembered: Path, tunectl: Run) -> None:
    file = remembered / "użytkownik.json"
    file.write_text("old", "utf-8")
    file.chmod(0o644)
    done = tunectl("memory", "export", USER, "-o", "użytkownik.json")
    said = "wrote `użytkownik.json`: 3 profile fields, 1 session, 3 turns; only you may read it\n"
    assert (done.code, done.out) == (Exit.DONE, said)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text("utf-8"))["user"] == USER
    refused = tunectl("memory", "export", USER, "-o", "nie ma/plik.json")
    assert refused.code == Exit.ERROR
    assert "KANAREK" not in refused.err


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("fasola, groch,", ["fasola", "groch"]),
        ('["fasola, tyczna", "горох"]', ["fasola, tyczna", "горох"]),
        ("[]", []),
    ],
)
def test_a_list_is_typed_with_commas_or_as_json(
    project: Path, tunectl: Run, text: str, kept: list[str]
) -> None:
    chosen = ("--memory", "customers")
    assert tunectl("memory", "set", "anna", f"tags={text}", *chosen).code == Exit.DONE
    profile = tunectl("memory", "export", "anna").json["memories"][0]["profile"]
    assert profile["tags"]["value"] == kept


@pytest.mark.parametrize("text", ['["fasola"', "[fasola]", "[1, 2]", '[["a"]]'])
def test_a_list_that_is_broken_json_is_refused_with_an_example(
    project: Path, tunectl: Run, text: str
) -> None:
    refused = tunectl("memory", "set", "anna", f"tags={text}", "--memory", "customers")
    assert refused.code == Exit.ERROR
    assert "`tags` is a list" in refused.err
    assert "write `tags=first,second`" in refused.err
    assert "fasola" not in refused.err


def test_fields_are_set_as_their_types_say(project: Path, tunectl: Run) -> None:
    fields = ("name=Żaneta", "vip=true", "tags=a, b")
    done = tunectl("memory", "set", "anna", *fields, "--memory", "memory.customers")
    assert done.out == "customers: name, vip, tags set\n"
    profile = tunectl("memory", "export", "anna").json["memories"][0]["profile"]
    assert {name: field["value"] for name, field in profile.items()} == {
        "name": "Żaneta",
        "vip": True,
        "tags": ["a", "b"],
    }
    done = tunectl("memory", "set", "anna", "vip=", "name=Ola", "--memory", "customers")
    assert done.out == "customers: name set; vip forgotten\n"
    assert "vip" not in tunectl("memory", "export", "anna").json["memories"][0]["profile"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (["wiek=KANAREK"], "memory `customers` has no field `wiek`"),
        (["name=KANAREK" + "x" * 40], "field `name` of memory `customers` may have 40 characters"),
        (["vip=KANAREK"], "field `vip` of memory `customers` must be true or false, not a text"),
        (["language=KANAREK"], "must be one of `pl`, `ru`"),
        (["KANAREK"], "a field is given as `name=value`"),
    ],
)
def test_what_is_refused_is_not_shown(
    project: Path, tunectl: Run, fields: list[str], why: str
) -> None:
    done = tunectl("memory", "set", USER, *fields, "--memory", "customers")
    assert done.code == Exit.ERROR
    assert why in done.err
    assert "KANAREK" not in done.out + done.err


def test_of_several_memories_one_must_be_named(project: Path, tunectl: Run) -> None:
    done = tunectl("memory", "set", "anna", "name=x")
    assert "which memory?" in done.err
    assert "`customers`, `other`" in done.err


def test_erase_wants_approval_and_tells_how_much(remembered: Path, tunectl: Run) -> None:
    refused = tunectl("erase", USER)
    assert refused.code == Exit.ERROR
    assert refused.err == "error: not interactive; pass --auto-approve\n"
    assert "customers  3 profile fields, 1 session, 3 turns" in refused.out
    done = tunectl("erase", USER, "--auto-approve")
    assert done.code == Exit.DONE
    assert "customers: 3 profile fields, 1 session, 3 turns erased" in done.out
    assert "KANAREK" not in refused.out + done.out
    beside = list((remembered / FILE).parent.iterdir())
    assert [p.name for p in beside if b"KANAREK" in p.read_bytes()] == []
    again = tunectl("erase", USER, "--auto-approve")
    assert (again.code, again.out) == (Exit.DONE, "Nothing is remembered of this user.\n")
    unasked = tunectl("erase", USER)
    assert (unasked.code, unasked.out) == (Exit.DONE, "Nothing is remembered of this user.\n")
    assert load("support", path=remembered).profile(user="jan")["name"] == "Jan"


def test_erase_in_json_says_the_counts(remembered: Path, tunectl: Run) -> None:
    tree = tunectl("erase", USER, "--auto-approve", "--format", "json").json
    assert tree["erased"][0]["turns"] == 3
    assert tree["erased"][1]["users"] == 0
    assert tunectl("erase", "jan", "--format", "json").code == Exit.ERROR
    assert "--json" not in tunectl("erase", "--help").out


def test_on_a_terminal_only_yes_erases(remembered: Path, tunectl: Run) -> None:
    shown, code = on_terminal(remembered, "erase", USER, answer=b"no\n")
    assert code == Exit.ERROR
    assert "Cancelled. Nothing was erased." in shown
    assert load("support", path=remembered).profile(user=USER)["name"] == "KANAREK-imię"
    shown, code = on_terminal(remembered, "erase", USER, answer=b"yes\n")
    assert code == Exit.DONE
    assert "3 turns erased" in shown
    assert "name" not in load("support", path=remembered).profile(user=USER)


def test_one_memory_of_several_can_be_erased_from(remembered: Path, tunectl: Run) -> None:
    done = tunectl("erase", USER, "--auto-approve", "--memory", "other")
    assert done.out == "Nothing is remembered of this user.\n"
    assert load("support", path=remembered).profile(user=USER)["name"] == "KANAREK-imię"
    unknown = tunectl("erase", USER, "--auto-approve", "--memory", "custmers")
    assert unknown.code == Exit.ERROR
    assert "declared are `customers`, `other`" in unknown.err


def test_the_user_can_come_from_standard_input(
    remembered: Path, tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{USER}\n"))
    assert "3 turns erased" in tunectl("erase", "-", "--auto-approve").out
    assert tunectl("erase", "-").code == Exit.ERROR


def test_erasing_needs_neither_sound_data_nor_a_state(remembered: Path, tunectl: Run) -> None:
    config = remembered / "tunectl.yaml"
    config.write_text(CONFIG + "dataset:\n  d: {source: data/nie-ma.jsonl}\n", "utf-8")
    assert tunectl("plan").code == Exit.ERROR
    assert "3 turns erased" in tunectl("erase", USER, "--auto-approve").out


def test_destroying_keeps_users_data_and_says_how_it_is_erased(
    remembered: Path, tunectl: Run
) -> None:
    done = tunectl("destroy", "--auto-approve")
    assert done.code == Exit.DONE
    assert "users' data of `memory.customers` stays" in done.out
    command = f"tunectl erase USER --file {FILE}"
    assert command in " ".join(done.out.split())
    (remembered / "tunectl.yaml").write_text("project: helpdesk\n", "utf-8")
    shown = tunectl("memory", "export", USER, "--file", FILE).json
    assert shown["memories"][0]["profile"]["name"]["value"] == "KANAREK-imię"
    assert f"{FILE}  2 users" in tunectl("memory", "show").out
    assert tunectl("memory", "purge").code == Exit.ERROR  # nobody says what expires there
    assert "3 turns erased" in tunectl("erase", USER, "--auto-approve").out
    assert "1 profile field erased" in tunectl("erase", "jan", "--file", FILE, "--auto-approve").out
    for file in (remembered / FILE).parent.iterdir():
        file.unlink()
    none = tunectl("erase", USER, "--auto-approve")
    assert "the project declares no memory" in none.err
    assert "--file FILE" in none.err


def test_a_user_is_erased_from_a_memory_that_was_renamed_too(
    remembered: Path, tunectl: Run
) -> None:
    renamed = CONFIG.replace("  customers:", "  clients:").replace(".customers", ".clients")
    (remembered / "tunectl.yaml").write_text(renamed, "utf-8")
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    load("support", path=remembered).set_profile(user=USER, name="KANAREK")
    done = tunectl("erase", USER, "--auto-approve")
    assert "clients: 1 profile field erased" in done.out
    assert f"{FILE}: 3 profile fields, 1 session, 3 turns erased" in done.out


def test_another_store_leaves_the_data_where_it_was_and_says_so(
    remembered: Path, tunectl: Run
) -> None:
    moved = CONFIG.replace("  customers:\n", "  customers:\n    store: data/nowe.db\n")
    (remembered / "tunectl.yaml").write_text(moved, "utf-8")
    done = tunectl("apply", "--auto-approve")
    assert done.code == Exit.DONE, done.err
    assert f"stays in `{FILE}`" in done.out
    assert (remembered / FILE).exists()
    assert "name" not in load("support", path=remembered).profile(user=USER)


def test_users_data_stands_in_the_memory_and_nowhere_else(remembered: Path, tunectl: Run) -> None:
    said = []
    config = (remembered / "tunectl.yaml").read_text("utf-8")
    for command in (
        ["plan"],
        ["plan", "--format", "json"],
        ["plan", "--format", "markdown"],
        ["plan", "-o", "plan.bin"],
        ["apply", "plan.bin"],
        ["drift"],
        ["show"],
        ["output"],
        ["validate", "--format", "json"],
        ["state", "list"],
        ["state", "show", "memory.customers"],
        ["state", "show", "prompt_template.support"],
        ["state", "pull"],
        ["memory", "show"],
        ["memory", "show", USER],
        ["memory", "purge"],
        ["memory", "set", USER, "name=" + "KANAREK" * 20, "--memory", "customers"],
        ["doctor"],
    ):
        done = tunectl(*command)
        said.append(f"{command[:2]}\n{done.out}{done.err}")
    (remembered / "tunectl.yaml").write_text(config.replace("krótko", "długo"), "utf-8")
    for command in (["plan"], ["apply", "--auto-approve", "--json"], ["destroy", "--auto-approve"]):
        done = tunectl(*command)
        said.append(f"{command[:2]}\n{done.out}{done.err}")
    assert [text[:300] for text in said if "KANAREK" in text] == []
    kept = {str(p.relative_to(remembered)) for p in remembered.rglob("*") if p.is_file()}
    having = {name for name in kept if b"KANAREK" in (remembered / name).read_bytes()}
    assert having
    assert having <= {FILE, f"{FILE}-wal"}
    assert not [name for name in kept if "KANAREK" in name]
    assert "state/default.audit.jsonl" in kept or "state/default.json" in kept


def test_a_memory_in_a_database_is_erased_from_with_and_without_its_declaration(
    project: Path, tunectl: Run, postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = "project: helpdesk\nmemory:\n  m: {store: {url_env: PAMIEC}, profile: {n: string}}\n"
    (project / "tunectl.yaml").write_text(config, "utf-8")
    missing = tunectl("memory", "set", "anna", "n=x")
    assert "the variable `PAMIEC` is not set" in missing.err
    monkeypatch.setenv("PAMIEC", postgres_address)
    for user in ("anna", "jan"):
        assert tunectl("memory", "set", user, "n=KANAREK").code == Exit.DONE
    assert "1 profile field erased" in tunectl("erase", "anna", "--auto-approve").out
    (project / "tunectl.yaml").write_text("project: helpdesk\n", "utf-8")
    assert "--memory NAME" in tunectl("erase", "jan", "--url-env", "PAMIEC").err
    done = tunectl("erase", "jan", "--url-env", "PAMIEC", "--memory", "m", "--auto-approve")
    assert "1 profile field erased" in done.out


def test_what_an_application_is_refused_shows_no_value(remembered: Path) -> None:
    prompt = load("support", path=remembered)
    for wrong in ({"name": "KANAREK" * 20}, {"name": ["KANAREK"]}, {"KANAREK x": 1}):
        with pytest.raises(PromptError) as told:
            prompt.set_profile(user=USER, **wrong)
        assert "KANAREK" not in str(told.value)
        assert told.value.__cause__ is None
        assert told.value.__context__ is None
