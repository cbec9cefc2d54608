"""Texts as sets of numbers: one for every five words that follow each other.

Words are runs of letters and digits of any alphabet, in lower case and NFC; a Chinese, Japanese or
Korean character is a word by itself. Punctuation and white space tell nothing. The numbers are the
same in every process and on every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.uint64]
    Owners: TypeAlias = NDArray[np.int64]

WORDS = 5
_ALL = (1 << 64) - 1
_END = "\x1e"  # ends a text; a control character, which no word holds
_PAD = b" " * 16
_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
_PLACE = (
    0xFF51AFD7ED558CCD,
    0xC4CEB9FE1A85EC53,
    0x2545F4914F6CDD1D,
    0x9FB21C651E98DF25,
    0xA0761D6478BD642F,
)


def shingles(texts: Sequence[str], every: int = 1, length: int = WORDS) -> tuple[Numbers, Owners]:
    """Every five words that follow each other in each text, each once.

    Args:
        texts: the texts. Those at odd places never share a number with those at even places, so
            questions and answers can be handed over in turn.
        every: keep about one number in so many, a power of two; the same of all texts, and of
            those that are kept for half of it.
        length: how many words instead of five.

    Returns:
        The numbers in rising order, and beside each the place of its text; of equal numbers the
        places rise too.
    """
    import numpy as np

    content = _bytes(texts)
    buffer = np.frombuffer(content, dtype=np.uint8)
    starts, ends = _word_bounds(buffer, ascii_only=content.isascii())
    limits = np.flatnonzero(buffer == ord(_END))
    owner = np.searchsorted(limits, starts)
    words = _word_numbers(content, starts, ends - starts)
    count = len(words) - length + 1
    if count < 1:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    inside = np.flatnonzero(owner[:count] == owner[length - 1 :])
    made = np.zeros(count, np.uint64)
    for place in range(length):
        # Beyond the first five: odd, and none twice.
        factor = (_PLACE[place % 5] * (place // 5 * 2 + 1)) & _ALL
        made += words[place : place + count] * np.uint64(factor)
    owner = owner[inside]
    made = _mixed(made[inside] + (owner & 1).astype(np.uint64) * np.uint64(_MIX[3]))
    if every > 1:
        kept = np.flatnonzero(made & np.uint64(every - 1) == 0)
        made, owner = made[kept], owner[kept]
    order = np.argsort(made, kind="stable")
    made, owner = made[order], owner[order]
    if not len(made):
        return made, owner
    fresh = np.empty(len(made), np.bool_)
    fresh[0] = True
    np.not_equal(made[1:], made[:-1], out=fresh[1:])
    fresh[1:] |= owner[1:] != owner[:-1]
    return made[fresh], owner[fresh]


def folded(texts: Sequence[str]) -> list[bytes]:
    """Return each text in lower case and NFC."""
    return _bytes(texts).split(_END.encode())[:-1]


def _bytes(texts: Sequence[str]) -> bytes:
    """The texts in lower case and NFC, each ended, with room behind for reading eight bytes."""
    joined = _END.join((*texts, ""))
    if joined.count(_END) != len(texts):
        joined = _END.join((*(text.replace(_END, " ") for text in texts), ""))
    if not joined.isascii():
        joined = unicodedata.normalize("NFC", joined)
    # A text may hold half of a surrogate pair only where it did not come from JSON.
    return joined.lower().encode("utf-8", "replace") + _PAD


def _word_bounds(
    buffer: NDArray[np.uint8], *, ascii_only: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where words begin and end."""
    import numpy as np

    table = np.zeros(256, np.bool_)
    for char in b"0123456789abcdefghijklmnopqrstuvwxyz_":
        table[char] = True
    table[128:] = True
    inside = table[buffer]
    if ascii_only:
        edge = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        if inside[0]:
            edge = np.concatenate((np.zeros(1, np.int64), edge))
        return edge[::2], edge[1::2]
    _drop_punctuation(buffer, inside)
    # A wide character of U+3000 to U+9FFF or Hangul begins, and so ends, a word.
    wide = (buffer >= 0xE3) & (buffer <= 0xED)
    before = np.concatenate((np.zeros(1, np.bool_), inside[:-1]))
    after_wide = np.zeros(len(buffer), np.bool_)
    after_wide[3:] = wide[:-3]
    starts = np.flatnonzero(inside & (~before | wide | after_wide))
    stop = np.flatnonzero(before & (~inside | wide | after_wide))
    return starts, stop


def _drop_punctuation(buffer: NDArray[np.uint8], inside: NDArray[np.bool_]) -> None:
    """U+0080 to U+00BF, U+2000 to U+2FFF and U+3000 to U+303F are no letters."""
    import numpy as np

    for lead, length, following in ((0xC2, 2, 0), (0xE2, 3, 0), (0xE3, 3, 0x80)):
        at = np.flatnonzero(buffer == lead)
        if following:
            at = at[buffer[at + 1] == following]
        for offset in range(length):
            inside[at + offset] = False


def _word_numbers(content: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Numbers:
    """A number for each word: of its first and its last eight bytes, and of its length."""
    import numpy as np

    eights = np.ndarray((len(content) - 7,), "<u8", content, strides=(1,))
    mask = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
    short = np.minimum(lengths, 8)
    made = (eights[starts] & mask[short]) * np.uint64(_MIX[0])
    long = np.flatnonzero(lengths > 8)
    last = eights[starts[long] + lengths[long] - 8]
    made[long] += (last + lengths[long].astype(np.uint64)) * np.uint64(_MIX[1])
    return _mixed(made)


def _mixed(values: Numbers) -> Numbers:
    import numpy as np

    values = values ^ (values >> np.uint64(29))
    values *= np.uint64(_MIX[2])
    values ^= values >> np.uint64(32)
    return values
