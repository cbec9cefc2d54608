"""The difference of two texts by words, as a person reads it.

Removed and added words are marked with brackets, so that it reads without colour; what stays the
same is folded but for a few words around a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from tunectl.views.paint import Paint, Style

Op = Literal["same", "removed", "added", "folded"]

CONTEXT = 6  # words that are shown around a change
_LEAST_FOLDED = 4  # as long as the fold itself: nothing is won
_LONGEST = 4000  # words of a block that are compared one by one
_OPENING, _CLOSING = frozenset("{%#[(<«„“"), frozenset(".,;:!?}])>»”…")
_WORDS = r"\n|[^\S\n]+|[\w\u0300-\u036f]+(?:['’-]\w+)*|[^\w\s]"


class Piece(NamedTuple):
    """A run of text with what became of it; of what is folded, how many words it has."""

    op: Op
    text: str


def word_diff(before: str, after: str) -> list[Piece]:
    """Return how one text became the other, long unchanged stretches folded.

    Joined without the folds and the removed pieces it is the text of after, and without the added
    ones that of before.
    """
    return list(_folded(_merged(_pieces(before, after))))


def unfolded(before: str, after: str) -> list[Piece]:
    """Return the same without folds."""
    return list(_merged(_pieces(before, after)))


def marked_lines(pieces: Iterable[Piece], paint: Paint) -> list[str]:
    """Return the lines of a diff: `the [-old-] {+new+} words`; `…` stands for what is folded."""
    text = "".join(_marked(piece, paint) for piece in pieces)
    return [line.rstrip() for line in text.split("\n")]


def _marked(piece: Piece, paint: Paint) -> str:
    if piece.op == "same":
        return piece.text
    if piece.op == "folded":
        start = "\n" if piece.text.startswith("\n") else " "
        return f"{start}…{chr(10) if piece.text.endswith(chr(10)) else ' '}"
    opening, closing, style = (
        ("[-", "-]", Style.REMOVE) if piece.op == "removed" else ("{+", "+}", Style.ADD)
    )
    if not piece.text.strip("\n"):  # line breaks alone
        sign = paint(f"{opening}¶{closing}", style)
        return sign + piece.text if piece.op == "added" else sign
    # Each line by itself, so that colour never runs over a line's end.
    lines = piece.text.split("\n")
    return "\n".join(paint(f"{opening}{one}{closing}", style) if one else "" for one in lines)


def _pieces(before: str, after: str) -> Iterator[Piece]:
    """By lines first, then by the words of the lines that differ."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for op, a, b, c, d in _opcodes(old, new):
        removed, added = "".join(old[a:b]), "".join(new[c:d])
        if op == "equal":
            yield Piece("same", removed)
        else:
            yield from _by_words(removed, added)


def _by_words(before: str, after: str) -> Iterator[Piece]:
    old, new = _split(before), _split(after)
    if not old or not new or len(old) + len(new) > _LONGEST:
        yield from (Piece("removed", before), Piece("added", after))
        return
    for op, a, b, c, d in _opcodes(old, new):
        if op == "equal":
            yield Piece("same", "".join(old[a:b]))
        else:
            yield from (Piece("removed", "".join(old[a:b])), Piece("added", "".join(new[c:d])))


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    from difflib import SequenceMatcher  # few plans show a text that differs

    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _split(text: str) -> list[str]:
    return re.findall(_WORDS, text)


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours that are alike."""
    last: Piece | None = None
    for piece in _with_one_change_a_run(pieces):
        if last is not None and last.op == piece.op:
            last = Piece(last.op, last.text + piece.text)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def _with_one_change_a_run(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours, and changes that only white space parts: `[-a b-]` for `[-a-] [-b-]`."""
    waiting: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        small = piece.op == "same" and not piece.text.strip() and "\n" not in piece.text
        if piece.op != "same" or (small and waiting):
            waiting.append(piece)
            continue
        yield from _joined(waiting)
        waiting = []
        yield piece
    yield from _joined(waiting)


def _joined(run: Sequence[Piece]) -> Iterator[Piece]:
    """One removal and one addition for a run of changes; white space at its end stays as it is."""
    run = list(run)
    tail: list[Piece] = []
    while run and run[-1].op == "same":
        tail.insert(0, run.pop())
    if {"removed", "added"} <= {piece.op for piece in run}:
        yield Piece("removed", "".join(piece.text for piece in run if piece.op != "added"))
        yield Piece("added", "".join(piece.text for piece in run if piece.op != "removed"))
    else:
        yield from run
    yield from tail


def _with_signs(words: Sequence[str], first: int, last: int) -> tuple[int, int]:
    """Move the ends of a fold, so that no sign is parted from its word: no `{` of `{{` stays."""
    while 0 < first < last - 1 and words[first] in _CLOSING:
        first += 1
    while first > 1 and words[first - 1] in _OPENING:
        first -= 1
    while first > 1 and words[first - 1].strip(" ") == "":  # the fold has a space of its own
        first -= 1
    while first < last - 1 and last < len(words) and words[last - 1] in _OPENING:
        last -= 1
    return first, last


def _folded(pieces: Iterable[Piece]) -> Iterator[Piece]:
    listed = [piece for piece in pieces if piece.text]
    for at, piece in enumerate(listed):
        if piece.op != "same":
            yield piece
            continue
        words = _split(piece.text)
        real = [i for i, word in enumerate(words) if word.strip()]
        head = CONTEXT if at else 0
        tail = CONTEXT if at < len(listed) - 1 else 0
        if len(real) <= head + tail + _LEAST_FOLDED:
            yield piece
            continue
        first = real[head] if head else 0
        last = real[len(real) - tail] if tail else len(words)
        first, last = _with_signs(words, first, last)
        if head:
            yield Piece("same", "".join(words[:first]))
        yield Piece("folded", "".join(words[first:last]))
        if tail:
            yield Piece("same", "".join(words[last:]))
