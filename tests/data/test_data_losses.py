"""What a format cannot carry is told, by name and place."""

from __future__ import annotations

import json

import orjson
import pytest

from tunectl.core.errors import ConfigError, Refused
from tunectl.data.convert import converter, writer
from tunectl.data.shapes import shape_of
from tunectl.data.wire import format_named
from tunectl.data.wire.conversation import UnreadableRowError, conversation
from tunectl.data.wire.losses import KINDS, Losses


def chat(*turns, **more):
    return {"messages": [{"role": role, **said_} for role, said_ in turns], **more}


ASKED = ("user", {"content": "Gdzie jest paczka?"})
ANSWER = ("assistant", {"content": "W drodze."})
CALL = (
    "assistant",
    {
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a":1}'}}
        ]
    },
)
RESULT = ("tool", {"tool_call_id": "c1", "content": "{}"})
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://x.example/kot"}}
LOSSY = {
    "tools": ("alpaca", chat(ASKED, ANSWER, tools=[TOOL])),
    "tool-calls": ("bedrock", chat(ASKED, CALL, RESULT, ANSWER)),
    "parallel-tool-calls": ("gemini", chat(ASKED, ANSWER, parallel_tool_calls=False)),
    "pairing": (
        "sharegpt",
        chat(
            ASKED,
            CALL,
            ASKED,
            (
                "assistant",
                {
                    "tool_calls": [
                        {
                            "id": "c2",
                            "type": "function",
                            "function": {"name": "find", "arguments": "{}"},
                        }
                    ]
                },
            ),
            ("tool", {"tool_call_id": "c2", "content": "x"}),
            ANSWER,
        ),
    ),
    "boundaries": ("sharegpt", chat(ASKED, ANSWER, CALL, RESULT, ANSWER)),
    "weight": ("gemini", chat(ASKED, ("assistant", {"content": "a", "weight": 0}), ASKED, ANSWER)),
    "images": (
        "gemini",
        chat(("user", {"content": [IMAGE, {"type": "text", "text": "?"}]}), ANSWER),
    ),
    "image-detail": (
        "gemini",
        chat(
            (
                "user",
                {
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "https://x.example/k.png", "detail": "low"},
                        }
                    ]
                },
            ),
            ANSWER,
        ),
    ),
    "other-parts": (
        "bedrock-conversation",
        chat(("user", {"content": [{"type": "input_audio", "input_audio": {}}]}), ANSWER),
    ),
    "parts": (
        "bedrock",
        chat(("user", {"content": [{"type": "text", "text": t} for t in "ab"]}), ANSWER),
    ),
    "refusal": ("sharegpt", chat(ASKED, ("assistant", {"content": "a", "refusal": "nie"}))),
    "system": ("gemini", chat(ASKED, ("system", {"content": "krócej"}), ANSWER)),
    "joined": (
        "prompt-completion",
        chat(("system", {"content": "Jesteś pomocny."}), ASKED, ANSWER),
    ),
    "turns": ("csv", chat(ASKED, ANSWER, ASKED, ANSWER)),
    "names": ("gemini", chat(("user", {"content": "a", "name": "anna"}), ANSWER)),
    "keys": ("openai-chat", chat(ASKED, ANSWER, customer_id=7)),
}


@pytest.mark.parametrize("kind", LOSSY)
def test_each_loss_is_told_by_its_name(kind):
    name, row = LOSSY[kind]
    losses = Losses()
    losses.begin("a.jsonl:3")
    format_named(name).of["supervised"](json.loads(json.dumps(row)), losses)
    assert list(losses.found) == [kind]
    assert losses.found[kind].first == "a.jsonl:3"
    allowed = Losses([kind])
    format_named(name).of["supervised"](json.loads(json.dumps(row)), allowed)
    assert allowed.refused == []


def of_gemini(part):
    contents = [
        {"role": "user", "parts": [{"text": "Co to?"}, part]},
        {"role": "model", "parts": [{"text": "Kot."}]},
    ]
    return {"contents": contents}


def of_nova(block):
    messages = [
        {"role": "user", "content": [{"text": "Co to?"}, block]},
        {"role": "assistant", "content": [{"text": "Kot."}]},
    ]
    return {"schemaVersion": "bedrock-conversation-2024", "messages": messages}


NATIVE = [
    ("gemini", of_gemini({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/film.mp4"}})),
    ("gemini", of_gemini({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x"}})),
    ("gemini", of_gemini({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}})),
    ("gemini", of_gemini({"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}})),
    (
        "gemini",
        of_gemini(
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "ż.pdf"}}
        ),
    ),
    (
        "bedrock-conversation",
        of_nova({"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k.mp4"}}}}),
    ),
    (
        "bedrock-conversation",
        of_nova({"document": {"format": "pdf", "name": "d", "source": {"bytes": "AAAA"}}}),
    ),
]


@pytest.mark.parametrize(("name", "row"), NATIVE)
def test_films_sound_and_documents_go_back_to_their_own_provider_as_they_came(name, row):
    canonical = shape_of(row).canonical(json.loads(json.dumps(row)))
    losses = Losses()
    assert format_named(name).of["supervised"](canonical, losses) == row
    assert losses.found == {}
    other = "gemini" if name != "gemini" else "bedrock-conversation"
    format_named(other).of["supervised"](canonical, losses)
    assert list(losses.found) == ["other-parts"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_url": "https://youtu.be/x"}},
        {"type": "file", "file": {"file_url": "gs://b/a.pdf", "mime_type": 7}},
        {"type": "file", "file": {"file_data": "AAAA"}},
        {"type": "file", "file": "gs://b/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": 7, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "flac"}},
        {"type": "video-block"},
    ],
)
def test_a_part_of_which_something_would_be_guessed_is_told_as_lost(part):
    row = chat(("user", {"content": [{"type": "text", "text": "a"}, part]}), ANSWER)
    for name in ("gemini", "bedrock-conversation"):
        losses = Losses()
        format_named(name).of["supervised"](json.loads(json.dumps(row)), losses)
        assert list(losses.found) == ["other-parts"]


def test_every_loss_has_a_case():
    assert set(LOSSY) == KINDS.keys() - {"rejected"}  # of preferences, below


def test_a_preference_as_a_chat_loses_the_rejected_answer():
    row = {
        "input": {"messages": [{"role": "user", "content": "a"}]},
        "preferred_output": [{"role": "assistant", "content": "b"}],
        "non_preferred_output": [{"role": "assistant", "content": "c"}],
    }
    losses = Losses()
    made = converter(format_named("openai-chat"), "preference")(row, losses)
    assert list(losses.found) == ["rejected"]
    assert [one["content"] for one in made["messages"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("gemini", chat(ASKED, CALL, ("tool", {"tool_call_id": "x", "content": "y"})), "no call"),
        ("gemini", chat(ASKED, ("assistant", {"tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": '{"a":1,"a":2}'}}
        ]})), "not a JSON object"),
        ("bedrock", chat(ASKED, CALL), "nothing of it would be left"),
        ("alpaca", chat(ASKED), "does not end with a question and its answer"),
        ("csv", chat(("user", {"content": "a\x00"}), ANSWER), "NUL"),
        ("sharegpt", {"messages": "x"}, "`messages` is not a list"),
        ("sharegpt", {"messages": [{"role": "robot"}]}, "no role that is known"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_written_says_why(name, row, why):
    with pytest.raises(UnreadableRowError, match=why):
        format_named(name).of["supervised"](row, Losses())


def test_the_older_function_call_means_the_same():
    old = chat(
        ASKED,
        ("assistant", {"content": None, "function_call": {"name": "find", "arguments": '{"a":1}'}}),
        ("function", {"name": "find", "content": "{}"}),
        ANSWER,
        functions=[TOOL["function"]],
    )
    assert conversation(old) == conversation(chat(ASKED, CALL, RESULT, ANSWER, tools=[TOOL]))


def test_an_upload_is_refused_rather_than_cut():
    line = writer("gemini")
    assert orjson.loads(line(chat(ASKED, ANSWER)))["contents"][1]["role"] == "model"
    with pytest.raises(Refused, match="`weight`"):
        line(LOSSY["weight"][1])


def test_the_bytes_of_an_openai_upload_are_the_row_as_it_was_written():
    row = orjson.loads('{"b": "ż", "messages": [], "a": {"z": 1, "y": 2}}')
    for name in ("chat", "preference", "reinforcement"):
        assert writer(name)(row) == '{"b":"ż","messages":[],"a":{"z":1,"y":2}}\n'.encode()


@pytest.mark.parametrize(("name", "near"), [("gemin", "gemini"), ("share-gpt", "sharegpt")])
def test_an_unknown_format_names_the_nearest(name, near):
    with pytest.raises(ConfigError) as caught:
        format_named(name)
    assert caught.value.diagnostics[0].hint == f"did you mean `{near}`?"
