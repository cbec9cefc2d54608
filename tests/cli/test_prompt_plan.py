"""plan of a changed prompt: its words, which examples changed, how many tokens, what price."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from tests.cli.conftest import CONFIG, row
from tunectl.core.value import Address
from tunectl.stores.statefile import decode, encode
from tunectl.views.json_plan import schema

PROVIDER = """
default_provider: local
providers: {local: {trainer: simulated}}
prices: {local: {some-model: {input: 3.00 USD}}}
"""


@pytest.fixture
def edit(project):
    """Change the words of the declaration."""

    def run(old, new, name="tunectl.yaml"):
        path = project / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return run


@pytest.fixture
def applied(project, tunectl):
    (project / "tunectl.yaml").write_text(CONFIG + PROVIDER, "utf-8")
    assert tunectl("apply", "--auto-approve").code == 0
    return tunectl


def prompt_of(result):
    tree = json.loads(result.out)
    jsonschema.validate(tree, schema())
    [change] = [c for c in tree["resource_changes"] if c["type"] == "prompt_template"]
    return change["prompt"]


def test_the_words_the_tokens_and_the_price_of_a_changed_section_are_shown(applied, edit):
    edit("Odpowiadaj krótko.", "Odpowiadaj bardzo krótko. Пиши вежливо.")
    text = applied("plan").out
    assert "| Odpowiadaj{+ bardzo+} krótko.{+ Пиши вежливо.+}" in text
    assert re.search(
        r"tokens: system ~? ?\d+ -> ~? ?\d+ \(\+\d+\) \(estimated\); "
        r"1,000 calls cost (under )?0\.0\d USD more",
        text,
    )
    prompt = prompt_of(applied("plan", "--format", "json"))
    assert "".join(w["text"] for w in prompt["sections"][0]["words"] if w["op"] != "removed") == (
        "Odpowiadaj bardzo krótko. Пиши вежливо."
    )


def test_the_first_plan_says_how_long_each_section_is_and_what_calls_cost(project, tunectl):
    (project / "tunectl.yaml").write_text(CONFIG + PROVIDER, "utf-8")
    text = tunectl("plan").out
    assert re.search(r"section system: 2 words, ~ \d+ tokens", text)
    assert re.search(r"section shots: 2 examples, ~ \d+ tokens", text)
    assert re.search(r"1,000 calls cost (under )?\d+\.\d\d USD at least", text)
    assert "Odpowiadaj" not in text
    assert "Pytanie 1" not in text
    assert "Pytanie 1: czy wysyłacie" in tunectl("plan", "--show-data").out
    prompt = prompt_of(tunectl("plan", "--format", "json"))
    assert {one["id"]: one.get("words_after") for one in prompt["sections"]} == {
        "system": 2,
        "shots": None,
        "ask": 3,
    }


def test_of_examples_only_the_number_is_shown(applied, edit, project):
    lines = [row(number, "Tajna odpowiedź." if number == 1 else "Tak.") for number in range(12)]
    (project / "data" / "support.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    edit("max: 2", "max: 3")
    for format_ in ("human", "json", "markdown"):
        assert "Tajna" not in applied("plan", "--format", format_).out
    text = applied("plan").out
    assert "examples: shots 2 added, 1 removed, 1 kept" in text
    assert "tokens: shots unknown -> " in text
    assert prompt_of(applied("plan", "--format", "json"))["sections"] == [
        {
            "id": "shots",
            "tokens_before": None,
            "tokens_after": prompt_of(applied("plan", "--format", "json"))["sections"][0][
                "tokens_after"
            ],
            "examples": {"added": 2, "removed": 1, "kept": 1},
        }
    ]


def test_a_person_who_asks_sees_the_examples_that_are_new(applied, edit):
    edit("max: 2", "max: 3")
    text = applied("plan", "--show-data").out
    assert "prompt_template.support, section shots" in text
    assert "Pytanie 2: czy wysyłacie do kraju 2?" in text
    assert "Pytanie 1: czy wysyłacie" not in text


def test_without_a_price_the_cost_is_unknown_with_the_reason(applied, edit):
    edit("some-model: {input", "other-model: {input")
    edit("default_provider: local", "default_provider: openai")
    edit("providers: {local", "providers: {openai: {}, local")
    edit("Odpowiadaj krótko.", "Odpowiadaj.")
    assert (
        "what 1,000 calls cost is unknown "
        "(no price is known for questions to `some-model` at provider `openai`)"
    ) in applied("plan").out


def test_an_included_file_is_compared_by_its_words(applied, edit, project):
    (project / "rules.md.j2").write_text("Nie zgaduj.", "utf-8")
    edit('"Odpowiadaj krótko."', "\"{% include 'rules.md.j2' %}\"")
    assert applied("apply", "--auto-approve").code == 0
    assert "No changes" in applied("plan").out
    edit("Nie zgaduj.", "Nigdy nie zgaduj.", name="rules.md.j2")
    text = applied("plan").out
    assert "~ partials.rules.md.j2 = (words)" in text
    assert "| [-Nie-]{+Nigdy nie+} zgaduj." in text
    assert "tokens: rules.md.j2 " in text


def test_a_state_of_the_former_shape_is_written_again_once_and_loses_no_version(applied, project):
    state = decode(applied("state", "pull").out.encode(), "pulled")
    address = Address.of("prompt_template", "support")
    found = state.instances[address]
    version = found.outputs["version"]
    former = replace(
        found,
        spec={name: value for name, value in found.spec.items() if name != "format"},
        outputs={name: found.outputs[name] for name in ("version", "path", "sha256")},
    )
    state = replace(state, instances={**state.instances, address: former})
    (project / "former.json").write_bytes(encode(state, "0"))
    assert applied("state", "push", "former.json", "--force").code == 0
    text = applied("plan").out
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in text
    assert re.findall(r"^ {6}[+~-] (\S+)", text, re.MULTILINE) == ["format"]
    assert "its file is written again, in format 2" in text
    assert applied("apply", "--auto-approve").code == 0
    assert "No changes" in applied("plan").out
    state = json.loads(applied("state", "pull").out)
    [found] = [i for i in state["instances"] if "prompt_template" in str(i["address"])]
    assert [one["version"] for one in found["outputs"]["history"]] == [version]


def test_the_state_keeps_the_versions_and_a_plan_stays_quiet(applied, edit):
    for old, new in (("krótko", "dłużej"), ("dłużej", "krótko")):
        edit(old, new)
        assert applied("apply", "--auto-approve").code == 0
        assert "No changes" in applied("plan").out
        assert applied("drift").code == 0
    state = json.loads(applied("state", "pull").out)
    [found] = [i for i in state["instances"] if "prompt_template" in str(i["address"])]
    first, second, third = (one["version"] for one in found["outputs"]["history"])
    assert first == third != second


def test_examples_that_are_shown_no_longer_and_still_are_rows_are_counted(applied, edit):
    edit("max: 2", "max: 1")
    text = applied("plan").out
    assert "examples: shots 1 removed, 1 kept" in text
    assert "unknown ->" not in text


def test_the_history_goes_on_when_the_file_of_a_prompt_is_lost(applied, edit, project):
    edit("krótko", "dłużej")
    assert applied("apply", "--auto-approve").code == 0
    [file] = (project / ".tunectl" / "prompts" / "default").glob("support.json")
    file.unlink()
    edit("dłużej", "najdłużej")
    assert applied("apply", "--auto-approve").code == 0
    assert file.is_file()
    state = json.loads(applied("state", "pull").out)
    [found] = [i for i in state["instances"] if "prompt_template" in str(i["address"])]
    versions = [one["version"] for one in found["outputs"]["history"]]
    assert len(versions) == len(set(versions)) == 3
    file.write_text("{}", "utf-8")
    assert applied("apply", "--auto-approve").code == 0
    state = json.loads(applied("state", "pull").out)
    [found] = [i for i in state["instances"] if "prompt_template" in str(i["address"])]
    assert [one["version"] for one in found["outputs"]["history"]] == versions


def test_the_history_goes_on_under_a_new_name(applied, edit):
    edit("  support:\n    model: some-model", "  help:\n    model: some-model")
    edit("${prompt_template.support.path}", "${prompt_template.help.path}")
    edit(
        "default_provider: local",
        "moved: [{from: prompt_template.support, to: prompt_template.help}]\n"
        "default_provider: local",
    )
    edit("krótko", "dłużej")
    assert applied("apply", "--auto-approve").code == 0
    state = json.loads(applied("state", "pull").out)
    [found] = [i for i in state["instances"] if "prompt_template" in str(i["address"])]
    assert len(found["outputs"]["history"]) == 2


def test_a_file_that_is_gone_is_missing_here_and_was_not_deleted_remotely(applied, project):
    (project / ".tunectl" / "prompts" / "default" / "support.json").unlink()
    [drift] = json.loads(applied("drift", "--json").out)["resource_drift"]
    assert (drift["address"], drift["reason"]) == ("prompt_template.support", "missing_locally")
    assert "0 deleted, 1 missing here" in applied("drift").out
    text = applied("plan").out
    assert "prompt_template.support is missing here, or its file was edited" in text
    assert "deleted" not in text.replace("destroy", "")
    tree = json.loads(applied("plan", "--format", "json").out)
    assert [one["action_reason"] for one in tree["resource_drift"]] == ["missing_locally"]
    [change] = [c for c in tree["resource_changes"] if c["type"] == "prompt_template"]
    assert change["action_reason"] == "create_because_missing_locally"
