"""The canonical bytes of a row and the hashes over them.

Law: key order, white space, blank lines, line ends and the spelling of escapes do not change the
fingerprint of a split; anything else does. The bytes are fixed for ever: a golden test guards them,
because a recorded tuning job is compared by them.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import orjson

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Row: TypeAlias = dict[str, Json]

_SORTED = orjson.OPT_SORT_KEYS


def canonical_bytes(row: Json) -> bytes:
    """The one JSON text of a row: sorted keys, no white space, UTF-8 without escapes."""
    return orjson.dumps(row, option=_SORTED)


def input_part(row: Row) -> bytes:
    """The canonical bytes of all messages before the last assistant message."""
    messages = row.get("messages")
    if not isinstance(messages, list):
        return b"[]"
    end = len(messages)
    for index in range(end - 1, -1, -1):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant":
            end = index
            break
    return orjson.dumps(messages[:end], option=_SORTED)


def short(digest: bytes) -> int:
    """The first 64 bits of a digest."""
    return int.from_bytes(digest[:8], "big")


class SplitHash:
    """The fingerprint of one split: sha256 over its canonical rows, each ended by a line feed.

    A canonical row holds no line feed, so no two lists of rows give the same bytes.
    """

    __slots__ = ("_hash", "rows")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, row: bytes) -> None:
        """Take the canonical bytes of the next row."""
        self._hash.update(row)
        self._hash.update(b"\n")
        self.rows += 1

    def hexdigest(self) -> str:
        """The sha256, 64 lower-case hex digits."""
        return self._hash.hexdigest()
