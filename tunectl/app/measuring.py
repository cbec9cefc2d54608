"""dataset stats, diff: what data files hold in numbers, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunectl.app.checking import Asked, Checked, Progress, check, is_address
from tunectl.app.options import Options
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError
from tunectl.core.plan import RowDelta
from tunectl.data.dataset import Dataset
from tunectl.data.diff import row_diff
from tunectl.data.edits import Edit, edits, rows_at
from tunectl.data.fingerprint import Row
from tunectl.data.stats import Stats, stats

ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """One dataset in numbers."""

    name: str
    stats: Stats


def measure(
    options: Options, asked: Asked, epochs: int | None = None, progress: Progress | None = None
) -> tuple[Measured, ...]:
    """Count every dataset that was asked for; without one, all that are declared.

    Rows that break a rule are counted all the same.

    Args:
        options: the folder from which paths count.
        asked: what to count, and for whom.
        epochs: the passes over the rows; None for what each provider chooses.
        progress: told of the reading.

    Raises:
        ConfigError: a dataset cannot be read.
    """
    return tuple(
        Measured(one.name, stats(usable(one), one.targets, epochs=epochs))
        for one in check(options, asked, progress)
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """The content of one row that was added, removed or changed.

    Attributes:
        place: `file:line` of the row as it is now; of a removed one, as it was.
        before: the row as it was; None for an added one.
        after: the row as it is; None for a removed one.
    """

    split: str
    place: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between two datasets.

    Attributes:
        deltas: one a split that differs.
        places: where, by split.
        rows: the content of the first rows that differ, where it was asked for.
    """

    before: Measured
    after: Measured
    deltas: tuple[RowDelta, ...]
    places: Mapping[str, Places]
    rows: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of one split stand that differ, `file:line` of the first of each kind.

    Rows that only moved are in none of them.
    """

    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def compare(
    options: Options,
    old: Asked,
    new: Asked,
    *,
    epochs: int | None = None,
    show_data: bool = False,
    progress: Progress | None = None,
) -> Compared:
    """Compare two datasets, row by row.

    Args:
        options: the folder from which paths count.
        old: what was.
        new: what is.
        epochs: the passes over the rows; None for what each provider chooses.
        show_data: read the content of rows that differ, the first `ROWS_SHOWN` of them.
        progress: told of the reading.

    Raises:
        ConfigError: one of them cannot be read, or is not one dataset.
    """
    first, second = (_one(options, asked, progress) for asked in alike(old, new))
    before, after = usable(first), usable(second)
    targets = tuple(dict.fromkeys((*first.targets, *second.targets)))
    found = list(edits(before.marks, after.marks))
    return Compared(
        Measured(first.name, stats(before, targets, epochs=epochs)),
        Measured(second.name, stats(after, targets, epochs=epochs)),
        row_diff(before.marks, after.marks),
        {split: _places(split, found, before, after) for split in {one.split for one in found}},
        _shown(before, after, found[:ROWS_SHOWN]) if show_data else (),
    )


def _places(split: str, found: Sequence[Edit], old: Dataset, new: Dataset) -> Places:
    here = [one for one in found if one.split == split]
    changed = [
        new.marks.place(e.after) for e in here if e.before is not None and e.after is not None
    ]
    added = [new.marks.place(e.after) for e in here if e.before is None and e.after is not None]
    removed = [old.marks.place(e.before) for e in here if e.after is None and e.before is not None]
    return Places(*(tuple(places[:ROWS_SHOWN]) for places in (changed, added, removed)))


def _shown(old: Dataset, new: Dataset, found: Sequence[Edit]) -> tuple[Shown, ...]:
    before = rows_at(old, {one.before for one in found if one.before is not None})
    after = rows_at(new, {one.after for one in found if one.after is not None})
    return tuple(
        Shown(
            one.split,
            new.marks.place(one.after)
            if one.after is not None
            else old.marks.place(one.before or 0),
            None if one.before is None else before[one.before],
            None if one.after is None else after[one.after],
        )
        for one in found
    )


def usable(checked: Checked) -> Dataset:
    """Return the dataset.

    Raises:
        ConfigError: it cannot be read.
        Refused: its rows have a fault that leaves nothing to work with.
    """
    if checked.dataset is not None:
        return checked.dataset
    raise checked.failure()


def alike(old: Asked, new: Asked) -> tuple[Asked, Asked]:
    """Return both, a file beside a declared dataset to be read as that one is."""
    (one,), (other,) = old.files, new.files
    if is_address(one) == is_address(other):
        return old, new
    if is_address(one):
        return old, replace(new, like=one)
    return replace(old, like=other), new


def _one(options: Options, asked: Asked, progress: Progress | None) -> Checked:
    found = check(options, asked, progress)
    if len(found) != 1:
        raise ConfigError.of("compare one dataset with one other", code="usage")
    return found[0]
