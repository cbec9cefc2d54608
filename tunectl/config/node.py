"""YAML values that remember where they stand."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import cached_property
from struct import Struct
from typing import Any, TypeAlias

from tunectl.config.written import STRIDE, Written
from tunectl.core.errors import Source

# The line breaks of YAML 1.1, by which libyaml counts lines.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_RARE_BREAK = re.compile("[\r\x85\u2028\u2029]")

_MARKS = Struct(f"{STRIDE}I").unpack_from  # of one value, as the row of numbers holds them
_BYTES = STRIDE * array("I").itemsize

Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]


class File:
    """One file that was read.

    Attributes:
        name: the path as a user would type it.
        text: its content.
        layer: the overlay's environment or the module's name, empty for the base layer.
        interpolates: whether `${` occurs anywhere in it.
    """

    def __init__(self, name: str, text: str, layer: str = "") -> None:
        self.name = name
        self.text = text
        self.layer = layer
        self.interpolates = "${" in text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        if _RARE_BREAK.search(self.text) is None:
            return self.text.split("\n")
        return _BREAK.split(self.text)

    def at(self, line: int, column: int = 0, length: int = 1) -> Source:
        """Return a place; line and column count from 1, 0 where unknown."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Source(self.name, line, column, text, max(1, length), self.layer)


class Node:
    """One value. Maps hold nodes by key, lists hold nodes, everything else is a plain scalar.

    What is inside a map or list of a compact form becomes nodes when it is first asked for.

    Attributes:
        line: 1-based.
        column: 1-based, in characters.
        length: characters on the first line.
        key: line, column and length of the key it stands under, None in a list or at the top.
        raw: whether the text stood without quotes.
    """

    __slots__ = ("_at", "_value", "_written", "column", "file", "key", "length", "line", "raw")

    def __init__(  # a record written a hundred thousand times: no dataclass machinery
        self,
        value: Scalar | dict[str, Node] | list[Node],
        file: File,
        line: int,
        column: int,
        length: int = 1,
        raw: bool = False,
    ) -> None:
        self._value: Any = value
        self._written: Written | None = None
        self._at = 0
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.key: tuple[int, int, int, File] | None = None
        self.raw = raw

    @classmethod
    def of(cls, written: Written, file: File, value: object = None, at: int = 0) -> Node:
        """Return the node at a place of a file's compact form; of the whole file by default.

        Args:
            written: the form.
            file: where it stands.
            value: the plain value at that place.
            at: the place.
        """
        value = written.values if at == 0 else value
        _, line, column, length, kline, kcolumn, klength, raw = _MARKS(written.marks, at * _BYTES)
        made = cls(value, file, line, column, length, raw == 1)  # type: ignore[arg-type]
        if kline:
            made.key = (kline, kcolumn, klength, file)
        if value.__class__ is dict or value.__class__ is list:
            made._written, made._at = written, at
        return made

    @property
    def value(self) -> Scalar | dict[str, Node] | list[Node]:
        """The value; of a map or list with nodes inside."""
        if self._written is not None:
            self._unfold(self._written)
        found: Scalar | dict[str, Node] | list[Node] = self._value
        return found

    @value.setter
    def value(self, value: Scalar | dict[str, Node] | list[Node]) -> None:
        self._value, self._written = value, None

    def _unfold(self, written: Written) -> None:
        value, file, of = self._value, self.file, Node.of
        places = written.children(self._at, value)
        if isinstance(value, dict):
            self._value = {key: of(written, file, value[key], at) for key, at in places}
        else:
            self._value = [
                of(written, file, child, at) for child, (_, at) in zip(value, places, strict=True)
            ]
        self._written = None

    @property
    def whole(self) -> bool:
        """Whether it is a map or list exactly as its own file has it."""
        return self._written is not None

    @property
    def is_map(self) -> bool:
        """Whether it is a map."""
        return isinstance(self._value, dict)

    def has(self, key: str) -> bool:
        """Whether it is a map with that key."""
        return isinstance(self._value, dict) and key in self._value

    @property
    def plain(self) -> object:
        """The values alone, without nodes. Not to be changed: it may be shared."""
        value = self._value
        if self._written is not None:
            return value
        if isinstance(value, dict):
            return {key: child.plain for key, child in value.items()}
        if isinstance(value, list):
            return [child.plain for child in value]
        return value

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

    def plain_at(self, key: str) -> object:
        """Return the values of one key of a map alone, without nodes.

        Raises:
            KeyError: it is no map with that key.
        """
        if not self.has(key):
            raise KeyError(key)
        found = self._value[key]
        return found.plain if self._written is None else found

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield keys and nodes of a map; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def find(self, path: Path) -> tuple[Node, bool]:
        """Follow a path as far as it goes; also tell whether it was there to its end."""
        node = self
        for step in path:
            child = node._child(step)
            if child is None:
                return node, False
            node = child
        return node, True

    def _child(self, step: str | int) -> Node | None:
        """Return one value inside; the others do not become nodes for it."""
        value, written = self._value, self._written
        if isinstance(value, dict):
            name = str(step)
            if name not in value:
                return None
            if written is None:
                found: Node = value[name]
                return found
            for key, at in written.children(self._at, value):
                if key == name:
                    return Node.of(written, self.file, value[name], at)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            inside = self.value
            assert isinstance(inside, list)
            return inside[step]
        return None


def plain(node: Node) -> object:
    """Return the values alone. Not to be changed: they may be shared."""
    return node.plain


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
