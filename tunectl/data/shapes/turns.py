"""Chat messages from formats in which a call and its answer have no id.

OpenAI's chat object ties an answer to its call by an id. Where the format has none, ids are made
(`call_1`, `call_2`, … in the order of the row), and an answer belongs to the earliest open call of
its name, or of any name where it gives none. An answer that fits no call is carried over without
an id; the checks report it.
"""

from __future__ import annotations

import orjson

from tunectl.data.fingerprint import Json, Row, canonical_bytes


def json_text(value: Json) -> str:
    """A value of the row as JSON text; sorted, because the order of keys says nothing."""
    return canonical_bytes(value).decode()


def as_written(value: Json) -> str:
    """A value that was itself a text, as JSON text: its keys stay in their order."""
    return orjson.dumps(value).decode()


class Turns:
    """The messages of one row as they come.

    Attributes:
        messages: what was made so far.
    """

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self._open: list[tuple[str, str]] = []  # name and id of calls without an answer
        self._made = 0
        self._last: Row | None = None  # the assistant's message that may take more calls

    def say(self, role: Json, content: Json, more: Row | None = None) -> None:
        """Add a message."""
        made: Row = {"role": role, "content": content, **(more or {})}
        self.messages.append(made)
        self._last = made if role == "assistant" else None

    def keep(self, message: Json) -> None:
        """Add a message as it is."""
        self.messages.append(message)
        self._last = None

    def call(self, name: Json, arguments: Json, id_: Json = None, more: Row | None = None) -> None:
        """Add a call: to the assistant's message just before it, or as one of its own."""
        if not isinstance(id_, str) or not id_:
            self._made += 1
            id_ = f"call_{self._made}"
        if self._last is None:
            made: Row = {"role": "assistant"}
            self.messages.append(made)
            self._last = made
        calls = self._last.setdefault("tool_calls", [])
        assert isinstance(calls, list)
        calls.append(
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        )
        self._last.update(more or {})
        self._open.append((name if isinstance(name, str) else "", id_))

    def answer(
        self, content: Json, name: Json = None, id_: Json = None, more: Row | None = None
    ) -> None:
        """Add what a tool answered."""
        found = self._asked(name, id_)
        made: Row = {"role": "tool"}
        if found is not None:
            self._open.remove(found)
            made["tool_call_id"] = found[1]
        elif id_ is not None:
            made["tool_call_id"] = id_
        if name is not None and (found is None or found[0] != name):
            made["name"] = name
        self.messages.append({**made, "content": content, **(more or {})})
        self._last = None

    def _asked(self, name: Json, id_: Json) -> tuple[str, str] | None:
        """The open call that is answered."""
        if isinstance(id_, str) and id_:
            return next((one for one in self._open if one[1] == id_), None)
        if name is None:
            return self._open[0] if self._open else None
        return next((one for one in self._open if one[0] == name), None)

    def ends_calls(self) -> None:
        """A text comes now: the message of the calls before it is complete."""
        self._last = None
