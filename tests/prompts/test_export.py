"""The export says in plain JSON what rendering does; a reader written after its words agrees."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.prompts.trees import ASK, prompt, section
from tunectl.prompts import PromptError
from tunectl.prompts.dialects import DIALECTS
from tunectl.prompts.export import export

SYSTEM = {
    "id": "s",
    "role": "system",
    "template": "{# note #}\nJesteś pomocny.\n{% include 'tone' %}\n",
    "breakpoint": True,
}
SHOTS = section(
    "shots",
    "examples",
    messages=[{"role": "user", "content": "Gdzie?"}, {"role": "assistant", "content": "Tu."}],
)
WRAPPED = {"id": "ask", "role": "user", "template": "Pytanie: {{ question }}", "wrap": "q"}
HELLO = section("hello", "profile", template="Dla {{ profile.name }}.", **{"as": "user"})
ALL = (
    SYSTEM, SHOTS, section("who", "profile"), HELLO, section("old", "history", max_tokens=9),
    section("docs", "documents", knowledge="manual", query="{{ question }}"), WRAPPED,
)  # fmt: skip
PARTIALS = {"tone": "Odpowiadaj: {{ question }}!"}
SCHEMA = json.loads(
    files("tunectl.prompts").joinpath("export.schema.json").read_text(encoding="utf-8")
)
OUTPUT = {"name": "answer", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}


def read(
    found: dict[str, Any], inputs: dict[str, str], profile: dict[str, str]
) -> list[dict[str, str]]:
    """Do what `how` says, for texts, inputs and profile."""

    def value(part):
        if "text" in part:
            return part["text"]
        if part.get("profile") is True:
            return "\n".join(
                f"<{k}>{escape(v)}</{k}>" for k, v in profile.items() if k in found["profile"]
            )
        given = inputs[part["input"]] if "input" in part else profile[part["profile"]]
        return escape(given) if part.get("escape") == "xml" else given

    messages = []
    for one in found["messages"]:
        if not {"history", "documents", "examples"} & {
            key for part in one["parts"] for key in part
        }:
            text = "".join(map(value, one["parts"])).strip()
            if text:
                tag = one.get("wrap")
                text = f"<{tag}>\n{text}\n</{tag}>" if tag else text
                messages.append({"role": one["role"], "content": text})
    return messages


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize("output", [None, OUTPUT])
def test_the_export_fits_its_schema(dialect, output):
    found = export(prompt(*ALL, partials=PARTIALS, output=output), dialect)
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(SCHEMA).iter_errors(json.loads(json.dumps(found)))) == []
    assert found["dialect"] == dialect


def test_a_reader_that_does_as_it_is_told_sends_what_python_sends():
    made = prompt(*ALL, partials=PARTIALS)
    inputs, profile = (
        {"question": "a < b </q> & „c”"},
        {"name": "</user_profile>", "language": "pl"},
    )
    rendered = made.render(**inputs, profile=profile, documents=[])
    assert read(export(made), inputs, profile) == [
        {"role": one.role, "content": one.text} for one in rendered.messages
    ]


def test_slots_and_limits_are_told():
    found = {one["section"]: one for one in export(prompt(*ALL, partials=PARTIALS))["messages"]}
    assert found["old"]["parts"] == [{"history": True}]
    assert found["old"]["max_tokens"] == 9
    assert found["docs"]["parts"] == [{"documents": "docs"}]
    assert found["docs"]["query"] == [{"input": "question"}]
    assert found["s"]["breakpoint"] is True
    assert found["ask"]["parts"] == [{"text": "Pytanie: "}, {"input": "question", "escape": "xml"}]


def test_a_search_by_the_last_questions_is_told_and_fits_the_schema():
    docs = section(
        "docs", "documents", knowledge="manual", query_turns=2, query="{{ history }} {{ question }}"
    )
    made = export(prompt(docs, ALL[-1], partials=PARTIALS))
    assert list(Draft202012Validator(SCHEMA).iter_errors(made)) == []
    found = made["messages"][0]
    assert found["query"] == [{"said": True}, {"text": " "}, {"input": "question"}]
    assert found["query_turns"] == 2
    with pytest.raises(PromptError, match="has an expression"):
        export(prompt({**docs, "query_turns": None, "role": "documents"}, ALL[-1]))


def test_only_fields_that_may_be_said_are_told():
    assert set(export(prompt(*ALL, partials=PARTIALS))["profile"]) == {"name", "language"}


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini", "bedrock"])
def test_the_schema_of_the_answer_is_the_one_that_the_body_has(dialect):
    made = prompt(ASK, output=OUTPUT)
    body = made.request(dialect, question="x")
    for key, value in export(made, dialect)["request"].items():
        assert body[key] == value


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if question %}x{% endif %}", "has `if` in line 1"),
        ("a\n{% for c in question %}x{% endfor %}", "has `for` in line 2"),
        ("{{ question | upper }}", "has an expression in line 1"),
    ],
)
def test_what_only_jinja_can_is_refused_by_name_or_carried(template, words):
    made = prompt({"id": "a", "role": "user", "template": template})
    with pytest.raises(PromptError, match=f"section `a` {words}.*templates carried"):
        export(made)
    found = export(made, carry=True)
    assert found["needs"] == ["jinja"]
    assert found["messages"][0]["parts"] == [{"jinja": template}]
    assert list(Draft202012Validator(SCHEMA).iter_errors(found)) == []


def test_an_unknown_dialect_is_refused():
    with pytest.raises(PromptError, match="no dialect `x`"):
        export(prompt(ASK), "x")
