"""The quick way for ordinary rows.

Law: `is_plain` may say no to a row without fault; it never says yes to a row that a rule of
structure would report. Most rows of most datasets are plain chats, and one loop over their messages
is several times cheaper than asking every rule.
"""

from __future__ import annotations

from typing import cast

from tunectl.data.checks.order import FOLLOWERS
from tunectl.data.fingerprint import Row

_NEXT: dict[str, dict[str, str]] = {
    before: {role: role for role in after if role != "tool"}
    for before, after in FOLLOWERS.items()
    if before in ("", "system", "user", "assistant")
}
_HEAD = len(b'{"messages":')
_SECOND = b'"},{"content":"'


def is_plain(row: Row) -> bool:
    """Whether the row is a chat of texts in good order, answered at the end, and nothing else."""
    at = ""
    try:
        for one in cast("list[dict[str, object]]", row["messages"]):
            content = one["content"]
            at = _NEXT[at][cast("str", one["role"])]
            if len(one) != 2 or type(content) is not str or not content or content.isspace():
                return False
    except (KeyError, TypeError):
        return False
    return at == "assistant" and len(row) == 1


def answer_starts(rows: list[bytes]) -> list[int]:
    """Where in each of some plain rows the comma stands before the last message."""
    # Of the needles that are right the one that is found fastest from behind.
    return [packed.rindex(_SECOND) + 2 for packed in rows]


def asked_hashes(rows: list[bytes], starts: list[int]) -> list[int]:
    """What `asked_hash` gives for each of some plain rows, told where their answers start."""
    return [hash(packed[_HEAD:at]) for packed, at in zip(rows, starts, strict=True)]


def asked_hash(part: bytes) -> int:
    """A number for what a row asks, to compare within this process.

    Args:
        part: what `input_part` gives: a list, which need not be closed to be told from others.
    """
    return hash(part[:-1])


def plain_input(packed: bytes) -> bytes:
    """What `input_part` gives for a plain row, cut from its canonical bytes.

    A quote inside a text is escaped, so `},{"` only stands between two messages.
    """
    return packed[_HEAD : packed.rindex(b'},{"') + 1] + b"]"
