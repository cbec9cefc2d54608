"""Values as plain JSON trees and back.

A reference is `{"$ref": "endpoint.support", "path": ["model_id"]}`, a text with references
`{"$join": [...]}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tunectl.core.value import Address, Join, Plain, Ref, Value

Tree = dict[str, Any]

_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
_NESTED: frozenset[type] = frozenset({dict, list})  # all that JSON has beside scalars


def value_to_tree(value: Value) -> Any:  # noqa: ANN401  # a JSON tree
    """Return the JSON tree of a value."""
    if value.__class__ in _SCALARS:
        return value
    match value:
        case Ref(address, path):
            return {"$ref": str(address), "path": list(path)}
        case Join(parts):
            return {"$join": [value_to_tree(part) for part in parts]}
        case tuple():
            return [value_to_tree(item) for item in value]
        case Mapping():
            return {key: value_to_tree(item) for key, item in value.items()}
        case _:
            return value


def value_from_tree(tree: Any) -> Value:  # noqa: ANN401  # a JSON tree
    """Return the value of a JSON tree."""
    match tree:
        case {"$ref": str(address), "path": list(path)}:
            return Ref(Address.parse(address), tuple(path))
        case {"$join": list(parts)}:
            return Join(tuple(value_from_tree(part) for part in parts))
        case list():
            return tuple(value_from_tree(item) for item in tree)
        case dict():
            return {key: value_from_tree(item) for key, item in tree.items()}
        case _:
            return cast("Value", tree)


def plain_from_tree(tree: Any) -> Plain:  # noqa: ANN401  # a JSON tree
    """Return the plain value of a JSON tree: lists become tuples."""
    if isinstance(tree, list):
        return tuple([plain_from_tree(item) for item in tree])
    if isinstance(tree, dict):
        return map_from_tree(tree)
    return cast("Plain", tree)


def map_from_tree(tree: Tree) -> dict[str, Plain]:
    """Return the map of a JSON tree: the very same where no list in it is to be turned.

    Most settings are flat, and most others hold maps of scalars.
    """
    # What asks whether none is in a set looks at each; what asks whether all are makes a set first.
    if _NESTED.isdisjoint(map(type, tree.values())) or not _has_lists(tree):
        return tree
    return {key: plain_from_tree(item) for key, item in tree.items()}


def _has_lists(tree: Tree) -> bool:
    for item in tree.values():
        kind = item.__class__
        if kind is list or (kind is dict and _has_lists(item)):
            return True
    return False


def map_to_tree(values: Mapping[str, Plain]) -> Tree:
    """Return the JSON tree of plain values by name."""
    if _SCALARS.issuperset(map(type, values.values())):
        return dict(values)
    return {key: value_to_tree(item) for key, item in values.items()}
