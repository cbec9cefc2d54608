"""ShareGPT: `conversations` of `from` and `value`, tools as JSON text.

Source: LLaMA-Factory, data README, "ShareGPT format" (2026-11): roles `human`, `gpt`,
`function_call` and `observation`, `tools` beside; `chosen` and `rejected` for preferences. A call
that follows `gpt` is read as one message with it.
"""

from __future__ import annotations

import json

from tunectl.data.fingerprint import Json, Row
from tunectl.data.wire.conversation import Call, Conversation, Turn, conversation, preference
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.pairing import Results
from tunectl.data.wire.plain_text import (
    answer_text,
    note_extras,
    note_media,
    note_row,
    note_turn,
    object_of,
    one_text,
    tool_schema,
)

_FROM = {"system": "system", "user": "human", "assistant": "gpt"}


def _supervised(row: Row, losses: Losses) -> Row:
    return _row(conversation(row), losses)


def _preference(row: Row, losses: Losses) -> Row:
    pair = preference(row)
    note_extras(pair.extras, losses)
    return {
        **_row(pair.input, losses),
        "chosen": {"from": "gpt", "value": answer_text(pair.preferred, losses)},
        "rejected": {"from": "gpt", "value": answer_text(pair.rejected, losses)},
    }


def _row(talk: Conversation, losses: Losses) -> Row:
    note_row(talk, losses)
    writing = _Writing(talk, losses)
    for turn in talk.turns:
        writing.add(turn)
    made: Row = {"conversations": writing.finish()}
    if talk.tools:
        tools = [tool_schema(tool) for tool in talk.tools]
        made["tools"] = json.dumps(tools, ensure_ascii=False)
    return made


class _Writing:
    """The turns of one row as they come."""

    def __init__(self, talk: Conversation, losses: Losses) -> None:
        self._made: list[Json] = []
        self._results = Results(talk)
        self._losses = losses
        self._answered = False  # whether the message before is the assistant's

    def add(self, turn: Turn) -> None:
        note_turn(turn, self._losses)
        if turn.role == "tool":
            self._results.add(turn)
            return
        self._flush()
        text = self._text(turn)
        if text or not turn.calls:
            self._say(_FROM[turn.role], text)
        elif self._answered:
            self._losses.note("boundaries", "a call after an answer")
        if turn.calls:
            calls = [_call(call) for call in turn.calls]
            whole = calls[0] if len(calls) == 1 else [*calls]
            self._say("function_call", json.dumps(whole, ensure_ascii=False))
        self._answered = turn.role == "assistant"

    def finish(self) -> Json:
        self._flush()
        return self._made

    def _flush(self) -> None:
        for result in self._results.take(self._losses):
            self._say("observation", self._text(result))
            self._answered = False

    def _say(self, who: str, value: str) -> None:
        self._made.append({"from": who, "value": value})

    def _text(self, turn: Turn) -> str:
        note_media(turn.parts, self._losses)
        return one_text(turn.texts, self._losses)


def _call(call: Call) -> Json:
    arguments = object_of(call.arguments)
    return {"name": call.name, "arguments": call.arguments if arguments is None else arguments}


SHAREGPT = Format("sharegpt", {"supervised": _supervised, "preference": _preference})
