"""Rows that are nearly the same, where there are few: what `alike` says, without numpy.

Importing numpy takes a tenth of a second of processor time, as long as comparing a few hundred
chats here. Law: what is said is exactly what `Alike` says of the same rows; a property test
compares the two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunectl.data.pattern import regex
from tunectl.data.shingles import WORDS, folded

# Whole characters of UTF-8 in lower case. A character of U+3040 to U+9FFF or Hangul is a word by
# itself; U+0080 to U+00BF, U+2000 to U+2FFF and U+3000 to U+303F are no letters.
_WORD = regex(
    rb"[\xe4-\xed]..|\xe3[\x81-\xbf]."
    rb"|(?:[0-9a-z_]+|(?:[\xc3-\xdf].|[\xe0\xe1\xee\xef]..|[\xf0-\xf4]...)+)+",
    re.DOTALL,
)
_EIGHT = 8  # bytes: of a word its first and last so many count, and its length

Pairs = list[tuple[int, int]]  # later and earlier row


def alike_of_few(
    texts: Sequence[str], share: float, template: int, template_share: int
) -> tuple[Pairs, Pairs]:
    """Return the pairs of rows that ask nearly the same, and those that are so as a whole.

    Args:
        texts: what each row asks and answers, in turn.
        share: from which on they are alike.
        template: a sequence of words that so many earlier texts have counts for no later one.
        template_share: the same, where half of all earlier rows have it.
    """
    # Of each sequence how many texts had it, and the rows for which it counted.
    holders: tuple[dict[object, list[int]], ...] = ({}, {})
    asks: list[int] = []  # of each row how many sequences count in what it asks
    holds: list[int] = []  # and in all of it
    asked_pairs: Pairs = []
    whole_pairs: Pairs = []
    asked: Counter[int] = Counter()  # how much the row at hand shares with each earlier one
    whole: Counter[int] = Counter()
    for place, sequences in enumerate(_sequences(texts)):
        row, part = divmod(place, 2)
        if not part:
            asked, whole = Counter(), Counter()
        kept = 0
        for sequence in sequences:
            held = holders[part].setdefault(sequence, [0])
            rank, held[0] = held[0], held[0] + 1
            if rank >= template or (rank >= template_share and 2 * rank >= row):
                continue
            kept += 1
            whole.update(held[1:])
            if not part:
                asked.update(held[1:])
            held.append(row)
        if not part:
            asks.append(kept)
            asked_pairs += _judged(row, asked, asks, share)
        else:
            holds.append(asks[row] + kept)
            whole_pairs += _judged(row, whole, holds, share)
    return asked_pairs, whole_pairs


def _judged(row: int, shared: Counter[int], sizes: Sequence[int], share: float) -> Pairs:
    """The earlier rows, rising, with which a row shares enough of all that the two have."""
    return [
        (row, earlier)
        for earlier, count in sorted(shared.items())
        if count >= share * (sizes[row] + sizes[earlier] - count)
    ]


def _sequences(texts: Sequence[str]) -> Iterator[set[object]]:
    for text in folded(texts):
        words = [
            word if len(word) <= 2 * _EIGHT else (word[:_EIGHT], word[-_EIGHT:], len(word))
            for word in _WORD.findall(text)
        ]
        yield set(zip(*(words[nth:] for nth in range(WORDS)), strict=False))
