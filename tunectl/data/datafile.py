"""One file of a dataset, wherever its bytes come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import BinaryIO

from tunectl.core.dataclass import dataclass

# A row that stands in the YAML: its 1-based line, and its value.
InlineRow = tuple[int, Mapping[str, object]]


def _nothing() -> BinaryIO:
    raise FileNotFoundError("rows that stand in the YAML are no file")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a dataset.

    Attributes:
        name: as shown: a path relative to the project where it lies inside, with `/`; a URL; or
            `<stdin>`.
        split: the split it belongs to; None when rows are split by fractions.
        open: opens its bytes as they are stored, each time at the beginning.
        size: bytes as stored; None where that is not known before it is read.
        path: where it lies on this machine's disk; None for anything else.
        rows: the rows themselves, when they stand in the YAML of that name.
    """

    name: str
    split: str | None
    open: Callable[[], BinaryIO] = field(default=_nothing, repr=False, compare=False)
    size: int | None = None
    path: Path | None = None
    rows: tuple[InlineRow, ...] | None = field(default=None, repr=False)

    @classmethod
    def at(cls, path: Path, name: str, split: str | None) -> DataFile:
        """A file on this machine's disk."""
        try:
            size = path.stat().st_size
        except OSError:  # told when it is opened
            size = None
        return cls(name, split, lambda: path.open("rb", buffering=1 << 20), size, path)


@dataclass(slots=True)
class FileFacts:
    """What was noticed of a file beside its rows; complete once it was read to its end.

    Attributes:
        file: its name as shown.
        kind: `jsonl`, `array`, `csv` or `inline`.
        mark: whether it begins with a byte order mark.
        size: bytes as stored, packed or not; None where that is not known.
        blank: how many blank lines stand between or after the rows.
        first_blank: the 1-based line of the first of them, 0 without any.
    """

    file: str
    kind: str
    mark: bool = False
    size: int | None = None
    blank: int = 0
    first_blank: int = 0

    def met_blank(self, line: int) -> None:
        """Count a blank line."""
        self.blank += 1
        self.first_blank = self.first_blank or line
