"""Bedrock's rows: Claude's `system` + `messages`, and the conversation schema (Nova, Converse).

Sources: the official cookbook for tuning Claude 3 Haiku (texts only, no other keys); AWS's user
guide to Amazon Nova, "Preparing data for SFT" (`schemaVersion: bedrock-conversation-2024`, content
blocks, `toolConfig`), as of 2026-11.
"""

from __future__ import annotations

import re

from tunectl.data.fingerprint import Json, Row
from tunectl.data.wire.conversation import Conversation, Part, Turn, UnreadableRowError
from tunectl.data.wire.conversation import conversation as read_conversation
from tunectl.data.wire.format import Format
from tunectl.data.wire.gemini import DATA_URL
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.native import nova_block
from tunectl.data.wire.plain_text import (
    note_row,
    note_turn,
    object_of,
    one_text,
    spoken,
    system_first,
    tool_schema,
)

SCHEMA = "bedrock-conversation-2024"
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_ENDINGS = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "gif": "gif", "webp": "webp"}


def _claude(row: Row, losses: Losses) -> Row:
    system, turns = spoken(read_conversation(row), losses)
    made: Row = {"system": one_text(system, losses)} if system else {}
    made["messages"] = [{"role": role, "content": text} for role, text in turns]
    return made


def _conversation(row: Row, losses: Losses) -> Row:
    talk = read_conversation(row)
    note_row(talk, losses)
    system, turns = system_first(talk, losses)
    made: Row = {"schemaVersion": SCHEMA}
    if system:
        made["system"] = [{"text": text} for text in system]
    if talk.tools:
        specs = [{"toolSpec": _spec(tool_schema(tool))} for tool in talk.tools]
        made["toolConfig"] = {"tools": [*specs]}
    ids = _ids(talk)
    messages: list[Json] = []
    results: list[Json] = []
    count = 0
    for turn in turns:
        note_turn(turn, losses, nova_block)
        if turn.role == "tool":
            results.append(_result(turn, ids, losses))
            continue
        if results:
            messages.append({"role": "user", "content": results})
            results = []
        blocks = _blocks(turn, losses)
        for call in turn.calls:
            arguments = object_of(call.arguments)
            if arguments is None:
                raise UnreadableRowError("`arguments` of a call is not a JSON object")
            use: Row = {"toolUseId": ids[count], "name": call.name, "input": arguments}
            blocks.append({"toolUse": use})
            count += 1
        messages.append({"role": turn.role, "content": blocks or [{"text": ""}]})
    if results:
        messages.append({"role": "user", "content": results})
    return {**made, "messages": messages}


def _spec(schema: Row) -> Json:
    return {
        **{key: value for key, value in schema.items() if key != "parameters"},
        "inputSchema": {"json": schema.get("parameters", {})},
    }


def _ids(talk: Conversation) -> list[str]:
    """The ids of the calls, made anew where one stands twice or is none that Bedrock takes."""
    ids = [call.id for call in talk.calls]
    if all(map(_ID.fullmatch, ids)) and len(set(ids)) == len(ids):
        return ids
    return [f"call_{number}" for number in range(1, len(ids) + 1)]


def _result(turn: Turn, ids: list[str], losses: Losses) -> Json:
    if turn.answers < 0:
        raise UnreadableRowError("a result answers no call")
    blocks = _blocks(turn, losses) or [{"text": ""}]
    return {"toolResult": {"toolUseId": ids[turn.answers], "content": blocks}}


def _blocks(turn: Turn, losses: Losses) -> list[Json]:
    made: list[Json] = []
    for part in turn.parts:
        if part.kind == "text":
            made.append({"text": part.text})
        elif part.kind == "image" and (image := _image(part, losses)):
            made.append({"image": image})
        elif block := nova_block(part):
            made.append(block)
    return made


def _image(part: Part, losses: Losses) -> Json:
    if part.detail:
        losses.note("image-detail", f"`detail: {part.detail}` of an image")
    inline = DATA_URL.fullmatch(part.text)
    if inline and inline[1] in _IMAGES:
        return {"format": _IMAGES[inline[1]], "source": {"bytes": inline[2]}}
    kind = _IMAGES.get(part.mime) or _ENDINGS.get(part.text.rpartition(".")[2].lower())
    if part.text.startswith("s3://") and kind:
        return {"format": kind, "source": {"s3Location": {"uri": part.text}}}
    losses.note("images", "an image that is neither inline nor in S3")
    return None


BEDROCK = Format("bedrock", {"supervised": _claude})
BEDROCK_CONVERSATION = Format("bedrock-conversation", {"supervised": _conversation})
