"""One parsed file in a compact form: its plain values, and where each stands in a row of numbers.

It is made and read without an object for each value, and goes to disk as it is; nodes are made of
it only for what is looked at. Only files without surprises have one: no problem, no alias to a map
or list, no merge, no tag, and scalars that JSON holds exactly.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, Final

import orjson

# Numbers of one value, in the order of the file: how many values it is with all inside, its line,
# column and length, those of its key (0 where it has none), and whether it stood without quotes.
STRIDE: Final = 8
_WIDTH = 4  # bytes of a number


class UnusualError(Exception):
    """The file has something that the compact form does not hold."""


class Written:
    """The compact form.

    Attributes:
        values: maps, lists and scalars. Not to be changed.
        marks: `STRIDE` numbers for each value.
    """

    __slots__ = ("marks", "values")

    def __init__(self, values: Any, marks: array[int]) -> None:  # noqa: ANN401  # a JSON tree
        self.values = values
        self.marks = marks

    def children(self, at: int, value: dict[str, Any] | list[Any]) -> Iterator[tuple[Any, int]]:
        """Yield the key (None in a list) and the place of each value directly inside one."""
        marks, inside = self.marks, at + 1
        for key in value if isinstance(value, dict) else [None] * len(value):
            yield key, inside
            inside += marks[inside * STRIDE]

    def to_bytes(self) -> bytes:
        """Return it as bytes.

        Raises:
            UnusualError: a text cannot be written.
        """
        try:
            values = orjson.dumps(self.values)
        except (TypeError, ValueError) as error:
            raise UnusualError from error
        return len(values).to_bytes(8, "little") + values + self.marks.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Written:
        """Read what `to_bytes` returned.

        Raises:
            ValueError: it is something else.
        """
        end = 8 + int.from_bytes(content[:8], "little")
        marks = array("I")
        marks.frombytes(content[end:])
        if not marks or len(marks) != marks[0] * STRIDE:
            raise ValueError("the numbers do not fit the values")
        return cls(orjson.loads(content[8:end]), marks)


def fits() -> bool:
    """Whether this machine's numbers have the width the form is made for."""
    return array("I").itemsize == _WIDTH
