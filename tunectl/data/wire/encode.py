"""From rows to the bytes of a file: JSON Lines, a JSON array, or a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Protocol

import orjson

from tunectl.data.fingerprint import Json, Row


class Encoder(Protocol):
    """Makes the bytes of a file, in order: `head`, every row, `tail`."""

    def head(self) -> bytes:
        """What stands before the rows."""
        ...

    def row(self, row: Row) -> bytes:
        """The next row."""
        ...

    def tail(self) -> bytes:
        """What stands after the rows."""
        ...


class Lines:
    """JSON Lines: UTF-8 without byte order mark, one object a line, each line ended."""

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def row(self, row: Row) -> bytes:
        """One line."""
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class Array:
    """A JSON array, one element a line."""

    def __init__(self) -> None:
        self._before = b""

    def head(self) -> bytes:
        """The bracket."""
        return b"[\n"

    def row(self, row: Row) -> bytes:
        """The comma of the row before, and the row."""
        made = self._before + orjson.dumps(row)
        self._before = b",\n"
        return made

    def tail(self) -> bytes:
        """The bracket."""
        return b"\n]\n"


class Table:
    """CSV as RFC 4180 has it, with a header; a value that is no text is written as JSON."""

    def __init__(self, columns: Sequence[str], delimiter: str = ",") -> None:
        self._columns = columns
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n")

    def head(self) -> bytes:
        """The header."""
        return self._line(self._columns)

    def row(self, row: Row) -> bytes:
        """One record."""
        return self._line([_cell(row.get(name)) for name in self._columns])

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def _line(self, cells: Sequence[str]) -> bytes:
        self._writer.writerow(cells)
        made = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return made


def _cell(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def encoder(columns: Sequence[str], name: str) -> Encoder:
    """The encoder for a file of that name.

    Args:
        columns: of a table; none for JSON.
        name: of the file: `.tsv` has tabs, `.json` an array; `.gz` and `.zst` are left aside.
    """
    bare = name.lower().removesuffix(".gz").removesuffix(".zst")
    if columns:
        return Table(columns, "\t" if bare.endswith(".tsv") else ",")
    return Array() if bare.endswith(".json") else Lines()
