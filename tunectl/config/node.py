"""YAML values that remember where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from tunectl.core.errors import Source

# The line breaks of YAML 1.1, by which libyaml counts lines.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]


class File:
    """One file that was read.

    Attributes:
        name: the path as a user would type it.
        text: its content.
        layer: the overlay's environment or the module's name, empty for the base layer.
    """

    def __init__(self, name: str, text: str, layer: str = "") -> None:
        self.name = name
        self.text = text
        self.layer = layer

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return _BREAK.split(self.text)

    def at(self, line: int, column: int = 0, length: int = 1) -> Source:
        """Return a place; line and column count from 1, 0 where unknown."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Source(self.name, line, column, text, max(1, length), self.layer)


class Node:
    """One value. Maps hold nodes by key, lists hold nodes, everything else is a plain scalar.

    Attributes:
        line: 1-based.
        column: 1-based, in characters.
        length: characters on the first line.
        key: line, column and length of the key it stands under, None in a list or at the top.
        raw: whether the text stood without quotes.
    """

    __slots__ = ("column", "file", "key", "length", "line", "raw", "value")

    def __init__(  # a record written a hundred thousand times: no dataclass machinery
        self,
        value: Scalar | dict[str, Node] | list[Node],
        file: File,
        line: int,
        column: int,
        length: int = 1,
        raw: bool = False,
    ) -> None:
        self.value = value
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.key: tuple[int, int, int, File] | None = None
        self.raw = raw

    @property
    def source(self) -> Source:
        """Where the value stands."""
        return self.file.at(self.line, self.column, self.length)

    @property
    def key_source(self) -> Source:
        """Where its key stands, else the value."""
        if self.key is None:
            return self.source
        line, column, length, file = self.key
        return file.at(line, column, length)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield keys and nodes of a map; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def find(self, path: Path) -> tuple[Node, bool]:
        """Follow a path as far as it goes; also tell whether it was there to its end."""
        node = self
        for step in path:
            value = node.value
            if isinstance(value, dict) and str(step) in value:
                node = value[str(step)]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                node = value[step]
            else:
                return node, False
        return node, True


def plain(node: Node) -> object:
    """Return the values alone."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


def sort(value: object) -> str:
    """Name the sort of a value as a person would: `a map`, `text`, `nothing`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a map"
        case list() | tuple():
            return "a list"
        case _:
            return "a reference"
