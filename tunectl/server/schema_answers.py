"""Answers of models without weights that must fit a JSON Schema: the plainest value that does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_DEEPEST = 32


def fitting(schema: Mapping[str, Any], said: str) -> str:
    """Return a JSON text that fits a schema.

    Args:
        schema: of the dialect that providers take for structured answers.
        said: what stands where any text may.

    >>> fitting({"type": "object", "properties": {"n": {"type": "integer"}}}, "?")
    '{"n": 0}'
    """
    return json.dumps(_value(schema, schema, said, 0), ensure_ascii=False)


def _value(schema: Any, root: Mapping[str, Any], said: str, depth: int) -> Any:  # noqa: ANN401
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        return _value(_found(reference, root), root, said, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(key), list) and options:
            return _value(options[0], root, said, depth + 1)
    return _typed(schema, root, said, depth)


def _typed(schema: Mapping[str, Any], root: Mapping[str, Any], said: str, depth: int) -> Any:  # noqa: ANN401
    given = schema.get("type")
    kind = str(given[0] if isinstance(given, list) and given else given or "").lower()
    if kind == "object" or (not kind and "properties" in schema):
        inner = schema.get("properties") or {}
        return {name: _value(one, root, said, depth + 1) for name, one in inner.items()}
    if kind == "array":
        least = int(schema.get("minItems") or 1)
        return [_value(schema.get("items") or {}, root, said, depth + 1) for _ in range(least)]
    if kind in {"integer", "number"}:
        low, high = schema.get("minimum", 0), schema.get("maximum")
        return low if high is None or low <= high else high
    if kind == "boolean":
        return True
    return None if kind == "null" else said[: schema.get("maxLength")]


def _found(reference: str, root: Mapping[str, Any]) -> Any:  # noqa: ANN401
    place: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        place = place.get(name) if isinstance(place, Mapping) else None
    return place
