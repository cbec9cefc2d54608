"""Formats out: what is written reads back with an equal meaning, or the loss is told."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunectl.data.convert import converter
from tunectl.data.fingerprint import canonical_bytes
from tunectl.data.shapes import shape_of
from tunectl.data.wire import FORMATS, format_named
from tunectl.data.wire.conversation import (
    Conversation,
    UnreadableRowError,
    conversation,
    preference,
)
from tunectl.data.wire.encode import encoder
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.plain_text import object_of

CHATS = [name for name, one in FORMATS.items() if "supervised" in one.of]
PAIRS = [name for name, one in FORMATS.items() if "preference" in one.of and name != "openai-chat"]
EASY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# What a row says ------------------------------------------------------------------------------


def said(row, method="supervised"):
    """The meaning of a canonical row; JSON inside texts counts by its value."""
    if method == "preference":
        pair = preference(row)
        sides = (tuple(map(turned, pair.preferred)), tuple(map(turned, pair.rejected)))
        return whole(pair.input), sides, pair.extras
    return whole(conversation(row))


def whole(talk: Conversation):
    return replace(talk, turns=in_call_order(tuple(map(turned, talk.turns))))


def turned(turn):
    calls = tuple(replace(call, arguments=by_value(call.arguments)) for call in turn.calls)
    parts = turn.parts
    if turn.role == "tool" and len(parts) == 1:
        parts = (replace(parts[0], text=by_value(parts[0].text)),)
    return replace(turn, calls=calls, parts=parts)


def in_call_order(turns):
    """Results that follow one another belong to calls made at once: their order says nothing."""
    made, block = [], []
    for turn in turns:
        if turn.role == "tool":
            block.append(turn)
            continue
        made += [*sorted(block, key=lambda one: one.answers), turn]
        block = []
    return (*made, *sorted(block, key=lambda one: one.answers))


def by_value(text):
    found = object_of(text)
    return text if found is None else canonical_bytes(found).decode()


def there_and_back(name, row, method="supervised"):
    """The canonical row after a way through a format, and the losses that were told."""
    to = format_named(name)
    losses = Losses()
    losses.begin("rows.jsonl:1")
    made = converter(to, method)(json.loads(json.dumps(row)), losses)
    if to.columns:
        coder = encoder(to.columns, "rows.csv")
        text = (coder.head() + coder.row(made)).decode()
        [back] = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    else:
        back = orjson.loads(orjson.dumps(made))
    shape = shape_of(back)
    assert shape is not None
    assert shape.method == method
    return (back if shape.canonical is None else shape.canonical(back)), losses


# Generated conversations ----------------------------------------------------------------------

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12
) | st.sampled_from(["Dzień dobry, gdzie jest paczka?", "Где моя посылка?", '{"a": 1}', "a\r\nb"])
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
IMAGES = st.builds(
    lambda url, detail: {"type": "image_url", "image_url": {"url": url, **detail}},
    st.sampled_from(
        ["https://x.example/kot.png", "data:image/jpeg;base64,AAAA", "s3://b/k.webp", "gs://b/k"]
    ),
    st.sampled_from([{}, {"detail": "auto"}, {"detail": "low"}]),
)


@st.composite
def messages(draw, *, rich=True):
    made = []
    if draw(st.booleans()):
        made.append(
            {"role": draw(st.sampled_from(["system", "developer"])), "content": draw(TEXTS)}
        )
    for turn in range(draw(st.integers(1, 3))):
        made.append(draw(asking(rich)))
        if rich and draw(st.booleans()):
            made += draw(calling(turn))
        if rich and draw(st.integers(0, 9)) == 0:
            made.append({"role": "system", "content": draw(TEXTS)})
        answer = {"role": "assistant", "content": draw(TEXTS)}
        if rich and draw(st.integers(0, 4)) == 0:
            answer["weight"] = draw(st.sampled_from([0, 1]))
        made.append(answer)
    return made


@st.composite
def asking(draw, rich):
    made = {"role": "user", "content": draw(TEXTS)}
    if rich and draw(st.integers(0, 2)) == 0:
        text = TEXTS.map(lambda one: {"type": "text", "text": one})
        made["content"] = draw(st.lists(text | IMAGES, min_size=1, max_size=3))
    if rich and draw(st.integers(0, 9)) == 0:
        made["name"] = draw(NAMES)
    return made


@st.composite
def calling(draw, turn):
    names = draw(st.lists(NAMES, min_size=1, max_size=3))
    ids = [f"call_{turn}_{number}" for number in range(len(names))]
    calls = [
        {
            "id": i,
            "type": "function",
            "function": {"name": n, "arguments": json.dumps(draw(OBJECTS))},
        }
        for i, n in zip(ids, names, strict=True)
    ]
    made = {"role": "assistant", "tool_calls": calls}
    if draw(st.booleans()):
        made["content"] = draw(st.none() | TEXTS)
    answered = draw(st.permutations(ids))[: draw(st.integers(1, len(ids)))]
    content = TEXTS | OBJECTS.map(json.dumps)
    results = [{"role": "tool", "tool_call_id": i, "content": draw(content)} for i in answered]
    return [made, *results]


@st.composite
def chats(draw, *, rich=True):
    row = {"messages": draw(messages(rich=rich))}
    if rich and draw(st.booleans()):
        tool = st.builds(
            lambda name, what, schema: {
                "type": "function",
                "function": {"name": name, "description": what, "parameters": schema},
            },
            NAMES,
            TEXTS,
            OBJECTS.map(lambda one: {"type": "object", "properties": {"a": {"enum": [one]}}}),
        )
        row["tools"] = draw(st.lists(tool, min_size=1, max_size=2))
    if rich and draw(st.integers(0, 9)) == 0:
        row["parallel_tool_calls"] = draw(st.booleans())
    if rich and draw(st.integers(0, 9)) == 0:
        row["customer_id"] = draw(st.integers(-9, 9))
    return row


@pytest.mark.parametrize("name", CHATS)
@EASY
@given(row=chats())
def test_nothing_is_lost_in_silence(name, row):
    try:
        back, losses = there_and_back(name, row)
    except UnreadableRowError:
        return  # told too, and nothing is written
    if not losses.found:
        assert said(back) == said(row)


@pytest.mark.parametrize("name", CHATS)
@EASY
@given(row=chats(rich=False))
def test_plain_questions_and_answers_survive_every_format(name, row):
    if name in ("csv", "prompt-completion"):
        system = name == "csv" and row["messages"][0]["role"] != "user"
        row = {"messages": [*row["messages"][:system]]}
        row["messages"] += [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ż"}]
    back, losses = there_and_back(name, row)
    assert losses.found == {}
    assert said(back) == said(row)


@pytest.mark.parametrize("name", ["openai-chat", "gemini", "bedrock-conversation", "sharegpt"])
@EASY
@given(data=st.data())
def test_tools_calls_and_results_survive_where_the_format_has_them(name, data):
    row = data.draw(chats(rich=False))
    answered = data.draw(calling(0))
    calls = answered[0]["tool_calls"]
    results = {one["tool_call_id"]: one for one in answered[1:]}
    for call in calls:
        results.setdefault(
            call["id"], {"role": "tool", "tool_call_id": call["id"], "content": "нет"}
        )
    row["messages"][-1:-1] = [answered[0], *results.values()]
    back, losses = there_and_back(name, row)
    assert losses.found == {}
    assert said(back) == said(row)


@st.composite
def preferences(draw):
    asked = draw(messages(rich=False))[:-1]
    sides = [[{"role": "assistant", "content": draw(TEXTS)}] for _ in range(2)]
    return {
        "input": {"messages": asked},
        "preferred_output": sides[0],
        "non_preferred_output": sides[1],
    }


@pytest.mark.parametrize("name", PAIRS)
@EASY
@given(row=preferences())
def test_preferences_survive(name, row):
    back, losses = there_and_back(name, row, "preference")
    assert losses.found == {}
    assert said(back, "preference") == said(row, "preference")


# Files others wrote ---------------------------------------------------------------------------

INPUTS = Path(__file__).parents[3] / "shared" / "data"
REAL = ["foundry_gsm8k_train.jsonl", "foundry_gsm8k_val.jsonl", "foundry_tool.jsonl"]
REAL += ["anth_json_mode.jsonl", "lf_glaive.json", "ru_alpaca_seed.jsonl"]


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("file", REAL)
def test_every_real_file_survives_or_says_what_it_loses(file, name):
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    content = (INPUTS / file).read_bytes()
    values = (
        orjson.loads(content) if file.endswith(".json") else map(orjson.loads, content.splitlines())
    )
    rows = 0
    for value in values:
        shape = shape_of(value)
        for part in [value] if shape.parts is None else shape.parts(value):
            row = part if shape.canonical is None else shape.canonical(part)
            row = {key: one for key, one in row.items() if key in ("messages", "tools")}
            rows += survives(name, row)
    assert rows >= 50


def survives(name, row):
    try:
        back, losses = there_and_back(name, row)
    except UnreadableRowError:
        return 1  # told too
    if not losses.found:
        assert said(back) == said(row)
    return 1


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("foundry_gsm8k_train.jsonl", "gemini"),
        ("foundry_gsm8k_train.jsonl", "csv"),
        ("foundry_tool.jsonl", "gemini"),
        ("foundry_tool.jsonl", "bedrock-conversation"),
        ("foundry_tool.jsonl", "sharegpt"),
        ("anth_json_mode.jsonl", "bedrock"),
        ("anth_json_mode.jsonl", "alpaca"),
    ],
)
def test_a_real_file_goes_there_and_back_without_a_loss(file, name):
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    for line in (INPUTS / file).read_bytes().splitlines():
        value = orjson.loads(line)
        shape = shape_of(value)
        row = value if shape.canonical is None else shape.canonical(value)
        back, losses = there_and_back(name, row)
        assert losses.found == {}
        assert said(back) == said(row)
