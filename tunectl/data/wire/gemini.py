"""Gemini's row: `contents` with roles `user` and `model`, `systemInstruction`, `tools`.

Source: Google's pages on preparing data for supervised tuning, on tuning function calling, and on
preference tuning (`completions` with a `score`), as of 2026-11.
"""

from __future__ import annotations

import mimetypes
import re

from tunectl.data.fingerprint import Json, Row
from tunectl.data.wire.conversation import (
    Conversation,
    Part,
    Turn,
    UnreadableRowError,
    conversation,
    preference,
)
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.native import gemini_part
from tunectl.data.wire.pairing import Results
from tunectl.data.wire.plain_text import (
    note_extras,
    note_row,
    note_turn,
    object_of,
    system_first,
    tool_schema,
)

DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.+)", re.DOTALL)
_WRAPPED = "output"  # a result that is no object stands under this key


def _supervised(row: Row, losses: Losses) -> Row:
    return _row(conversation(row), losses)


def _preference(row: Row, losses: Losses) -> Row:
    pair = preference(row)
    note_extras(pair.extras, losses)
    made = _row(pair.input, losses)
    completions: list[Json] = []
    for score, turns in ((1, pair.preferred), (0, pair.rejected)):
        if len(turns) != 1 or turns[0].role != "assistant":
            raise UnreadableRowError("an answer is not exactly one message of `assistant`")
        note_turn(turns[0], losses)
        completions.append({"score": score, "completion": _model(turns[0], losses)})
    return {**made, "completions": completions}


def _row(talk: Conversation, losses: Losses) -> Row:
    note_row(talk, losses)
    system, turns = system_first(talk, losses)
    made: Row = {}
    if system:
        made["systemInstruction"] = {"role": "system", "parts": [{"text": t} for t in system]}
    contents: list[Json] = []
    results = Results(talk)
    for turn in turns:
        note_turn(turn, losses, None if turn.role == "tool" else gemini_part)
        if turn.role == "tool":
            results.add(turn)
            continue
        _answered(results, contents, losses)
        if turn.role == "assistant":
            contents.append(_model(turn, losses))
        else:
            contents.append({"role": "user", "parts": _parts(turn, losses)})
    _answered(results, contents, losses)
    made["contents"] = contents
    if talk.tools:
        made["tools"] = [{"functionDeclarations": [tool_schema(tool) for tool in talk.tools]}]
    return made


def _model(turn: Turn, losses: Losses) -> Json:
    parts = _parts(turn, losses) if turn.parts or not turn.calls else []
    for call in turn.calls:
        arguments = object_of(call.arguments)
        if arguments is None:
            raise UnreadableRowError("`arguments` of a call is not a JSON object")
        parts.append({"functionCall": {"name": call.name, "args": arguments}})
    return {"role": "model", "parts": parts}


def _answered(results: Results, contents: list[Json], losses: Losses) -> None:
    """Write the results that follow one another as one turn of the user."""
    block = results.take(by_name=True, losses=losses)
    if block:
        contents.append({"role": "user", "parts": [_response(turn, losses) for turn in block]})


def _response(turn: Turn, losses: Losses) -> Json:
    if len(turn.texts) != len(turn.parts):
        losses.note("images", "an image in a result")
    text = "\n\n".join(turn.texts)
    if len(turn.texts) > 1:
        losses.note("parts", f"{len(turn.texts)} texts in one result")
    found = object_of(text)
    wrapped: Row = {_WRAPPED: text}
    response = wrapped if found is None or found.keys() == {_WRAPPED} else found
    return {"functionResponse": {"name": turn.name, "response": response}}


def _parts(turn: Turn, losses: Losses) -> list[Json]:
    made: list[Json] = []
    for one in turn.parts:
        part: Json = {"text": one.text} if one.kind == "text" else _image(one, losses)
        if part is not None:
            made.append(part)
    return made or [{"text": ""}]


def _image(part: Part, losses: Losses) -> Json:
    """An image or a file as Gemini takes it; None where it is lost."""
    if part.kind != "image":
        return gemini_part(part)
    if part.detail:
        losses.note("image-detail", f"`detail: {part.detail}` of an image")
    inline = DATA_URL.fullmatch(part.text)
    if inline:
        return {"inlineData": {"mimeType": inline[1], "data": inline[2]}}
    kind = part.mime or mimetypes.guess_type(part.text)[0] or ""
    if kind.startswith("image/") and part.text.startswith(("gs://", "http://", "https://")):
        return {"fileData": {"mimeType": kind, "fileUri": part.text}}
    losses.note("images", "an image whose type its URL does not tell")
    return None


GEMINI = Format("gemini", {"supervised": _supervised, "preference": _preference})
