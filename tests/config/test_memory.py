"""Memories in a declaration: what is lowered, what is refused, and what an artefact is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.making import loaded, project, resources, write
from tunectl.config.load import declared_memories
from tunectl.core.errors import ConfigError, Severity

ROOT = Path(__file__).parents[2]
HEAD = "project: shop\n"
WHOLE = (
    HEAD
    + """
memory:
  customers:
    profile:
      imię: {type: string, max_chars: 80, inject: true}
      language: {one_of: [pl, ru], default: pl, personal: false, inject: true}
      topics: {type: list, max_chars: 30}
      vip: boolean
    sessions: {expires_after: 90d, max_turns: 200}
"""
)


def refused(tmp_path, fields):
    with pytest.raises(ConfigError) as told:
        loaded(project(tmp_path, f"{HEAD}\nmemory:\n  m: {fields}\n"))
    return told.value.diagnostics


def of(tmp_path, text, **options):
    root = project(tmp_path, text)
    return declared_memories(root, environ={}, **options)


def test_a_memory_says_all_that_an_application_needs(tmp_path):
    found = resources(project(tmp_path, WHOLE))["memory.customers"]
    assert found.provider == "builtin"
    assert found.spec == {
        "name": "customers",
        "store": {"file": ".tunectl/memory/default/customers.db"},
        "profile": {
            "imię": {"type": "string", "max_chars": 80, "personal": True, "inject": True},
            "language": {
                "type": "string",
                "one_of": ("pl", "ru"),
                "default": "pl",
                "personal": False,
                "inject": True,
            },
            "topics": {
                "type": "list",
                "max_chars": 30,
                "max_items": 50,
                "personal": True,
                "inject": False,
            },
            "vip": {"type": "boolean", "personal": True, "inject": False},
        },
        "sessions": {"expires_after_s": 90 * 86_400, "max_turns": 200},
    }
    assert declared_memories(tmp_path, environ={}) == (found.spec,)


def test_each_environment_and_each_item_has_a_file_of_its_own(tmp_path):
    text = HEAD + "environments: [prod]\nmemory:\n  m: {for_each: [pl, 'r/u', '..']}\n"
    files = [one["store"]["file"] for one in of(tmp_path, text, env="prod")]
    assert files == [
        ".tunectl/memory/prod/m[pl].db",
        ".tunectl/memory/prod/m[r%2Fu].db",
        ".tunectl/memory/prod/m[%2E%2E].db",
    ]


def test_a_database_is_named_by_its_variable_and_memories_in_it_are_told_apart(tmp_path):
    (found,) = of(tmp_path, HEAD + "memory:\n  m: {store: {url_env: MEMORY_URL}}\n")
    assert found["store"] == {"url_env": "MEMORY_URL", "space": "shop/default/m"}


@pytest.mark.parametrize(
    "store",
    [
        "{url: 'postgresql://ala:KANAREK@host/db'}",
        "postgresql://ala:KANAREK@host/db",
        "{file: 'postgresql://ala:KANAREK@host/db'}",
        "{url_env: 'postgresql://ala:KANAREK@host/db'}",
        "{url: 'postgresql://host/db?password=KANAREK'}",
        "{url: 'postgresql://ala:KAN/AREK@KANAREK@host/db', file: x.db}",
    ],
)
def test_a_url_in_the_file_is_refused_without_showing_it(tmp_path, store):
    (told,) = refused(tmp_path, f"{{store: {store}}}")
    assert "url_env" in told.hint
    assert "KANAREK" not in f"{told.summary} {told.hint} {told.detail} {told.source.text}"
    assert "AREK" not in told.source.text


@pytest.mark.parametrize("file", ["../m.db", "/tmp/m.db", "data/../../m.db"])
def test_a_file_outside_the_project_is_refused(tmp_path, file):
    (told,) = refused(tmp_path, f"{{store: {{file: {file}}}}}")
    assert told.summary == "the file of a memory lies outside the project"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("{store: {}}", "says nothing"),
        ("{store: {file: a.db, url_env: A}}", "has both `file:` and `url_env:`"),
        ("{store: {url_env: 'a b'}}", "no name of a variable"),
        ("{profile: {age: {type: integer, max_chars: 3}}}", "sets `max_chars`"),
        ("{profile: {age: {type: integer, max_items: 3}}}", "sets `max_items`"),
        ("{profile: {vip: {type: boolean, one_of: [a]}}}", "sets `one_of`"),
        ("{profile: {age: {type: integer, one_of: [a]}}}", "is no integer"),
        ("{profile: {name: {one_of: [1]}}}", "is no text"),
        ("{profile: {age: {type: integer, default: x}}}", "a default that is no integer"),
        ("{profile: {age: {type: integer, default: true}}}", "a default that is no integer"),
        ("{profile: {name: {max_chars: 2, default: abc}}}", "longer than 2 characters"),
        ("{profile: {name: {one_of: [a], default: b}}}", "is not under `one_of`"),
        ("{profile: {born: {type: date, default: 1.2.2000}}}", "no date such as"),
        ("{profile: {tags: {type: list, default: x}}}", "is no list of texts"),
        ("{profile: {tags: {type: list, max_items: 1, default: [a, b]}}}", "more than 1 items"),
        ("{profile: {name: {type: text}}}", "`profile.name.type`"),
        ("{profile: {first-name: string}}", "is not a name"),
        ("{sessions: {expires_after: 90}}", "must be a duration"),
        ("{sessions: {max_turns: 0}}", "at least 1"),
        ("{provider: local}", "belongs to no provider"),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(tmp_path, fields, why):
    told = [d for d in refused(tmp_path, fields) if d.severity is Severity.ERROR]
    assert any(why in d.summary for d in told), [d.summary for d in told]
    assert all(d.source is not None and d.source.line == 4 for d in told)


def test_two_memories_in_one_file_are_refused(tmp_path):
    text = HEAD + "memory:\n  a: {store: data/m.db}\n  b: {store: {file: ./data/m.db}}\n"
    with pytest.raises(ConfigError, match=r"`memory.b` and `memory.a` name the same file"):
        loaded(project(tmp_path, text))


def test_a_profile_of_which_nothing_is_ever_said_is_warned_of(tmp_path):
    root = project(tmp_path, HEAD + "memory:\n  m: {profile: {name: string}}\n")
    (warned,) = loaded(root).project.warnings
    assert warned.summary == "no field of the profile of `memory.m` is ever said to a model"


def test_memories_are_told_though_the_data_is_broken(tmp_path):
    text = WHOLE + "dataset:\n  broken: {source: data/none.jsonl}\n"
    assert [one["name"] for one in of(tmp_path, text)] == ["customers"]


def test_the_declaration_in_the_manual_loads(tmp_path):
    text = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    shown = text.partition("```yaml\n")[2].partition("```")[0]
    root = project(tmp_path, HEAD + shown.replace("endpoint.support", "gpt-4.1-mini"))
    write(root, "prompts/system.md.j2", "Pomagasz klientom.\n")
    made = resources(root)
    assert made["prompt_template.support"].spec["memory"] == made["memory.customers"].spec
