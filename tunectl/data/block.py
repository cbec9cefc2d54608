"""The quick way for many ordinary chat lines at once.

Law: `plain_block` may refuse any lines; what it accepts are rows that are `plain`, with the very
bytes and hashes that the way through every single row gives them. A megabyte of lines is decoded by
types, encoded again and compared as a whole, which is several times cheaper than row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate, chain, pairwise
from operator import attrgetter
from typing import Annotated, Literal, cast

import msgspec

from tunectl.core.dataclass import dataclass
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
_TALK, _SAID, _ROLE = attrgetter("messages"), attrgetter("content"), attrgetter("role")
# A role as one letter, so that the order of a row is a short text.
_LETTERS = {"system": "s", "user": "u", "assistant": "a"}
_LETTER = _LETTERS.__getitem__
_ROLES = {letter: role for role, letter in _LETTERS.items()}
_SYSTEM = b'"role":"system"}'
_KEYS = (b'"content"', b'"role"')
# A letter of a key, escaped: then a key may stand twice and be seen once.
_ESCAPED_LETTERS = (b"\\u006", b"\\u007")
_ENCODE = msgspec.json.Encoder().encode_lines
_WORTH = 1 << 15  # bytes: for a small file numpy takes longer to import than its colons to count


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
    # The messages of all rows in a line: what they say, the letters of their roles, and where each
    # row ends, after a 0; where each row has as many messages, how many, else 0.
    _said: list[str]
    _roles: str
    _ends: list[int]
    _each: int

    def systems(self) -> list[str | None]:
        """The system message of each row, None where there is none."""
        if "s" not in self._roles:
            return [None] * len(self.packed)
        if self._each and self._roles[0] == "s":
            return self._said[:: self._each]  # type: ignore[return-value]  # none is None
        said, roles = self._said, self._roles
        return [said[at] if roles[at] == "s" else None for at in self._ends[:-1]]

    def answers(self) -> list[str]:
        """The last message of each row, which is the assistant's."""
        return self._from_end(1)

    def questions(self) -> list[str]:
        """The message before the last of each row, which is the user's."""
        return self._from_end(2)

    def _from_end(self, back: int) -> list[str]:
        said, each = self._said, self._each
        if each:
            return said[each - back :: each]
        return [said[end - back] for end in self._ends[1:]]

    def spoken(self) -> Iterator[tuple[str, str]]:
        """What `asked_and_answered` gives for each row."""
        said, roles = self._said, self._roles
        for at, end in pairwise(self._ends):
            begin = at + (roles[at] == "s")
            asked = said[begin] if begin == end - 2 else "\n".join(said[begin : end - 1])
            yield asked, said[end - 1]

    def system_ends(self) -> list[int]:
        """Where in the canonical bytes of each row its system message ends; 0 without one."""
        if "s" not in self._roles:
            return [0] * len(self.packed)
        systems = self.systems()
        if len(set(systems)) == 1:
            return [self.packed[0].index(_SYSTEM) + len(_SYSTEM)] * len(systems)
        # Most rows share theirs, and equal ones end at the same place.
        ends: dict[str | None, int] = {
            system: packed.index(_SYSTEM) + len(_SYSTEM) if system is not None else 0
            for system, packed in dict(zip(systems, self.packed, strict=True)).items()
        }
        return list(map(ends.__getitem__, systems))

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
    if not chats or len(chats) != text.count(b"\n") + (not text.endswith(b"\n")):
        return None
    talks = list(map(_TALK, chats))
    flat = list(chain.from_iterable(talks))
    said, roles = list(map(_SAID, flat)), "".join(map(_LETTER, map(_ROLE, flat)))
    if not all(said) or any(map(str.isspace, said)):
        return None
    sizes = list(map(len, talks))
    ends = list(accumulate(sizes, initial=0))
    # In most blocks rows differ in nothing but what is said.
    first = roles[: sizes[0]]
    each = sizes[0] if roles == first * len(talks) and len(set(sizes)) == 1 else 0
    orders = {first} if each else set(map(roles.__getitem__, map(slice, ends, ends[1:])))
    if not all(map(_in_order, orders)):
        return None
    joined = _ENCODE(chats)
    # Of two equal keys a parser keeps one: then colons are missing. An escaped one is suspicious.
    if _colons(text) != _colons(joined) or _escaped_colon(text):
        return None
    packed = joined.split(b"\n")
    packed.pop()
    return Block(text, packed, joined, chats, said, roles, ends, each)


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


def _colons(text: bytes) -> int:
    """How many there are; `bytes.count` is slow for a byte that stands in every line."""
    if len(text) < _WORTH:
        return text.count(b":")
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))


@cache
def _in_order(roles: str) -> bool:
    return len(roles) < 1_000 and is_plain(
        {"messages": [{"role": _ROLES[r], "content": "a"} for r in roles]}
    )
