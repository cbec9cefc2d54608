"""Which row became which between two datasets: for people who asked to see their data."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tunectl.data.dataset import Dataset
from tunectl.data.diff import common, partners, rising
from tunectl.data.fingerprint import Row
from tunectl.data.marks import RowMark


@dataclass(frozen=True, slots=True)
class Edit:
    """One row that was added, removed or changed.

    Attributes:
        before: its place among the rows of the old dataset; None for an added one.
        after: its place among the rows of the new dataset; None for a removed one.
    """

    split: str
    before: int | None
    after: int | None


def edits(old: Sequence[RowMark], new: Sequence[RowMark]) -> Iterator[Edit]:
    """Yield what became of the rows, split by split; a row that only moved is left out."""
    before, after = _by_split(old), _by_split(new)
    for split in dict.fromkeys((*after, *before)):
        left, right = before.get(split, []), after.get(split, [])
        keyed = all(mark.key for _, mark in (*left, *right))
        for one, other in (_by_key if keyed else _in_order)(left, right):
            yield Edit(split, one, other)


_Placed = list[tuple[int, RowMark]]
_Pair = tuple[int | None, int | None]


def _by_split(marks: Sequence[RowMark]) -> dict[str, _Placed]:
    found: dict[str, _Placed] = defaultdict(list)
    for index, mark in enumerate(marks):
        found[mark.split].append((index, mark))
    return found


def _by_key(left: _Placed, right: _Placed) -> Iterator[_Pair]:
    places: dict[str, deque[tuple[int, str]]] = defaultdict(deque)
    for index, mark in left:
        places[mark.key].append((index, mark.hash))
    for index, mark in right:
        queue = places.get(mark.key)
        if not queue:
            yield None, index
            continue
        was, hash_ = queue.popleft()
        if hash_ != mark.hash:
            yield was, index
    for queue in places.values():
        yield from ((index, None) for index, _ in queue)


def _in_order(left: _Placed, right: _Placed) -> Iterator[_Pair]:
    start, end = common([mark for _, mark in left], [mark for _, mark in right])
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    partner = partners([mark.hash for _, mark in left], [mark.hash for _, mark in right])
    matched = {i for i in partner if i >= 0}
    at_old, at_new = 0, 0
    anchors = rising([(i, j) for j, i in enumerate(partner) if i >= 0])
    for i, j in (*anchors, (len(left), len(right))):
        gone = [left[k][0] for k in range(at_old, i) if k not in matched]
        came = [right[k][0] for k in range(at_new, j) if partner[k] < 0]
        yield from zip_longest(gone, came)
        at_old, at_new = i + 1, j + 1


def rows_at(dataset: Dataset, places: set[int]) -> Mapping[int, Row]:
    """Return some rows of a dataset by their place.

    Raises:
        StaleError: a file is no longer what was read.
    """
    each = enumerate(dataset.each()) if places else ()
    return {index: row for index, (_, row, _) in each if index in places}
