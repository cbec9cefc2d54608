"""Rows that are nearly the same, found by samples of their text: for datasets of any size.

Where the exact search of `alike` would take minutes and much memory, of each text only some pieces
of 24 bytes are kept, about seven a row: those that begin with a letter chosen for the dataset. So
the same pieces are chosen wherever a text stands, whatever was inserted before it (content-defined
sampling, as in Broder, "On the resemblance and containment of documents", 1997). Two rows are alike
when half of their pieces are the same, and at least three. System text is left out, and so is a
piece that stands in more than 50 rows, or in half of all: it is a template.

Memory is bounded: eight bytes a piece, at most `LIMIT` of them; above that every second is kept,
then every fourth, chosen by the piece itself.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import orjson

from tunectl.data.alike import ALIKE, TEMPLATE, TEMPLATE_SHARE, counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunectl.data.shingles import Numbers

LIMIT = 8_000_000
BATCH = 1 << 17
_WORDS_ASCII, _WORDS_OTHER = 3, 6  # eights of bytes in a piece
_LEAD = 0xC0  # from here on bytes begin characters
_USUAL = 0xBB  # in Cyrillic, a letter of middling frequency
_PIECES = 7  # of a row that are aimed at
LEAST = 3
_OWNER_BITS = 28
_MOST_ROWS = 1 << (_OWNER_BITS - 1)
_FIRST, _SLICE = 1 << 14, 1 << 18
_ANSWER = 0x9E3779B97F4A7C15
_FACTORS = (0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xFF51AFD7ED558CCD)
_MIX = 0xA0761D6478BD642F
_LOW, _HIGH = 0x0101010101010101, 0x8080808080808080
_QUOTES = 0x2222222222222222
_CASE = 32  # the bit that tells lower from upper case of ASCII letters


class Sketch:
    """The pairs of rows that are alike, as far as samples of their texts tell.

    Attributes:
        later, earlier: the pairs, by place among the rows; of one later row they rise. Pairs that
            ask nearly the same.
        later_whole, earlier_whole: the same, of rows that are nearly the same as a whole.
        rows: how many rows were sampled.
        every: one piece was kept of about so many bytes; 0 before any was.
        unsampled: how many rows have too few pieces of their own to be compared; once settled.
    """

    __slots__ = (
        "_answers",
        "_begins",
        "_first",
        "_kept",
        "_keys",
        "_lengths",
        "_pending",
        "_size",
        "_thinned",
        "_words",
        "earlier",
        "earlier_whole",
        "every",
        "later",
        "later_whole",
        "rows",
        "unsampled",
    )

    def __init__(self) -> None:
        self.later, self.earlier = array("q"), array("q")
        self.later_whole, self.earlier_whole = array("q"), array("q")
        self.rows = 0
        self.every = 0
        self.unsampled = 0
        self._pending: list[bytes] = []
        self._size = 0
        # Of each row that waits its length, where it begins to speak, and where its answer begins.
        self._lengths, self._begins, self._answers = array("q"), array("q"), array("q")
        self._keys: Numbers | None = None
        self._kept = 0
        self._thinned = 1
        self._words = _WORDS_ASCII
        self._first: tuple[int, ...] = ()

    @property
    def kept(self) -> int:
        """How many pieces are held."""
        return self._kept

    @property
    def piece(self) -> int:
        """How many bytes a piece has."""
        return 8 * self._words

    def add(self, asked: str, answered: str) -> None:
        """Take the next row."""
        question, answer = orjson.dumps(asked), orjson.dumps(answered)
        self.add_rows(
            question + answer + b"\n", [len(question) + len(answer)], [0], [len(question)]
        )

    def add_rows(
        self, joined: bytes, lengths: list[int], begins: list[int], answers: list[int]
    ) -> None:
        """Take the next rows.

        Args:
            joined: their JSON, each ended by a line feed.
            lengths: how many bytes of it each takes, but for the line feed.
            begins: in each, where what counts begins.
            answers: in each, where the answer begins.
        """
        self._lengths.extend(array("q", lengths))
        self._begins.extend(array("q", begins))
        self._answers.extend(array("q", answers))
        self._pending.append(joined)
        self._size += len(joined)
        if self._size >= BATCH:
            self._sample()

    def _sample(self) -> None:
        """Keep pieces of the rows that wait."""
        import numpy as np

        content = b"".join(self._pending)
        if b"\\" in content:
            content = content.replace(b'\\"', b"''")  # a quote that ends no text
        lengths = np.frombuffer(self._lengths, np.int64)
        ends = np.cumsum(lengths + 1)
        starts = ends - lengths - 1
        begins = starts + np.frombuffer(self._begins, np.int64)
        answers = starts + np.frombuffer(self._answers, np.int64)
        base, self.rows = self.rows, self.rows + len(ends)
        letters = np.frombuffer(content, np.uint8) | np.uint8(_CASE)
        if not self.every:
            row = np.searchsorted(ends, np.arange(len(letters)), "right")
            spoken = np.arange(len(letters)) >= np.append(begins, len(letters))[row]
            self._words, self._first, self.every = _sampling(letters, spoken, len(ends))
        places = _places(letters, self._words, self._first)
        row = np.searchsorted(ends, places, "right")
        spoken = places >= begins[row]
        places, row = places[spoken], row[spoken]
        inside, numbers = _pieces(letters, self._words, places)
        places, row = places[inside], row[inside]
        part = (places >= answers[row]).astype(np.uint64)
        numbers = _mixed(numbers + part * np.uint64(_ANSWER))
        owners = ((row + base) << 1).astype(np.uint64) | part
        keys = (numbers << np.uint64(_OWNER_BITS)) | owners
        if self.rows > _MOST_ROWS:
            keys = keys[row + base < _MOST_ROWS]
        self._pending, self._size = [], 0
        self._lengths, self._begins, self._answers = array("q"), array("q"), array("q")
        self._keep(keys)

    def _keep(self, keys: Numbers) -> None:
        import numpy as np

        if self._keys is None:
            self._keys = np.empty(_FIRST, np.uint64)
        keys = _distinct(self._sifted(keys))
        while self._kept + len(keys) > LIMIT:
            self._thinned *= 2
            sifted = self._sifted(self._keys[: self._kept])
            self._kept = len(sifted)
            self._keys[: self._kept] = sifted
            keys = self._sifted(keys)
        kept, self._kept = self._kept, self._kept + len(keys)
        if self._kept > len(self._keys):
            self._keys.resize(max(self._kept, 2 * len(self._keys)), refcheck=False)
        self._keys[kept : self._kept] = keys

    def _sifted(self, keys: Numbers) -> Numbers:
        import numpy as np

        if self._thinned == 1:
            return keys
        kept: Numbers = keys[(keys >> np.uint64(_OWNER_BITS)) & np.uint64(self._thinned - 1) == 0]
        return kept

    def settle(self) -> None:
        """Compare all rows; to be called once, when all were taken."""
        import numpy as np

        if self._pending:
            self._sample()
        self.every *= self._thinned
        if self._keys is None:
            return
        keys = self._keys[: self._kept]
        keys.sort()
        rows = min(self.rows, _MOST_ROWS)
        sizes = np.zeros(2 * rows, np.int32)
        found = [_shared(part, rows, sizes) for part in _slices(keys)]
        del keys
        self._keys = None
        self._judge(np.concatenate(found) if found else np.empty(0, np.int64), sizes)
        whole = sizes[::2] + sizes[1::2]
        self.unsampled = int(np.count_nonzero(whole < LEAST)) + self.rows - rows

    def _judge(self, pairs: NDArray[np.int64], sizes: NDArray[np.int32]) -> None:
        """Keep the pairs that are alike.

        Args:
            pairs: as `counted` takes them, one for each shared piece.
            sizes: how many pieces there are of what each row asks and answers, in turn.
        """
        later, earlier, asked, whole = counted(pairs)
        one, other = sizes[2 * later], sizes[2 * earlier]
        good = (asked >= LEAST) & (asked >= ALIKE * (one + other - asked))
        self.later.frombytes(later[good].tobytes())
        self.earlier.frombytes(earlier[good].tobytes())
        one, other = one + sizes[2 * later + 1], other + sizes[2 * earlier + 1]
        good = (whole >= LEAST) & (whole >= ALIKE * (one + other - whole))
        self.later_whole.frombytes(later[good].tobytes())
        self.earlier_whole.frombytes(earlier[good].tobytes())


def _sampling(
    letters: NDArray[np.uint8], spoken: NDArray[np.bool_], rows: int
) -> tuple[int, tuple[int, ...], int]:
    """How pieces are chosen, told by the first rows.

    Args:
        letters: the rows, in lower case.
        spoken: which of them count.
        rows: how many rows they are.

    Returns:
        How long pieces are in eights of bytes (of other alphabets a letter takes two bytes and
        more); the bytes with which they begin, one or two letters of ASCII and as many bytes inside
        characters of other alphabets, that together stand nearest to `_PIECES` times in a row where
        pieces may begin; and of how many bytes about one is such.
    """
    import numpy as np

    words = _WORDS_OTHER if np.count_nonzero(letters > 127) > len(letters) // 2 else _WORDS_ASCII
    quotes = np.append(np.flatnonzero(letters == ord('"')), len(letters))
    places = np.arange(len(letters))
    room = quotes[np.searchsorted(quotes[:-1], places)] - places
    counts = np.bincount(letters[spoken & (room >= 8 * words)], minlength=256)
    total = int(counts.sum())
    wanted = max(rows * _PIECES, 1) / max(total, 1)
    ascii_share = int(counts[:128].sum()) / max(total, 1)
    begins = (
        *_nearest(counts, ord("a"), ord("z"), wanted * ascii_share * total),
        *_nearest(counts, 128, _LEAD - 1, wanted * (1 - ascii_share) * total),
    )
    return words, begins, max(1, total // max(1, int(counts[list(begins)].sum())))


def _nearest(counts: NDArray[np.int64], first: int, last: int, wanted: float) -> tuple[int, ...]:
    """One or two bytes that stand nearest to so many times; without any, one of the middle."""
    import numpy as np

    here = counts[first : last + 1]
    if not here.any():
        return (_USUAL if first >= 128 else (first + last) // 2,)
    pairs = np.add.outer(here, here)
    np.fill_diagonal(pairs, here)
    off = np.abs(np.log((pairs + 0.5) / (wanted + 0.5)))
    one, other = divmod(int(off.argmin()), len(here))
    return tuple(sorted({first + one, first + other}))


def _places(letters: NDArray[np.uint8], words: int, begins: tuple[int, ...]) -> NDArray[np.int64]:
    """Where pieces may begin: at these bytes, with room for a piece behind them."""
    import numpy as np

    letters = letters[: max(0, len(letters) - 8 * words + 1)]
    chosen = letters == begins[0]
    for byte in begins[1:]:
        chosen |= letters == byte
    return np.flatnonzero(chosen)


def _pieces(
    letters: NDArray[np.uint8], words: int, places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Numbers]:
    """Which of some pieces do not reach from text to text, and a number for each of those."""
    import numpy as np

    # One beyond the other, so that every step below runs through memory in order.
    eights = np.ndarray((max(0, len(letters) - 7),), "<u8", letters, strides=(1,))
    taken = [eights[places + 8 * nth] for nth in range(words)]
    broken = np.zeros(len(places), np.uint64)
    numbers = np.zeros(len(places), np.uint64)
    for nth, word in enumerate(taken):
        zeros = word ^ np.uint64(_QUOTES)  # a byte is zero where a quote stands
        broken |= (zeros - np.uint64(_LOW)) & ~zeros
        numbers = (numbers + word) * np.uint64(_FACTORS[nth % 4]) ^ (word >> np.uint64(31))
    inside = np.flatnonzero(broken & np.uint64(_HIGH) == 0)
    return inside, numbers[inside]


def _mixed(values: Numbers) -> Numbers:
    import numpy as np

    values = values ^ (values >> np.uint64(29))
    values *= np.uint64(_MIX)
    values ^= values >> np.uint64(32)
    return values


def _distinct(keys: Numbers) -> Numbers:
    """The keys in rising order, each once: a piece that a text repeats counts once in it."""
    import numpy as np

    keys = np.sort(keys)
    fresh = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    return keys[fresh]


def _slices(keys: Numbers) -> list[Numbers]:
    """Rising keys in parts, none of which ends within keys of one piece."""
    import numpy as np

    made = []
    begin = 0
    while begin < len(keys):
        end = begin + _SLICE
        if end < len(keys):
            last = keys[end] | np.uint64((1 << _OWNER_BITS) - 1)
            end = int(np.searchsorted(keys, last, "right"))
        made.append(keys[begin:end])
        begin = end
    return made


def _shared(keys: Numbers, rows: int, sizes: NDArray[np.int32]) -> NDArray[np.int64]:
    """The pairs of rows that share a piece, as `counted` takes them; counts the pieces of each.

    A row is paired with the first that has the piece and with the last before it.
    """
    import numpy as np

    pieces = keys >> np.uint64(_OWNER_BITS)
    owners = (keys & np.uint64((1 << _OWNER_BITS) - 1)).astype(np.int64)
    starts = np.flatnonzero(np.concatenate((np.ones(1, np.bool_), pieces[1:] != pieces[:-1])))
    counts = np.diff(starts, append=len(keys))
    common = (counts > TEMPLATE) | ((counts >= TEMPLATE_SHARE) & (2 * counts >= rows))
    if common.any():
        kept = ~np.repeat(common, counts)
        owners, starts = owners[kept], starts[~common]
        counts = counts[~common]
        starts = np.cumsum(counts) - counts
    sizes += np.bincount(owners, minlength=len(sizes)).astype(np.int32)
    many = counts > 1
    starts, counts = starts[many], counts[many]
    if not len(starts):
        return np.empty(0, np.int64)
    follow = counts - 1
    first = np.repeat(starts, follow)
    nth = np.arange(int(follow.sum())) - np.repeat(np.cumsum(follow) - follow, follow)
    later = owners[first + nth + 1]
    before, earliest = owners[first + nth], owners[first]
    both = np.flatnonzero(nth)
    later = np.concatenate((later, later[both]))
    earlier = np.concatenate((before, earliest[both]))
    made: NDArray[np.int64] = (later >> 1 << 32) | (earlier >> 1 << 1) | (later & 1)
    return made
