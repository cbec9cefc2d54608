"""`{"prompt": …, "completion": …}`: two texts, or two lists of chat messages."""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.shape import Shape, message


def _matches(row: Row) -> bool:
    return "prompt" in row and "completion" in row


def _canonical(row: Row) -> Row:
    prompt, completion = row.pop("prompt"), row.pop("completion")
    return {"messages": [*_messages("user", prompt), *_messages("assistant", completion)], **row}


def _messages(role: str, value: Json) -> list[Json]:
    return value if isinstance(value, list) else [message(role, value)]


PROMPT_COMPLETION = Shape("prompt-completion", "`prompt` and `completion`", _matches, _canonical)
