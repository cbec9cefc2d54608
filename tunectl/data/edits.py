"""Which row became which between two datasets: for people who asked to see their data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tunectl.core.dataclass import dataclass
from tunectl.data.dataset import Dataset
from tunectl.data.diff import paired
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
    before, after = _places(old), _places(new)
    for split in dict.fromkeys((*after, *before)):
        left, right = before.get(split, []), after.get(split, [])
        pairs, _ = paired([old[i] for i in left], [new[j] for j in right])
        for i, j in pairs:
            yield Edit(split, None if i is None else left[i], None if j is None else right[j])


def _places(marks: Sequence[RowMark]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, mark in enumerate(marks):
        found[mark.split].append(index)
    return found


def rows_at(dataset: Dataset, places: set[int]) -> Mapping[int, Row]:
    """Return some rows of a dataset by their place.

    Raises:
        StaleError: a file is no longer what was read.
    """
    each = enumerate(dataset.each()) if places else ()
    return {index: row for index, (_, row, _) in each if index in places}
