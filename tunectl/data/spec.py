"""What a person says about a dataset, after the YAML was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.data.datafile import InlineRow
from tunectl.data.output import OutputSpec

TRAIN = "train"
# The order in which splits are read and shown; others follow by name.
_ORDER = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """A split by fractions, or what holds for the splits that files were named for.

    Attributes:
        fractions: share of the rows per split, above 0 and below 1; what is left is `train`.
            Empty where each split has its own files.
        seed: changes which rows go where.
        group: a top-level key or column; rows with the same value stay together, and must stand
            together where each split has its own files.
    """

    fractions: Mapping[str, float]
    seed: int = 0
    group: str | None = None


@dataclass(frozen=True, slots=True)
class DataSpec:
    """One dataset as declared. Exactly one of `source`, `splits` and `rows` is given.

    Attributes:
        source: a path or a glob, relative to the project; a `gs://` or `s3://` URL, with patterns
            too; `-` for standard input.
        splits: a path or a glob per split.
        format: the shape's name; None to recognise it from the content.
        split: how to split `source`; None puts every row into `train`. Beside `splits` it names
            the group and no fractions.
        strip: top-level keys or columns that never leave this machine.
        keys: top-level keys or columns that together name a row whatever else of it is edited.
        columns: which column is `input`, `output`, `system`, for CSV and flat objects.
        limit: read only so many rows of each source.
        where: the dataset's place in the YAML.
        rows: the rows themselves with their lines, where they stand in the YAML at `where`.
        allow: the rules that may be broken, by name or number, each with the reason.
        output: what every answer must be; None for any text.
        against: files whose text training rows must not hold; paths and globs as in `source`.
    """

    source: str | None = None
    splits: Mapping[str, str] | None = None
    format: str | None = None
    split: SplitSpec | None = None
    strip: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    columns: Mapping[str, str] | None = None
    limit: int | None = None
    where: Source | None = None
    allow: Mapping[str, str] = field(default_factory=dict)
    output: OutputSpec | None = None
    rows: tuple[InlineRow, ...] | None = None
    against: tuple[str, ...] = ()

    @property
    def divided(self) -> SplitSpec | None:
        """How rows are divided; None where nothing is, or where each split has its own files."""
        return self.split if self.splits is None else None

    @property
    def group(self) -> str | None:
        """The key or column whose equal values belong into one split; None where nothing says."""
        return self.split.group if self.split else None

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits it makes, in reading order."""
        if self.splits is not None:
            return in_order(self.splits)
        return in_order({TRAIN, *(self.split.fractions if self.split else ())})


def in_order(names: Mapping[str, object] | set[str]) -> tuple[str, ...]:
    """Sort split names: train, validation, test, then the others by name."""
    return tuple(sorted(names, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n)))
