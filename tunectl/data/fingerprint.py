"""The canonical bytes of a row and the hashes over them.

Law: key order, white space, blank lines, line ends and the spelling of escapes do not change the
fingerprint of a split; anything else does. The bytes are fixed for ever: a golden test guards them,
because a recorded tuning job is compared by them.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias
from unicodedata import normalize

import orjson

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Row: TypeAlias = dict[str, Json]

_SORTED = orjson.OPT_SORT_KEYS


def canonical_bytes(row: Json) -> bytes:
    """The one JSON text of a row: sorted keys, no white space, UTF-8 without escapes."""
    return orjson.dumps(row, option=_SORTED)


def asking_part(row: Row) -> Row:
    """The object that asks: that under `input` for preference, else the row itself."""
    asked = row.get("input")
    return asked if isinstance(asked, dict) and "messages" not in row else row


def input_part(row: Row, method: str = "supervised") -> bytes:
    """The canonical bytes of what a row asks.

    Args:
        row: the canonical row.
        method: `supervised`: all messages before the last one of the assistant; `preference`: the
            messages of its `input`; `reinforcement`: all messages.
    """
    messages = asking_part(row).get("messages")
    if not isinstance(messages, list):
        return b"[]"
    if method != "supervised":
        return orjson.dumps(messages, option=_SORTED)
    return orjson.dumps(messages[: last_answer(messages)], option=_SORTED)


def last_answer(messages: list[Json]) -> int:
    """The place of the last message of the assistant; behind all where there is none."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant":
            return index
    return len(messages)


def normal_hash(packed: bytes) -> int:
    """A number that rows share which differ in white space or Unicode composition only.

    It counts within one process and is never stored.

    Args:
        packed: the canonical bytes of the row.
    """
    return hash(_normal(packed))


def normal_hashes(joined: bytes) -> list[int]:
    """The `normal_hash` of many rows.

    Args:
        joined: the canonical bytes of the rows, each ended by a line feed.
    """
    rows = _normal(joined).split(b"\n")
    rows.pop()
    return list(map(hash, rows))


def _normal(packed: bytes) -> bytes:
    """Canonical bytes without white space and in NFC; line feeds between rows stay."""
    if b"\\" in packed:
        packed = packed.replace(b"\\n", b"")
        if b"\\r" in packed or b"\\t" in packed:
            packed = packed.replace(b"\\r", b"").replace(b"\\t", b"")
    # Combining marks are U+0300 to U+036F, decomposed Hangul begins with U+1100.
    if not packed.isascii():
        if b"\xcc" in packed or b"\xcd" in packed or b"\xe1" in packed:
            packed = normalize("NFC", packed.decode("utf-8")).encode("utf-8")
        if b"\xc2" in packed:
            packed = packed.replace(b"\xc2\xa0", b"")
    return packed.translate(None, b" ")


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

    def add_block(self, rows: bytes, count: int) -> None:
        """Take the canonical bytes of the next rows, each ended by a line feed."""
        self._hash.update(rows)
        self.rows += count

    def hexdigest(self) -> str:
        """The sha256, 64 lower-case hex digits."""
        return self._hash.hexdigest()
