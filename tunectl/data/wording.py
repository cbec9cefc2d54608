"""What of a text changed, word by word: only for people who asked to see their data."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
# Two texts with more pieces than these are compared line by line, or as a whole.
_MOST_PIECES = 4_000


class Piece(NamedTuple):
    """A part of two texts.

    Attributes:
        sign: " " for what stands in both, "-" for what is gone, "+" for what is new.
        text: the part itself.
    """

    sign: str
    text: str


def word_diff(old: str, new: str) -> tuple[Piece, ...]:
    """The parts of both texts in order; equal and gone ones make `old`, equal and new ones `new`.

    Words of any alphabet, white space and punctuation marks count one by one; very long texts are
    compared by lines.
    """
    if old == new:
        return (Piece(" ", old),) if old else ()
    before, after = _pieces(old, new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    made: list[Piece] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            made.append(Piece(" ", "".join(before[i:j])))
            continue
        if i < j:
            made.append(Piece("-", "".join(before[i:j])))
        if k < m:
            made.append(Piece("+", "".join(after[k:m])))
    return tuple(made)


def _pieces(old: str, new: str) -> tuple[list[str], list[str]]:
    before, after = _PIECE.findall(old), _PIECE.findall(new)
    if len(before) + len(after) > _MOST_PIECES:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(before) + len(after) > _MOST_PIECES:
        before, after = [old], [new]
    return before, after
