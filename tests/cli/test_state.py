"""The state's own commands, on a project that needs no provider."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Run
from tunectl.app import repairing
from tunectl.core.errors import Exit, TunectlError
from tunectl.core.resource import Instance, Need
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.stores import statefile
from tunectl.stores.file import FileStore
from tunectl.stores.ledger import Ledger

KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
BACKUP = "backup.json"


def snapshot(project: Path) -> Path:
    return project / "state" / "default.json"


def ledger(project: Path) -> Ledger:
    return Ledger(FileStore(project / "state"), "helpdesk", "default", "0.1.0")


def pulled(tunectl: Run, project: Path) -> dict:
    text = tunectl("state", "pull").out
    (project / BACKUP).write_text(text, "utf-8")
    return json.loads(text)


def altered(project: Path, changes: dict[str, object]) -> None:
    """Change the backup and give it a checksum that fits again."""
    tree = orjson.loads((project / BACKUP).read_bytes()) | changes
    tree.pop("checksum")
    tree["checksum"] = statefile._checksum(tree)
    (project / BACKUP).write_bytes(orjson.dumps(tree))


@pytest.fixture
def applied(tunectl: Run) -> Run:
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    return tunectl


BROKEN = {
    "empty": (b"", "is empty"),
    "white space": (b" \n", "is empty"),
    "truncated": (b'{"format": 1, "lineage": "a', "truncated or damaged"),
    "foreign": (b'{"version": 4, "terraform_version": "1.11.4"}', "is not a tunectl state"),
    "no JSON": (b"\x00\x00\x00", "truncated or damaged"),
}
COMMANDS = (
    ("plan",),
    ("plan", "-o", "x.plan"),
    ("apply", "--auto-approve"),
    ("destroy", "--auto-approve"),
    ("show",),
    ("output",),
    ("state", "list"),
    ("state", "show", "dataset.support"),
    ("state", "mv", "dataset.support", "dataset.other"),
    ("state", "rm", "dataset.support"),
    ("state", "pull"),
)


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_state_is_refused_by_name(
    applied: Run, project: Path, what: str, command: tuple[str, ...]
) -> None:
    content, words = BROKEN[what]
    snapshot(project).write_bytes(content)
    result = applied(*command)
    assert result.code == Exit.ERROR
    assert "default.json" in result.err
    assert words in result.err
    assert "state" not in result.out.lower()
    assert snapshot(project).read_bytes() == content


@pytest.mark.parametrize("command", COMMANDS[:5], ids=" ".join)
def test_a_tampered_a_newer_and_a_missing_state_are_refused_by_name(
    applied: Run, project: Path, command: tuple[str, ...]
) -> None:
    whole = snapshot(project).read_bytes()
    snapshot(project).write_bytes(whole.replace(b'"serial":2', b'"serial":3'))
    assert "altered outside tunectl" in applied(*command).err
    snapshot(project).write_bytes(whole.replace(b'"format":2', b'"format":99'))
    newer = applied(*command).err
    assert "has format 99" in newer
    assert "0.1.0" in newer
    snapshot(project).unlink()
    (project / "state" / "default.journal").write_bytes(b'{"serial": 2}\n')
    missing = applied(*command)
    assert "there is a journal `default.journal` but no state `default.json`" in missing.err
    assert (missing.code, missing.out) == (Exit.ERROR, "")


def test_a_moved_object_keeps_its_identity_and_is_planned_no_more(
    applied: Run, project: Path
) -> None:
    before = ledger(project).load().instances[Address.of("dataset", "support")]
    moved = applied("state", "mv", "dataset.support", "dataset.pomoc")
    assert moved.out == "dataset.support: now dataset.pomoc\n"
    after = ledger(project).load().instances[Address.of("dataset", "pomoc")]
    assert (after.id, after.spec) == (before.id, before.spec)
    config = project / "tunectl.yaml"
    text = config.read_text("utf-8").replace("dataset:\n  support:", "dataset:\n  pomoc:")
    config.write_text(text.replace("dataset.support", "dataset.pomoc"), "utf-8")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in applied("plan").out


def test_what_names_the_moved_and_what_is_named_after_it_goes_with_it(
    tunectl: Run, project: Path
) -> None:
    set_, job, file, end = (
        Address.of("dataset", "a", key="pl"),
        Address.of("tuning_job", "a"),
        Address.of("upload", "a", key="pl/train/local/chat"),
        Address.of("endpoint", "a"),
    )

    def one(address: Address, id_: str, *needs: Need, parent: Address | None = None) -> Instance:
        return Instance(
            address=address, provider="x", account="y", id=id_, spec={}, needs=needs, parent=parent
        )

    recorded = State(
        lineage="l",
        project="helpdesk",
        env="default",
        instances={
            set_: one(set_, "d"),
            file: one(file, "f", parent=set_),
            job: one(job, "j2", Need(file, "f", "y")),
            end: one(end, "e", Need(job, "j2", "y")),
        },
        superseded=(one(job, "j1", Need(file, "f", "y")),),
    )
    ledger(project).save(recorded)
    assert tunectl("state", "mv", "tuning_job.a", "tuning_job.b").code == Exit.DONE
    moved = tunectl("state", "mv", 'dataset.a["pl"]', 'dataset.zbiór["ru"]')
    assert moved.out.splitlines() == [
        'dataset.a["pl"]: now dataset.zbiór["ru"]',
        'upload.a["pl/train/local/chat"]: now upload.zbiór["ru/train/local/chat"]',
    ]
    found = ledger(project).load()
    job_, file_ = (
        Address.of("tuning_job", "b"),
        Address.of("upload", "zbiór", key="ru/train/local/chat"),
    )
    assert found.instances[end].needs == (Need(job_, "j2", "y"),)
    assert found.instances[job_].needs == (Need(file_, "f", "y"),)
    assert found.instances[file_].parent == Address.of("dataset", "zbiór", key="ru")
    assert [(i.address, i.needs) for i in found.superseded] == [(job_, (Need(file_, "f", "y"),))]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("dataset.suport", "dataset.x", "did you mean `dataset.support`?"),
        ("dataset.support", "prompt_template.x", "they are of different kinds"),
        ("prompt_template.support", "dataset.support", "begins with `prompt_template.`"),
        ("dataset.support", "dataset.support", "is taken"),
        ("dataset.support", "not-an-address", "is not an address"),
    ],
)
def test_a_move_that_means_nothing_is_refused(
    applied: Run, project: Path, before: str, after: str, words: str
) -> None:
    content = snapshot(project).read_bytes()
    refused = applied("state", "mv", before, after)
    assert refused.code == Exit.ERROR
    assert words in refused.err
    assert snapshot(project).read_bytes() == content


@pytest.mark.parametrize(
    "command",
    [
        ("mv", "dataset.support", "dataset.other"),
        ("rm", "dataset.support"),
        ("push", BACKUP),
        ("repair",),
        ("repair", "--from", "1"),
        ("seal",),
    ],
    ids=lambda words: words[0],
)
def test_whatever_writes_takes_the_lock(
    applied: Run, project: Path, command: tuple[str, ...]
) -> None:
    pulled(applied, project)
    with FileStore(project / "state").lock("default", "apply"):
        assert applied("state", *command, "--lock-timeout", "0.05").code == Exit.LOCK
        assert applied("state", "list").code == Exit.DONE
        assert applied("state", "pull").code == Exit.DONE


def test_a_pulled_state_has_the_journal_in_it_and_can_be_pushed_back(
    applied: Run, project: Path
) -> None:
    (project / BACKUP).write_text(applied("state", "pull").out, "utf-8")
    assert "the same" in applied("state", "push", BACKUP).out
    assert applied("state", "rm", "dataset.support").code == Exit.DONE
    refused = applied("state", "push", BACKUP)
    assert refused.code == Exit.REFUSED
    assert "older than the present state: serial 2, and the present one is 3" in refused.err
    pushed = applied("state", "push", BACKUP, "--force")
    assert "+ dataset.support: recorded again" in pushed.out
    assert "Its serial is 4." in pushed.out
    assert "dataset.support" in applied("state", "list").out
    assert "to add" not in applied("plan").out


def test_a_state_is_pushed_from_standard_input(
    applied: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = applied("state", "pull").out
    snapshot(project).unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert applied("state", "push", "-").code == Exit.DONE
    assert applied("state", "list").out.split() == ["dataset.support", "prompt_template.support"]


def test_before_the_first_apply_there_is_nothing_to_pull(tunectl: Run) -> None:
    result = tunectl("state", "pull")
    assert (result.code, result.out) == (Exit.ERROR, "")
    assert "there is no state of environment `default` yet" in result.err


@pytest.mark.parametrize(
    ("changes", "force", "words"),
    [
        ({"lineage": "other"}, "--force", "its lineage is `other`"),
        ({"project": "shop"}, "", "belongs to project `shop`, environment `default`"),
        ({"env": "prod"}, "", "environment `prod`"),
        ({"outputs": {"a": 1}}, "--force", "both have serial 2, and differ"),
    ],
)
def test_a_pushed_state_must_belong_here(
    applied: Run, project: Path, changes: dict[str, object], force: str, words: str
) -> None:
    pulled(applied, project)
    altered(project, changes)
    refused = applied("state", "push", BACKUP)
    assert refused.code != Exit.DONE
    assert words in refused.err
    assert "helpdesk" in refused.err or "present" in refused.err
    forced = applied("state", "push", BACKUP, "--force")
    assert (forced.code == Exit.DONE) == bool(force)


def test_force_never_lets_in_what_was_altered(applied: Run, project: Path) -> None:
    text = applied("state", "pull").out
    (project / BACKUP).write_text(text.replace('"serial": 2', '"serial": 9'), "utf-8")
    refused = applied("state", "push", BACKUP, "--force")
    assert refused.code == Exit.ERROR
    assert "`backup.json` was altered outside tunectl" in refused.err
    assert "hint: push a file as `tunectl state pull` or the history gave it" in refused.err
    assert "repair" not in refused.err


def test_a_pushed_state_has_no_object_at_two_addresses(applied: Run, project: Path) -> None:
    tree = pulled(applied, project)
    job = {**tree["instances"][0], "provider": "local", "account": "l", "id": "ftjob-1"}
    twice = [{**job, "address": f"tuning_job.{name}", "needs": []} for name in "ab"]
    altered(project, {"instances": twice, "serial": 9})
    refused = applied("state", "push", BACKUP, "--force")
    assert refused.code == Exit.ERROR
    assert "`ftjob-1` at two addresses, `tuning_job.a` and `tuning_job.b`" in refused.err
    assert "dataset.support" in applied("state", "list").out


def test_the_history_says_when_what_and_how_much(applied: Run, project: Path) -> None:
    applied("state", "rm", "dataset.support")
    shown = applied("state", "history")
    head, now, *older = shown.out.splitlines()
    assert head.split() == [
        "GENERATION",
        "REPLACED",
        "(UTC)",
        "SERIAL",
        "TUNECTL",
        "RESOURCES",
        "CHANGED",
    ]
    assert now.split()[:5] == ["now", "now", "3", "0.1.0", "1"]
    assert "- dataset.support" in now
    assert "+ dataset.support, + prompt_template.support, outputs" in older[0]
    tree = applied("state", "history", "--format", "json").json
    assert applied("state", "history", "--json").json == tree  # as it was called before
    assert "--json" not in applied("state", "history", "--help").out
    [newest, second, first] = tree["generations"]
    assert (newest["id"], newest["serial"], newest["resources"]) == ("now", 3, 1)
    assert newest["change"]["removed"] == ["dataset.support"]
    assert second["change"]["added"] == ["dataset.support", "prompt_template.support"]
    assert (first["change"], first["problem"]) == (None, None)


def test_one_damaged_generation_does_not_hide_the_others(applied: Run, project: Path) -> None:
    applied("state", "rm", "dataset.support")
    oldest, newest = sorted((project / "state" / "history").glob("default.json.*"))
    oldest.write_bytes(b"")
    result = applied("state", "history")
    assert result.code == Exit.DONE
    assert "is empty" in result.out
    assert newest.name.rpartition(".")[2] in result.out


@pytest.mark.parametrize("named_by", ["id", "serial"])
def test_a_generation_is_brought_back_under_a_new_serial(
    applied: Run, project: Path, named_by: str
) -> None:
    applied("state", "rm", "dataset.support")
    [_, chosen, _] = applied("state", "history", "--format", "json").json["generations"]
    name = str(chosen[named_by])
    content = snapshot(project).read_bytes()
    dry = applied("state", "repair", "--from", name)
    assert "+ dataset.support: recorded again" in dry.out
    assert "Nothing was written." in dry.out
    assert snapshot(project).read_bytes() == content
    done = applied("state", "repair", "--from", name, "--write")
    assert done.code == Exit.DONE
    state = ledger(project).load()
    assert state.serial > 3
    assert Address.of("dataset", "support") in state.instances
    assert applied("plan").out.startswith("No changes.")


def test_an_unreadable_state_is_replaced_by_a_generation_and_kept_aside(
    applied: Run, project: Path
) -> None:
    applied("state", "mv", "dataset.support", "dataset.other")
    snapshot(project).write_bytes(b"torn")
    assert applied("state", "repair", "--from", "2", "--write").code == Exit.DONE
    assert applied("state", "list").out.split() == ["dataset.support", "prompt_template.support"]
    assert ledger(project).load().serial > 3
    assert b"torn" in [p.read_bytes() for p in (project / "state" / "history").iterdir()]


def test_an_unknown_generation_is_named(applied: Run) -> None:
    refused = applied("state", "repair", "--from", "77")
    assert refused.code == Exit.ERROR
    assert "there is no generation `77`" in refused.err


def test_a_lost_state_is_rebuilt_from_the_last_generation_and_the_journal(
    applied: Run, project: Path
) -> None:
    assert "nothing to repair" in applied("state", "repair").out
    applied("state", "mv", "dataset.support", "dataset.support2")
    snapshot(project).unlink()
    (project / "state" / "default.journal").write_bytes(b"not a line\n")
    assert applied("plan").code == Exit.ERROR
    dry = applied("state", "repair")
    assert "there is a journal" in dry.out
    assert not snapshot(project).exists()
    assert applied("state", "repair", "--write").code == Exit.DONE
    assert ledger(project).load().serial > 3
    assert applied("plan").out.startswith("No changes.")


def test_a_sealed_state_is_repaired_only_when_that_is_meant(
    applied: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNECTL_STATE_KEY", KEY)
    assert applied("state", "seal").code == Exit.DONE
    monkeypatch.delenv("TUNECTL_STATE_KEY")
    for command in (("repair",), ("repair", "--write"), ("history",)):
        result = applied("state", *command)
        assert "is sealed with the key" in result.err + result.out
        assert snapshot(project).read_bytes().startswith(b'{"tunectl_sealed"')


def test_a_key_seals_everything_and_is_asked_for_everywhere(
    applied: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNECTL_STATE_KEY", KEY)
    assert applied("plan").out.startswith("No changes.")
    assert "objects written again, sealed." in applied("state", "seal").out
    files = [p for p in (project / "state").rglob("*") if p.is_file() and p.stat().st_size]
    assert len(files) >= 4
    assert not [p.name for p in files if not p.read_bytes().startswith(b'{"tunectl_sealed"')]
    assert KEY not in applied("state", "pull").out
    monkeypatch.setenv("TUNECTL_STATE_KEY", OTHER)
    for command in COMMANDS:
        result = applied(*command)
        assert result.code == Exit.ERROR, command
        assert "which is not the one given" in result.err
        assert (KEY not in result.err, OTHER not in result.err) == (True, True)
    monkeypatch.setenv("TUNECTL_STATE_KEY_PREVIOUS", KEY)
    assert applied("state", "seal").code == Exit.DONE
    monkeypatch.delenv("TUNECTL_STATE_KEY_PREVIOUS")
    data = project / "data" / "support.jsonl"
    data.write_text(data.read_text("utf-8").replace("Tak.", "Nie.", 1), "utf-8")
    assert "train 1 changed" in applied("plan").out
    assert applied("state", "seal", "--open").code == Exit.DONE
    monkeypatch.delenv("TUNECTL_STATE_KEY")
    assert "train 1 changed" in applied("plan").out
    assert "sealed" not in applied("state", "history").out


def test_a_saved_plan_is_sealed_too(
    applied: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNECTL_STATE_KEY", KEY)
    data = project / "data" / "support.jsonl"
    data.write_text(data.read_text("utf-8").replace("Tak.", "Nie.", 1), "utf-8")
    assert applied("plan", "-o", "my.plan").code == Exit.DONE
    plan = project / "my.plan"
    assert b"dataset" not in plan.read_bytes()
    monkeypatch.delenv("TUNECTL_STATE_KEY")
    refused = applied("show", "my.plan")
    assert refused.code == Exit.ERROR
    assert "`my.plan` is sealed with the key" in refused.err
    monkeypatch.setenv("TUNECTL_STATE_KEY", KEY)
    assert applied("apply", "my.plan").code == Exit.DONE


def test_held_locks_are_listed_and_broken_only_by_their_id(applied: Run, project: Path) -> None:
    assert applied("lock", "list").out == "No lock is held.\n"
    assert applied("--env", "prod", "apply", "--auto-approve").code == Exit.DONE
    store = FileStore(project / "state")
    with store.lock("prod", "apply") as lease:
        assert lease.holder.id in applied("lock", "list").out
        [held] = applied("lock", "list", "--format", "json").json["locks"]
        assert applied("lock", "list", "--json").json["locks"] == [held]
        assert (held["env"], held["id"], held["operation"]) == ("prod", lease.holder.id, "apply")
        refused = applied("lock", "break", "another")
        assert refused.code == Exit.LOCK
        assert lease.holder.id in refused.err
        lease.check()
        broken = applied("lock", "break", lease.holder.id)
        assert "The lock of environment prod is broken" in broken.out
        assert applied("lock", "list").out == "No lock is held.\n"


def known(lineage: str) -> State:
    return State(lineage=lineage, project="helpdesk", env="default")


@pytest.mark.parametrize(
    ("marked", "asked", "recorded", "chosen"),
    [
        ({"a": 2}, "", None, "a"),
        ({"a": 2, "b": 1}, "b", None, "b"),
        ({"a": 2, "b": 1}, "", known("b"), "b"),
        ({"a": 2}, "", known("c"), "c"),
        ({}, "c", known("c"), "c"),
    ],
)
def test_the_history_to_rebuild_is_the_recorded_or_the_only_one(
    marked: dict[str, int], asked: str, recorded: State | None, chosen: str
) -> None:
    assert repairing._chosen(marked, asked, recorded) == chosen


@pytest.mark.parametrize(
    ("marked", "asked", "words"),
    [
        ({"a": 2, "b": 1}, "", "this project's marks name 2 histories"),
        ({"a": 2}, "x", "nothing belongs to lineage `x`"),
        ({}, "", "no object carries this project's mark"),
    ],
)
def test_which_history_is_meant_is_never_guessed(
    marked: dict[str, int], asked: str, words: str
) -> None:
    with pytest.raises(TunectlError, match=words) as refused:
        repairing._chosen(marked, asked, None)
    assert all(f"{name}: {count} marked" in repr(refused.value) for name, count in marked.items())
