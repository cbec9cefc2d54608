"""Row marks: what is remembered of a row that was read.

A mark is 64 bits of the sha256 of the canonical row, its split and where it stood. Marks are kept
in flat arrays (about 20 bytes a row), so a million rows fit in little memory.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.data.alike import Alike
from tunectl.data.facts import Facts
from tunectl.data.sketch import Sketch

_MAGIC = b"tunectl-marks 1 "
_MAGIC_KEYS = b"tunectl-marks 2 "


NO_GROUP = 0


@dataclass(frozen=True, slots=True)
class RowMark:
    """One row.

    Attributes:
        hash: 16 hex digits, the beginning of the sha256 of the canonical row.
        file: the path as shown to people; empty in marks that were stored.
        line: 1-based line on which the row begins; 0 in marks that were stored.
        key: 16 hex digits, the beginning of the sha256 of what names the row; empty without keys.
    """

    hash: str
    split: str
    file: str = ""
    line: int = 0
    key: str = ""


class Marks(Sequence[RowMark]):
    """The marks of a dataset in file order; filled once while reading, then only read.

    Attributes:
        splits: the split names; files: the file names as shown.
        hashes: 64 bits of each row; groups: 64 bits of its group, empty without groups. A row
            without one has `NO_GROUP`, or, where rows are divided, 64 bits of its input part.
        keys: 64 bits of what names the row, empty without keys.
        inputs: the `hash` of what the row is an answer to (its input part and its tools), to
            compare within this process; of no use where only the syntax was looked at.
        normals: what `normal_hash` gives for each row, to compare within this process; empty
            where rows are not compared with each other.
        alike: the rows that are nearly the same; None where they were not looked for.
        facts: what the rules over all rows remember besides; None as above.
    """

    __slots__ = (
        "alike",
        "facts",
        "files",
        "groups",
        "hashes",
        "inputs",
        "keys",
        "lines",
        "normals",
        "of_file",
        "of_split",
        "splits",
    )

    def __init__(self, splits: Sequence[str], files: Sequence[str]) -> None:
        self.splits = tuple(splits)
        self.files = tuple(files)
        self.hashes = array("Q")
        self.inputs = array("q")
        self.groups = array("Q")
        self.keys = array("Q")
        self.normals = array("q")
        self.alike: Alike | Sketch | None = None
        self.facts: Facts | None = None
        self.lines = array("Q")
        self.of_file = array("I")
        self.of_split = array("H")

    def add(self, row: bytes, asked: int, line: int, file: int, split: int) -> None:
        """Take the next row: its sha256, the `hash` of what it answers, and where it stands."""
        self.hashes.frombytes(row[:8])
        self.inputs.append(asked)
        self.lines.append(line)
        self.of_file.append(file)
        self.of_split.append(split)

    def add_block(
        self, rows: array[int], asked: list[int], line: int, file: int, split: int
    ) -> None:
        """Take the next rows, one a line: what `beginnings` gives, and what each answers."""
        self.hashes.extend(rows)
        self.inputs.extend(array(self.inputs.typecode, asked))
        count = len(rows)
        self.lines.extend(array(self.lines.typecode, range(line, line + count)))
        self.of_file.extend(array(self.of_file.typecode, [file]) * count)
        self.of_split.extend(array(self.of_split.typecode, [split]) * count)

    def add_group(self, group: bytes) -> None:
        """Take the sha256 of the next row's group."""
        self.groups.frombytes(group[:8])

    def add_key(self, key: bytes) -> None:
        """Take the sha256 of what names the next row."""
        self.keys.frombytes(key[:8])

    def seal(self) -> None:
        """End the filling: digests count as big-endian numbers from here on."""
        if sys.byteorder == "little":
            for column in (self.hashes, self.groups, self.keys):
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
        key = f"{self.keys[index]:016x}" if self.keys else ""
        return RowMark(f"{self.hashes[index]:016x}", split, file, self.lines[index], key)

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


def beginnings(rows: list[bytes]) -> array[int]:
    """The first eight bytes of the sha256 of each of some rows, as `Marks` takes them."""
    sha256 = hashlib.sha256
    return array("Q", b"".join([sha256(packed).digest() for packed in rows]))[::4]


def quick_beginnings(asked: list[int], answers: list[str]) -> array[int]:
    """Eight bytes for each of some plain rows, to compare them within this process.

    Args:
        asked: the number of what each answers.
        answers: what it answers.
    """
    return array("Q", array("q", map(hash, zip(asked, answers, strict=True))).tobytes())


def marks_to_bytes(marks: Sequence[RowMark]) -> bytes:
    """The stored form: which hash in which split, in order, with keys where there are any.

    Files and lines are left out on purpose: a blank line or a renamed file changes no content.
    """
    if isinstance(marks, Marks):
        order = list(dict.fromkeys(marks.of_split))
        names = [marks.splits[number] for number in order]
        place = {number: i for i, number in enumerate(order)}
        hashes, keys = _digits(marks.hashes), _digits(marks.keys)
        places = [place[number] for number in marks.of_split] if len(names) > 1 else []
    else:
        names = list(dict.fromkeys(mark.split for mark in marks))
        index = {name: i for i, name in enumerate(names)}
        hashes = [mark.hash for mark in marks]
        keys = [mark.key for mark in marks] if any(mark.key for mark in marks) else []
        places = [index[mark.split] for mark in marks]
    head = orjson.dumps(names) + b"\n"
    ends = [f" {i}" for i in range(len(names))]
    if keys:
        named = zip(hashes, places or [0] * len(hashes), keys, strict=True)
        lines = "".join([f"{hash_}{ends[i]} {key}\n" for hash_, i, key in named])
        return _MAGIC_KEYS + head + lines.encode("ascii")
    ends = [f"{end}\n" for end in ends]
    if len(ends) == 1:
        return _MAGIC + head + (ends[0].join(hashes) + ends[0]).encode("ascii")
    lines = "".join([hash_ + ends[i] for hash_, i in zip(hashes, places, strict=True)])
    return _MAGIC + head + lines.encode("ascii")


def _digits(numbers: array[int]) -> list[str]:
    """Each number as 16 hex digits."""
    if not numbers:
        return []
    column = array("Q", numbers)
    if sys.byteorder == "little":
        column.byteswap()
    return column.tobytes().hex("\n", 8).split("\n")


def marks_from_bytes(content: bytes) -> tuple[RowMark, ...]:
    """Read what `marks_to_bytes` wrote; files are empty and lines 0.

    Raises:
        ValueError: when the content is not such a list.
    """
    head, _, body = content.partition(b"\n")
    if not head.startswith((_MAGIC, _MAGIC_KEYS)):
        raise ValueError("not a list of row marks")
    names = orjson.loads(head[len(_MAGIC) :])
    lines = (line.split(" ") for line in body.decode("ascii").splitlines())
    try:
        return tuple(
            RowMark(hash_, names[int(index)], key=key[0] if key else "")
            for hash_, index, *key in lines
        )
    except IndexError as error:
        raise ValueError("a row mark names a split that is not listed") from error


def marks_sha256(marks: Sequence[RowMark]) -> str:
    """The name of the stored form: sha256 of `marks_to_bytes`, 64 hex digits."""
    return hashlib.sha256(marks_to_bytes(marks)).hexdigest()
