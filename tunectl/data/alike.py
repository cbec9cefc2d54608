"""Rows that are nearly the same, found while they go by.

Two texts are alike when at least half of all their five-word sequences stand in both (Jaccard).
System text is left out. A sequence that stands in 50 earlier rows, or in half of all earlier rows
and at least 20, is a template and counts for no later row: without that rule one shared
instruction makes the search quadratic.

Law: what is said of a row depends on the rows before it and on nothing else, so rows that are
appended change nothing of what was said.

Memory is bounded: above `LIMIT` sequences only every second number is kept, then every fourth, and
so on, chosen by the number itself, so that what is left can still be compared.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, TypeAlias

from tunectl.data.alike_few import alike_of_few
from tunectl.data.fingerprint import Json, Row, last_answer
from tunectl.data.shingles import shingles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunectl.data.shingles import Numbers, Owners

    # Numbers in rising order, and the text each stands in.
    _Run: TypeAlias = tuple[Numbers, NDArray[np.uint32]]

ALIKE = 0.5
LIMIT = 2_000_000
BATCH = 1 << 17
TEMPLATE = 50
TEMPLATE_SHARE = 20
FEW = 1 << 16  # characters: up to here comparing without numpy is faster than importing it
_SLOT_BITS, _MOST_SLOT_BITS = 18, 24
_LONGEST_RUN = LIMIT // 3
# Of a sample, fewer shared sequences than these may be chance.
_SAMPLE_SHARED = 3


class Alike:
    """The pairs of rows that are alike.

    Attributes:
        later, earlier: the pairs, by place among the rows; of one later row they rise. Pairs that
            ask nearly the same.
        later_whole, earlier_whole: the same, of rows that are nearly the same as a whole.
        rows: how many rows were compared.
        sampled_from: the place of the first row that was compared by a sample; -1 for none.
    """

    __slots__ = (
        "_bits",
        "_every",
        "_met",
        "_pending",
        "_runs",
        "_sizes",
        "_taken",
        "earlier",
        "earlier_whole",
        "later",
        "later_whole",
        "rows",
        "sampled_from",
        "waiting",
    )

    def __init__(self) -> None:
        self.later, self.earlier = array("q"), array("q")
        self.later_whole, self.earlier_whole = array("q"), array("q")
        self.rows = 0
        self.sampled_from = -1
        self.waiting = 0
        self._pending: list[str] = []
        self._runs: list[_Run] = []
        self._sizes = array("q")
        self._every = 1
        self._taken = 0
        self._bits = _SLOT_BITS
        self._met: NDArray[np.bool_] | None = None

    def add(self, asked: str, answered: str) -> bool:
        """Take the next row; true when enough rows wait to be compared by `settle`."""
        self._pending += (asked, answered)
        self.waiting += len(asked) + len(answered)
        return self.waiting >= BATCH or len(self._pending) > BATCH // 8

    def settle(self, *, last: bool = False) -> int:
        """Compare the rows that wait with all before them and with each other.

        Args:
            last: whether no row will follow.

        Returns:
            Where the pairs begin in `later` that were found now.
        """
        begin = len(self.later)
        if not self._pending:
            return begin
        base = self.rows
        self.rows += len(self._pending) // 2
        texts, few = self._pending, last and not base and self.waiting <= FEW
        self._pending, self.waiting = [], 0
        if few:
            self._compare_few(texts)
            return begin
        if self._every > 1 and self.sampled_from < 0:
            self.sampled_from = base
        numbers, owners = shingles(texts, self._every)
        self._compare(numbers, owners + 2 * base, len(texts))
        self._thin()
        return begin

    def _compare_few(self, texts: list[str]) -> None:
        asked, whole = alike_of_few(texts, ALIKE, TEMPLATE, TEMPLATE_SHARE)
        self.later.extend(later for later, _ in asked)
        self.earlier.extend(earlier for _, earlier in asked)
        self.later_whole.extend(later for later, _ in whole)
        self.earlier_whole.extend(earlier for _, earlier in whole)

    def _compare(self, numbers: Numbers, owners: Owners, texts: int) -> None:
        import numpy as np

        own = _group_starts(numbers)
        rank = np.arange(len(numbers)) - own
        # Most numbers were never met: one look into a table spares the search for them.
        if self._met is None:
            self._met = np.zeros(1 << self._bits, np.bool_)
        slots = numbers >> np.uint64(64 - self._bits)
        maybe = np.flatnonzero(self._met[slots])
        found = []
        for run, others in self._runs:
            left = np.searchsorted(run, numbers[maybe], "left")
            there = np.flatnonzero(run[np.minimum(left, len(run) - 1)] == numbers[maybe])
            left, which = left[there], maybe[there]
            count = np.searchsorted(run, numbers[which], "right") - left
            rank[which] += count
            found.append((which, left, count, others))
        common = (rank >= TEMPLATE) | ((rank >= TEMPLATE_SHARE) & (2 * rank >= owners >> 1))
        hits = []
        for which, left, count, others in found:
            good = ~common[which]
            hits.append(_expanded(owners[which[good]], left[good], count[good], others))
        kept = np.flatnonzero(~common)
        numbers, owners = numbers[kept], owners[kept]
        own = _group_starts(numbers)
        hits.append(_expanded(owners, own, np.arange(len(numbers)) - own, owners))
        sizes = np.bincount(owners - len(self._sizes), minlength=texts)
        self._sizes.frombytes(sizes.astype(np.int64).tobytes())
        self._judge(np.concatenate(hits))
        self._met[slots[kept]] = True
        self._insert(numbers, owners.astype(np.uint32))

    def _judge(self, keys: NDArray[np.int64]) -> None:
        """Keep the pairs that are alike.

        Args:
            keys: for each shared number the later row, the earlier row and the part (0 what was
                asked, 1 the answer) in 31, 31 and 1 bits.
        """
        import numpy as np

        later, earlier, asked, whole = counted(keys)
        sizes = np.frombuffer(self._sizes, np.int64)
        one, other = sizes[2 * later], sizes[2 * earlier]
        least = _SAMPLE_SHARED if self._every > 1 else 1
        good = (asked >= least) & (asked >= ALIKE * (one + other - asked))
        one, other = one + sizes[2 * later + 1], other + sizes[2 * earlier + 1]
        good_whole = (whole >= least) & (whole >= ALIKE * (one + other - whole))
        del sizes
        self.later.frombytes(later[good].tobytes())
        self.earlier.frombytes(earlier[good].tobytes())
        self.later_whole.frombytes(later[good_whole].tobytes())
        self.earlier_whole.frombytes(earlier[good_whole].tobytes())

    def _insert(self, numbers: Numbers, owners: NDArray[np.uint32]) -> None:
        """Keep the numbers as a new run, and merge runs of like size."""
        if not len(numbers):
            return
        self._taken += len(numbers)
        if self._bits < _MOST_SLOT_BITS and self._taken > 1 << (self._bits - 2):
            self._widen()
        run = (numbers, owners)
        while self._runs and len(self._runs[-1][0]) <= 2 * len(run[0]) <= _LONGEST_RUN:
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)

    def _widen(self) -> None:
        """Make the table of numbers that were met eight times as large."""
        import numpy as np

        assert self._met is not None
        self._bits += 3
        self._met = np.repeat(self._met, 8)

    def _thin(self) -> None:
        """Above the limit, keep half of the numbers."""
        import numpy as np

        if self._taken <= LIMIT:
            return
        self._every *= 2
        sizes = np.zeros(len(self._sizes), np.int64)
        runs, self._runs = self._runs, []
        for numbers, owners in runs:
            kept = np.flatnonzero(numbers & np.uint64(self._every - 1) == 0)
            if len(kept):
                self._runs.append((numbers[kept], owners[kept]))
                sizes += np.bincount(owners[kept], minlength=len(sizes))
        self._sizes = array("q", sizes.tobytes())
        self._taken = sum(len(numbers) for numbers, _ in self._runs)


def counted(
    keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count what pairs of rows share.

    Args:
        keys: for each thing shared the later row, the earlier row and the part (0 what was asked,
            1 the answer) in 31, 31 and 1 bits. They are sorted in place.

    Returns:
        The pairs in rising order: later rows, earlier rows, and for each how much they share of
        what was asked, and as a whole.
    """
    import numpy as np

    keys.sort()  # not `np.unique`, which imports much more
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    shared = np.diff(starts, append=len(keys))
    keys = keys[starts]
    pairs = keys >> 1
    firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
    whole = np.add.reduceat(shared, firsts) if len(firsts) else shared
    asked = np.where(keys[firsts] & 1 == 0, shared[firsts], 0)
    pairs = pairs[firsts]
    return pairs >> 31, pairs & ((1 << 31) - 1), asked, whole


def _group_starts(numbers: Numbers) -> NDArray[np.int64]:
    """For each of some rising numbers the place of the first that is equal."""
    import numpy as np

    starts = np.arange(len(numbers))
    starts[1:][numbers[1:] == numbers[:-1]] = 0
    np.maximum.accumulate(starts, out=starts)
    return starts


def _expanded(
    owners: Owners,
    left: NDArray[np.int64],
    counts: NDArray[np.int64],
    others: NDArray[np.uint32] | Owners,
) -> NDArray[np.int64]:
    """For each number the pairs of its owner and those that have it too, as `_judge` takes them."""
    import numpy as np

    total = int(counts.sum())
    if not total:
        return np.empty(0, np.int64)
    which = np.repeat(np.arange(len(owners)), counts)
    offsets = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    mine, other = owners[which], others[left[which] + offsets].astype(np.int64)
    keys: NDArray[np.int64] = (mine >> 1 << 32) | (other >> 1 << 1) | (mine & 1)
    return keys


def _merged(earlier: _Run, later: _Run) -> _Run:
    """Two runs as one; of equal numbers those of the earlier come first."""
    import numpy as np

    numbers = np.concatenate((earlier[0], later[0]))
    owners = np.concatenate((earlier[1], later[1]))
    order = np.argsort(numbers, kind="stable")
    return numbers[order], owners[order]


def asked_and_answered(row: Row) -> tuple[str, str]:
    """The text of a row in two parts, without what stands in system messages.

    The first is everything before the last assistant message, the second what follows; of a
    preference both outputs are the answer.
    """
    messages = row.get("messages")
    if not isinstance(messages, list):
        given = row.get("input")
        messages = given.get("messages") if isinstance(given, dict) else None
        outputs = [row.get("preferred_output"), row.get("non_preferred_output")]
        answers = [m for out in outputs if isinstance(out, list) for m in out]
        return _spoken(messages if isinstance(messages, list) else []), _spoken(answers)
    end = last_answer(messages)
    return _spoken(messages[:end]), _spoken(messages[end:])


def _spoken(messages: list[Json]) -> str:
    parts: list[str] = []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") in ("system", "developer"):
            continue
        content = message.get("content")
        if isinstance(content, str):
            parts.append(content)
        elif content:
            _collect(content, parts)
        if "tool_calls" in message:
            _collect(message["tool_calls"], parts)
    return "\n".join(parts)


def _collect(value: Json, into: list[str]) -> None:
    """The texts inside a value; what a deeply nested one holds beyond 20 levels is left out."""
    todo: list[tuple[Json, int]] = [(value, 0)]
    while todo:
        one, depth = todo.pop()
        if isinstance(one, str):
            into.append(one)
        elif depth < 20 and isinstance(one, list):
            todo.extend((inner, depth + 1) for inner in reversed(one))
        elif depth < 20 and isinstance(one, dict):
            # The ids of calls and the names of types tell rows apart that are the same.
            named = [v for k, v in one.items() if k not in ("id", "type", "tool_call_id", "url")]
            todo.extend((inner, depth + 1) for inner in reversed(named))
