"""libyaml's nodes to the compact form, where a file has nothing unusual."""

from __future__ import annotations

import math
import re
import unicodedata
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tunectl.config.syntax import has_odd_space, wrapped_in_typographic_quotes
from tunectl.config.written import STRIDE, UnusualError, Written

if TYPE_CHECKING:
    import yaml

_ODD = re.compile("[“”„‟«»‘’‚‛\u00a0\u202f\u2007\u3000\u200b\u2060\ufeff]")
_EXACT = 2**63

Typed = Callable[[str], Any]


def written(
    tree: yaml.Node, typed: Typed, *, plain: str, text: str, collection: str, deepest: int
) -> Written:
    """Return the compact form of libyaml's nodes.

    Args:
        tree: of one document.
        typed: the value of a plain scalar.
        plain: the tag of a scalar that stood without quotes.
        text: of any other scalar.
        collection: of a map or list.
        deepest: how many levels there may be.

    Raises:
        UnusualError: there is something to say or to remember that it does not hold.
    """
    return _Writer(typed, (plain, text, collection), deepest).whole(tree)


class _Writer:
    def __init__(self, typed: Typed, tags: tuple[str, str, str], deepest: int) -> None:
        import yaml

        self._typed = typed
        self._scalar_node, self._mapping_node = yaml.ScalarNode, yaml.MappingNode
        self._plain, self._text, self._collection = tags
        self._deepest = deepest
        self._seen: set[int] = set()
        self._marks: list[int] = []

    def whole(self, tree: yaml.Node) -> Written:
        value = self._value(tree, 0, (0, 0, 0))
        return Written(value, array("I", self._marks))

    def _value(self, tree: yaml.Node, depth: int, key: tuple[int, int, int]) -> Any:  # noqa: ANN401
        start, marks = tree.start_mark, self._marks
        if tree.__class__ is self._scalar_node:
            tag, end = tree.tag, tree.end_mark
            line = start.line
            long = end.column - start.column if line == end.line else 1
            said = tree.value
            if tag == self._plain:
                marks += (1, line + 1, start.column + 1, long, *key, 1)
                return held(said, self._typed)
            if tag != self._text:
                raise UnusualError
            marks += (1, line + 1, start.column + 1, long, *key, 0)
            return said
        if tree.tag != self._collection or depth > self._deepest or id(tree) in self._seen:
            raise UnusualError
        self._seen.add(id(tree))
        at = len(marks)
        marks += (0, start.line + 1, start.column + 1, 1, *key, 0)
        if isinstance(tree, self._mapping_node):
            value: Any = self._map(tree, depth)
        else:
            value = [self._value(child, depth + 1, (0, 0, 0)) for child in tree.value]
        marks[at] = (len(marks) - at) // STRIDE
        return value

    def _map(self, tree: yaml.MappingNode, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, child in tree.value:
            if key.__class__ is not self._scalar_node:
                raise UnusualError
            name, start, end = key.value, key.start_mark, key.end_mark
            if not name.isascii():
                if _ODD.search(name):
                    raise UnusualError
                name = unicodedata.normalize("NFC", name)
            if name in found or name == "<<":
                raise UnusualError
            long = end.column - start.column if start.line == end.line else 1
            place = (start.line + 1, start.column + 1, long)
            found[name] = self._value(child, depth + 1, place)
        return found


def held(said: str, typed: Typed) -> Any:  # noqa: ANN401  # a scalar
    """Return the value of a plain scalar.

    Raises:
        UnusualError: there is something to say of it, or JSON does not hold it exactly.
    """
    value = typed(said)
    if value.__class__ is str:
        if not said.isascii() and (wrapped_in_typographic_quotes(said) or has_odd_space(said)):
            raise UnusualError
    elif value.__class__ is float:
        if not math.isfinite(value):
            raise UnusualError
    elif value.__class__ is int and not -_EXACT <= value < _EXACT:
        raise UnusualError
    return value
