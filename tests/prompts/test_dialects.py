"""Every body is one that the installed SDK of its service takes."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.prompts.trees import ASK, prompt, section, turns
from tunectl.prompts import PromptError
from tunectl.prompts.dialects import DIALECTS, body
from tunectl.prompts.dialects.schema import for_anthropic, for_gemini, is_strict
from tunectl.prompts.export import export

SYSTEM = {"id": "s", "role": "system", "template": "Jesteś pomocny.", "wrap": "instructions"}
SHOTS = section(
    "shots",
    "examples",
    messages=[{"role": "user", "content": "Gdzie?"}, {"role": "assistant", "content": "Tu."}],
)
PROFILE, HISTORY = section("who", "profile"), section("old", "history")
DOCS = section("docs", "documents")
ALL = (SYSTEM, SHOTS, PROFILE, HISTORY, DOCS, ASK)
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"ą": 1}'}}
TOOLS = [
    {"role": "user", "content": "Ile?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "42"},
    {"role": "assistant", "content": "Czterdzieści dwa."},
]
SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string", "minLength": 2, "description": "Po polsku."},
        "sure": {"type": ["boolean", "null"]},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 3},
    },
    "required": ["answer", "sure", "tags"],
}
MODELS = {
    "openai": "gpt-5.6",
    "anthropic": "claude-opus-4-8",
    "gemini": "gemini-3-pro",
    "bedrock": "anthropic.claude-x",
}


def full(**fields: Any):
    made = prompt(*ALL, **fields)
    return made.render(
        question="Kiedy?",
        profile={"name": "Ola", "language": "pl"},
        history=[*turns(1), *TOOLS],
        documents=[{"text": "A <b> i c.", "source": "docs/ż.md", "title": "Tytuł"}, "drugi"],
    )


def check_openai(found: dict[str, Any]) -> None:
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

    validated(CompletionCreateParamsNonStreaming, {"model": "m", **found})


def check_anthropic(found: dict[str, Any]) -> None:
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

    validated(MessageCreateParamsNonStreaming, {"model": "m", **found})


def check_gemini(found: dict[str, Any]) -> None:
    from google.genai import types

    for content in found["contents"]:
        types.Content.model_validate(content)
    types.Content.model_validate(found.get("systemInstruction", {"parts": []}))
    types.GenerationConfig.model_validate(found.get("generationConfig", {}))
    assert set(found) <= {"contents", "systemInstruction", "generationConfig"}


def check_bedrock(found: dict[str, Any]) -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = service.operation_model("Converse").input_shape
    report = ParamValidator().validate({"modelId": "m", **found}, shape)
    assert not report.has_errors(), report.generate_report()


CHECKS = {
    "openai": check_openai,
    "anthropic": check_anthropic,
    "gemini": check_gemini,
    "bedrock": check_bedrock,
}


def validated(kind: Any, found: dict[str, Any]) -> None:
    """Check against an SDK's types, unknown fields included."""
    adapter = TypeAdapter(kind, config=None)
    made = adapter.validate_python(found)
    assert exhausted(made) == exhausted(found)


def exhausted(tree: Any) -> Any:
    """The tree with the lazy lists that pydantic makes of iterables read."""
    if isinstance(tree, dict):
        return {key: exhausted(value) for key, value in tree.items()}
    if isinstance(tree, str | int | float | bool | bytes) or tree is None:
        return tree
    return [exhausted(one) for one in tree]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"cache": {"ttl": "1h"}},
        {"output": {"name": "answer", "schema": SCHEMA}, "cache": {"ttl": "5m"}},
        {"citations": True},
    ],
    ids=["plain", "cache", "output", "citations"],
)
def test_the_sdk_takes_the_body(dialect, fields):
    found = body(dialect, full(**fields), model=MODELS[dialect])
    CHECKS[dialect](found)
    assert json.loads(json.dumps(found, ensure_ascii=False)) == found


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "bedrock"])
def test_turns_alternate_and_begin_with_the_user(dialect):
    found = body(dialect, full())
    roles = [one["role"] for one in found.get("messages") or found["contents"]]
    assert roles[0] == "user"
    assert all(a != b for a, b in pairwise(roles))
    assert roles[-1] == "user"


def test_documents_and_question_are_one_user_turn_of_two_blocks():
    last = body("anthropic", full())["messages"][-1]["content"]
    assert [block["type"] for block in last] == ["text", "text"]
    assert last[0]["text"].startswith("<documents>")
    assert last[1]["text"] == "Kiedy?"


def test_openai_sends_neighbours_of_one_side_as_one_message():
    sent = body("openai", full())["messages"]
    assert [one["role"] for one in sent] == [
        "system", "user", "assistant", "system", "user", "assistant",
        "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    assert sent[-1]["content"].endswith("</documents>\n\nKiedy?")
    assert sent[7] == {"role": "assistant", "content": None, "tool_calls": [CALL]}


def test_tools_of_the_history_are_told_in_each_services_words():
    blocks = [b for m in body("anthropic", full())["messages"] for b in m["content"]]
    assert {"type": "tool_use", "id": "c1", "name": "f", "input": {"ą": 1}} in blocks
    assert {"type": "tool_result", "tool_use_id": "c1", "content": "42"} in blocks
    parts = [p for c in body("gemini", full())["contents"] for p in c["parts"]]
    assert {"functionResponse": {"name": "f", "response": {"result": "42"}}} in parts


# Caches


def controls(found: dict[str, Any]) -> list[str]:
    blocks = [*found.get("system", []), *(b for m in found["messages"] for b in m["content"])]
    return [b["text"] for b in blocks if "cache_control" in b]


def test_without_a_cache_nothing_is_marked():
    assert controls(body("anthropic", full())) == []
    assert "cachePoint" not in json.dumps(body("bedrock", full()))
    assert "prompt_cache" not in json.dumps(body("openai", full(), model="gpt-5.6"))


def test_claudes_cache_ends_with_what_never_changes_and_with_what_is_the_users():
    found = body("anthropic", full(cache={"ttl": "1h"}))
    assert [text[:14] for text in controls(found)] == ["<instructions>", "Tu."]
    assert found["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_a_declared_breakpoint_goes_before_the_default_and_four_are_the_most():
    sections = [
        {"id": f"s{at}", "role": "system", "template": f"część {at}", "breakpoint": True}
        for at in range(6)
    ]
    found = prompt(*sections, ASK, cache={"ttl": "5m"}).request("anthropic", question="x")
    assert controls(found) == ["część 2", "część 3", "część 4", "część 5"]


def test_a_breakpoint_keeps_the_examples_before_it_though_instructions_are_read_first():
    known = {**PROFILE, "breakpoint": True}
    made = prompt(SYSTEM, SHOTS, known, HISTORY, ASK)
    said = {"question": "Kiedy?", "profile": {"name": "Ola"}, "history": turns(1)}
    found = made.request("anthropic", **said)
    assert controls(found) == ["Tu."]
    assert "cache_control" not in found["system"][-1]
    sent = body("bedrock", made.render(**said))
    assert "cachePoint" in sent["messages"][1]["content"][-1]
    assert sum("cachePoint" in block for block in sent["system"]) == 0


def test_a_breakpoint_stays_before_what_changes_more_often():
    first = {**SYSTEM, "breakpoint": True}
    asked = {
        "id": "asked",
        "role": "system",
        "template": "{{ question }}",
        "volatility": "per_turn",
    }
    found = prompt(SHOTS, first, asked, ASK).request("anthropic", question="Kiedy?")
    assert [text[:14] for text in controls(found)] == ["<instructions>"]


def test_bedrock_marks_the_cache_only_for_models_that_have_one():
    rendered = full(cache={"ttl": "1h"})
    for model, points in (("", 2), ("eu.amazon.nova-2-lite-v1:0", 2), ("meta.llama4", 0)):
        sent = json.dumps(body("bedrock", rendered, model=model))
        assert sent.count('{"cachePoint": {"type": "default", "ttl": "1h"}}') == points


@pytest.mark.parametrize(
    ("model", "explicit"),
    [("gpt-5.6", True), ("gpt-5.10-mini", True), ("gpt-6", True), ("ft:gpt-5.6-mini:acme::x", True),
     ("gpt-5.5", False), ("gpt-5", False), ("gpt-4o-mini", False), ("helpdesk-support", False)],
)  # fmt: skip
def test_openai_is_told_of_breakpoints_only_where_the_model_has_them(model, explicit):
    found = body("openai", full(cache={"ttl": "1h"}), model=model)
    assert ("prompt_cache_options" in found) is explicit
    parts = [p for m in found["messages"] if isinstance(m["content"], list) for p in m["content"]]
    ends = [p["prompt_cache_breakpoint"] for p in parts if "prompt_cache_breakpoint" in p]
    assert ends == ([{"mode": "explicit", "ttl": "12h"}] * 2 if explicit else [])


def test_a_breakpoint_counts_without_a_declared_cache_too():
    made = prompt({**SYSTEM, "breakpoint": True}, ASK, model="gpt-5.6")
    content = made.request(question="x")["messages"][0]["content"]
    assert content[0]["prompt_cache_breakpoint"] == {"mode": "explicit", "ttl": "30m"}


def test_parts_of_a_message_read_as_the_message_would():
    plain = body("openai", full(cache={"ttl": "1h"}), model="gpt-4o")["messages"]
    parts = body("openai", full(cache={"ttl": "1h"}), model="gpt-6")["messages"]
    texts = [
        "".join(p["text"] for p in one["content"])
        if isinstance(one["content"], list)
        else one["content"]
        for one in parts
    ]
    assert texts == [one["content"] for one in plain]


# Structured output


def test_openai_is_strict_where_the_schema_allows_it():
    asked = body("openai", full(output={"name": "answer", "schema": SCHEMA}))["response_format"]
    assert asked["json_schema"]["strict"] is True
    assert asked["json_schema"]["schema"]["additionalProperties"] is False
    loose = {**SCHEMA, "required": ["answer"]}
    asked = body("openai", full(output={"name": "answer", "schema": loose}))["response_format"]
    assert asked["json_schema"]["strict"] is False


@pytest.mark.parametrize(
    ("model", "words"), [("gpt-5", {"minLength"}), ("ft:gpt-4o:a::b", {"minLength", "maxItems"})]
)
def test_what_openai_cannot_be_held_to_strictly_is_told_in_words(model, words):
    asked = body("openai", full(output={"name": "a", "schema": SCHEMA}), model=model)
    schema = asked["response_format"]["json_schema"]["schema"]
    properties = schema["properties"]
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert properties["answer"]["description"] == "Po polsku.\n\n{minLength: 2}"
    assert ("maxItems" in properties["tags"]) is ("maxItems" not in words)


def test_a_list_at_the_root_is_not_strict():
    found = body("openai", full(output={"name": "a", "schema": {"type": "array", "items": SCHEMA}}))
    assert found["response_format"]["json_schema"]["strict"] is False


def test_a_schema_is_strict_only_with_all_that_is_in_it():
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    assert is_strict(closed)
    assert not is_strict({**closed, "properties": {"a": {"type": "object"}}, "required": ["a"]})
    assert not is_strict({"allOf": [closed]})


def test_what_claude_cannot_be_held_to_is_told_in_words_as_its_sdk_does():
    from anthropic.lib._parse._transform import transform_schema

    nested = {
        "type": "object",
        "description": "Odpowiedź.",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 9},
            "t": {"type": "string", "format": "date", "pattern": "^2"},
            "l": {"type": "array", "items": {"$ref": "#/$defs/x"}, "minItems": 3},
            "o": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["n"],
        "$defs": {"x": {"type": "object", "properties": {"a": {"type": "number"}}}},
    }
    assert for_anthropic(nested) == transform_schema(nested)


def test_gemini_gets_its_own_schema_where_it_can_say_all_of_it():
    from google.genai import types

    made = for_gemini(SCHEMA)["responseSchema"]
    types.Schema.model_validate(made)
    assert made["properties"]["sure"] == {"type": "BOOLEAN", "nullable": True}
    assert made["propertyOrdering"] == ["answer", "sure", "tags"]
    referring = {"$ref": "#/$defs/a", "$defs": {"a": SCHEMA}}
    assert for_gemini(referring) == {"responseJsonSchema": referring}


# Citations, and what a service does not take


def test_claude_gets_documents_to_cite_whose_texts_are_what_they_are():
    last = body("anthropic", full(citations=True))["messages"][-1]["content"]
    assert last[0] == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "A <b> i c."},
        "title": "Tytuł",
        "context": "docs/ż.md",
        "citations": {"enabled": True},
    }
    assert [block["type"] for block in last] == ["document", "document", "text"]


def test_bedrock_gives_documents_names_that_it_takes_and_only_to_claude():
    last = body("bedrock", full(citations=True), model="us.anthropic.claude-x")["messages"][-1]
    assert [b["document"]["name"] for b in last["content"][:2]] == ["1 Tytu", "2 document 2"]
    other = body("bedrock", full(citations=True), model="meta.llama4")["messages"][-1]
    assert other["content"][0]["text"].startswith("<documents>")


def test_citations_and_a_schema_are_refused_for_claude():
    with pytest.raises(PromptError, match="keep one of them"):
        body("anthropic", full(citations=True, output={"name": "a", "schema": SCHEMA}))


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "bedrock"])
def test_a_prompt_without_a_users_words_is_refused_where_it_must_have_some(dialect):
    with pytest.raises(PromptError, match="`role: user`"):
        prompt(SYSTEM).request(dialect, question="x")
    first = {"id": "hello", "role": "assistant", "template": "Dzień dobry!"}
    with pytest.raises(PromptError, match="`hello` comes first"):
        prompt(SYSTEM, first, ASK).request(dialect, question="x")


def test_an_unknown_dialect_is_named_with_those_there_are():
    with pytest.raises(PromptError, match="no dialect `cohere`; there are `openai`"):
        prompt(ASK).request("cohere", question="x")


@pytest.mark.parametrize(
    ("dialect", "model", "said"),
    [
        ("openai", "gpt-5.6", {"max_completion_tokens": 700}),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x", {"max_completion_tokens": 700}),
        ("openai", "o4-mini", {"max_completion_tokens": 700}),
        ("openai", "smollm2-135m-instruct", {"max_tokens": 700}),
        ("openai", "gpt-oss-20b", {"max_tokens": 700}),
        ("anthropic", "claude-opus-4-8", {"max_tokens": 700}),
        ("gemini", "gemini-3-pro", {"generationConfig": {"maxOutputTokens": 700}}),
        ("bedrock", "amazon.nova-lite-v1:0", {"inferenceConfig": {"maxTokens": 700}}),
    ],
)
def test_the_longest_answer_is_said_in_the_words_of_each_service(dialect, model, said):
    budget = {"context_tokens": None, "reserve_output": 900}
    plain = body(dialect, prompt(ASK, budget=budget).render(question="x"), model=model)
    limited = prompt(ASK, budget={**budget, "max_output": 700})
    found = body(dialect, limited.render(question="x"), model=model)
    assert {key: found[key] for key in said} == said
    rest = {key: value for key, value in found.items() if key not in said}
    assert rest == {key: value for key, value in plain.items() if key not in said}
    # What is only kept free limits no answer, but where the service wants a limit.
    assert not set(said) & set(plain) or dialect == "anthropic"
    told = export(replace(limited, model=model), dialect)["request"]
    assert told == said


def test_the_longest_answer_and_its_schema_go_together():
    made = prompt(ASK, budget={"max_output": 700}, output={"name": "a", "schema": SCHEMA})
    found = body("gemini", made.render(question="x"), model="gemini-3-pro")["generationConfig"]
    assert found["maxOutputTokens"] == 700
    assert found["responseMimeType"] == "application/json"
    assert export(made, "gemini")["request"]["generationConfig"] == found
