"""The quick way for many ordinary chat lines at once.

Law: `plain_block` may refuse any lines; what it accepts are rows that are `plain`, with the very
bytes and hashes that the way through every single row gives them. A megabyte of lines is decoded by
types, encoded again and compared as a whole, which is several times cheaper than row by row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Annotated, Literal, cast

import msgspec

from tunectl.data.checks.plain import is_plain
from tunectl.data.fingerprint import Row


# Fields are declared in the order of the canonical bytes: sorted.
class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str
    role: Literal["system", "user", "assistant"]


class _Chat(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_Message]


# For the syntax alone: roles in any order, any text.
class _Talk(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]


_DECODE = msgspec.json.Decoder(_Chat).decode_lines
_DECODE_TALKS = msgspec.json.Decoder(_Talk).decode_lines
_ROLE = attrgetter("role")
_KEYS = (b'"content"', b'"role"')
# A letter of a key, escaped: then a key may stand twice and be seen once.
_ESCAPED_LETTERS = (b"\\u006", b"\\u007")
_ENCODE = msgspec.json.Encoder().encode_lines
# A content of white space alone, as `str.isspace` has it; no quote stands bare inside a text.
_EMPTY = re.compile(
    rb'"content":"(?: |\\[nrtf]|\\u00(?:0b|1[c-f])|\xc2[\x85\xa0]|\xe1\x9a\x80'
    rb'|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)*+"'
)


@dataclass(frozen=True, slots=True)
class Block:
    """Plain rows that follow each other.

    Attributes:
        packed: the canonical bytes of each.
        joined: all of them, each ended by a line feed.
        text: the lines as they stand in the file.
    """

    text: bytes
    packed: list[bytes]
    joined: bytes
    _chats: list[_Chat]

    def systems(self) -> list[str | None]:
        """The system message of each row, None where there is none."""
        firsts = [chat.messages[0] for chat in self._chats]
        return [one.content if one.role == "system" else None for one in firsts]

    def answers(self) -> list[str]:
        """The last message of each row."""
        return [chat.messages[-1].content for chat in self._chats]

    def questions(self) -> list[str]:
        """The message before the last of each row, which is the user's; empty without one."""
        return [
            talk[-2].content if len(talk) > 1 and talk[-2].role == "user" else ""
            for talk in [chat.messages for chat in self._chats]
        ]

    def row(self, at: int) -> Row:
        """The row at a place, as an object."""
        return cast("Row", msgspec.to_builtins(self._chats[at]))

    def rows(self) -> list[Row]:
        """The rows as objects."""
        return cast("list[Row]", msgspec.to_builtins(self._chats))


def plain_block(text: bytes) -> Block | None:
    """The rows of some whole lines, None when any is not plain or looks suspicious."""
    try:
        chats = _DECODE(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    # A blank line is no row; only the last line of a file may lack its line feed.
    if len(chats) != text.count(b"\n") + (not text.endswith(b"\n")):
        return None
    joined = _ENCODE(chats)
    # Of two equal keys a parser keeps one: then colons are missing. An escaped one is suspicious.
    if text.count(b":") != joined.count(b":") or _escaped_colon(text) or _EMPTY.search(joined):
        return None
    orders = {tuple(map(_ROLE, chat.messages)) for chat in chats}
    if not all(map(_in_order, orders)):
        return None
    packed = joined.split(b"\n")
    packed.pop()
    return Block(text, packed, joined, chats)


def sound_rows(text: bytes) -> int:
    """How many chat rows some whole lines are, 0 when any of them looks suspicious.

    Law: it may refuse any lines; what it accepts are JSON objects that can be read, of the one
    shape, without a key that stands twice. Nothing is encoded, hashed or kept.
    """
    try:
        talks = _DECODE_TALKS(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0
    rows = len(talks)
    if rows != text.count(b"\n") + (not text.endswith(b"\n")):
        return 0
    # A quote inside a text is escaped, so each key is met as often as it stands there, and a text
    # that is such a word is suspicious. Were `messages` there twice, both would hold roles.
    messages = sum([len(talk.messages) for talk in talks])
    if tuple(map(text.count, _KEYS)) != (messages, messages):
        return 0
    return 0 if b"\\" in text and any(one in text for one in _ESCAPED_LETTERS) else rows


def _escaped_colon(text: bytes) -> bool:
    # Most texts have no backslash at all, and a single byte is found many times faster.
    return b"\\" in text and b"\\u003" in text


@cache
def _in_order(roles: tuple[str, ...]) -> bool:
    return len(roles) < 1_000 and is_plain(
        {"messages": [{"role": r, "content": "a"} for r in roles]}
    )
