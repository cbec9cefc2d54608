"""Row marks: what is remembered of a row that was read.

A mark is 64 bits of the sha256 of the canonical row, its split and where it stood. Marks are kept
in flat arrays (about 20 bytes a row), so a million rows fit in little memory.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import orjson

_MAGIC = b"tunectl-marks 1 "


@dataclass(frozen=True, slots=True)
class RowMark:
    """One row.

    Attributes:
        hash: 16 hex digits, the beginning of the sha256 of the canonical row.
        file: the path as shown to people; empty in marks that were stored.
        line: 1-based line on which the row begins; 0 in marks that were stored.
    """

    hash: str
    split: str
    file: str = ""
    line: int = 0


class Marks(Sequence[RowMark]):
    """The marks of a dataset in file order; filled once while reading, then only read.

    Attributes:
        splits: the split names; files: the file names as shown.
        hashes: 64 bits of each row; inputs: 64 bits of what the row is an answer to (its input
            part and its tools); groups: 64 bits of its group, empty without groups.
    """

    __slots__ = ("files", "groups", "hashes", "inputs", "lines", "of_file", "of_split", "splits")

    def __init__(self, splits: Sequence[str], files: Sequence[str]) -> None:
        self.splits = tuple(splits)
        self.files = tuple(files)
        self.hashes = array("Q")
        self.inputs = array("Q")
        self.groups = array("Q")
        self.lines = array("Q")
        self.of_file = array("L")
        self.of_split = array("H")

    def add(self, row: bytes, asked: bytes, line: int, file: int, split: int) -> None:
        """Take the next row: its sha256, that of what it answers, and where it stands."""
        self.hashes.frombytes(row[:8])
        self.inputs.frombytes(asked[:8])
        self.lines.append(line)
        self.of_file.append(file)
        self.of_split.append(split)

    def add_group(self, group: bytes) -> None:
        """Take the sha256 of the next row's group."""
        self.groups.frombytes(group[:8])

    def seal(self) -> None:
        """End the filling: digests count as big-endian numbers from here on."""
        if sys.byteorder == "little":
            for column in (self.hashes, self.inputs, self.groups):
                column.byteswap()

    def __len__(self) -> int:
        return len(self.hashes)

    @overload
    def __getitem__(self, index: int) -> RowMark: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RowMark, ...]: ...
    def __getitem__(self, index: int | slice) -> RowMark | tuple[RowMark, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        file = self.files[self.of_file[index]]
        split = self.splits[self.of_split[index]]
        return RowMark(f"{self.hashes[index]:016x}", split, file, self.lines[index])

    def __iter__(self) -> Iterator[RowMark]:
        for index in range(len(self)):
            yield self[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def place(self, index: int) -> str:
        """`file:line` of one row."""
        return f"{self.files[self.of_file[index]]}:{self.lines[index]}"


def marks_to_bytes(marks: Sequence[RowMark]) -> bytes:
    """The stored form: which hash in which split, in order, and nothing else.

    Files and lines are left out on purpose: a blank line or a renamed file changes no content.
    """
    if isinstance(marks, Marks):
        order = list(dict.fromkeys(marks.of_split))
        names = [marks.splits[number] for number in order]
        place = {number: i for i, number in enumerate(order)}
        pairs = zip(marks.hashes, marks.of_split, strict=True)
        lines = "".join(f"{hash_:016x} {place[number]}\n" for hash_, number in pairs)
    else:
        names = list(dict.fromkeys(mark.split for mark in marks))
        index = {name: i for i, name in enumerate(names)}
        lines = "".join(f"{mark.hash} {index[mark.split]}\n" for mark in marks)
    return _MAGIC + orjson.dumps(names) + b"\n" + lines.encode("ascii")


def marks_from_bytes(content: bytes) -> tuple[RowMark, ...]:
    """Read what `marks_to_bytes` wrote; files are empty and lines 0.

    Raises:
        ValueError: when the content is not such a list.
    """
    head, _, body = content.partition(b"\n")
    if not head.startswith(_MAGIC):
        raise ValueError("not a list of row marks")
    names = orjson.loads(head[len(_MAGIC) :])
    lines = (line.split(" ") for line in body.decode("ascii").splitlines())
    try:
        return tuple(RowMark(hash_, names[int(index)]) for hash_, index in lines)
    except IndexError as error:
        raise ValueError("a row mark names a split that is not listed") from error


def marks_sha256(marks: Sequence[RowMark]) -> str:
    """The name of the stored form: sha256 of `marks_to_bytes`, 64 hex digits."""
    return hashlib.sha256(marks_to_bytes(marks)).hexdigest()
