"""Chat rows whose messages name an `author`, as PaLM's chat tuning took them.

`{"context": "…", "messages": [{"author": "user", "content": "…"}, {"author": "bot", …}]}`
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.shape import Shape, first_message, message

_ROLES: dict[str, str] = {
    "user": "user",
    "human": "user",
    "model": "assistant",
    "bot": "assistant",
    "assistant": "assistant",
    "system": "system",
}


def _matches(row: Row) -> bool:
    first = first_message(row)
    return first is not None and "author" in first


def _canonical(row: Row) -> Row:
    messages = row["messages"]
    assert isinstance(messages, list)
    made = [_message(one) for one in messages]
    context = row.pop("context", None)
    if context is not None:
        made.insert(0, message("system", context))
    return {**row, "messages": made}


def _message(one: Json) -> Json:
    if not isinstance(one, dict) or "author" not in one:
        return one
    author = one["author"]
    role = _ROLES.get(author, author) if isinstance(author, str) else author
    return {"role": role, **{k: v for k, v in one.items() if k != "author"}}


AUTHOR_CHAT = Shape("author-chat", "`messages` with `author`", _matches, _canonical)
