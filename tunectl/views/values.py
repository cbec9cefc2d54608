"""Values as people read them: quoted text, short hashes, counted rows, `(known after apply)`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from tunectl.core.diff import Absent
from tunectl.core.value import Join, Ref, Value, refs
from tunectl.views.text import counted, cut, one_line

UNKNOWN = "(known after apply)"
SENSITIVE = "(sensitive value)"
_HASH = re.compile(r"(?:(?:sha256|fp\d+):)?[0-9a-f]{32,128}")
_HASH_SHOWN = 12
_LONGEST = 100
_DEPTH = 2


def is_hash(value: object) -> bool:
    """Whether a value is a hash in hexadecimal digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def short_hash(value: str) -> str:
    """Return the first 12 digits of a hash."""
    return value.rpartition(":")[2][:_HASH_SHOWN]


def is_known(value: Value | Absent) -> bool:
    """Whether a value is known before apply."""
    return isinstance(value, Absent) or not any(True for _ in refs(value))


def inline(value: Value | Absent) -> str:
    """Return a value on one line of at most about 100 columns."""
    return cut(_inline(value), _LONGEST)


def _inline(value: Value | Absent) -> str:
    match value:
        case Absent() | None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _quoted(value)
        case Ref() | Join():
            return UNKNOWN
        case tuple():
            return "[" + ", ".join(_inline(item) for item in value) + "]"
        case Mapping():
            return _mapping(value)


def _quoted(text: str) -> str:
    if is_hash(text):
        return f'"{short_hash(text)}…"'
    return json.dumps(text, ensure_ascii=False)


def _mapping(value: Mapping[str, Value]) -> str:
    if rows := rows_summary(value):
        return rows
    return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"


def rows_summary(value: Value | Absent) -> str:
    """Return `480 rows (sha256 3f9a1c0b2d4e)` for a data fingerprint, else the empty string."""
    if not isinstance(value, Mapping) or set(value) != {"rows", "sha256"}:
        return ""
    rows, digest = value["rows"], value["sha256"]
    if not isinstance(rows, int) or not isinstance(digest, str):
        return ""
    return f"{counted(rows, 'row')} (sha256 {short_hash(digest)})"


def flat(
    value: Mapping[str, Value], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield the fields of a spec that are worth a line each, in the order they stand."""
    for key, item in value.items():
        here = (*path, key)
        if isinstance(item, Mapping) and item and not rows_summary(item) and len(here) < _DEPTH:
            yield from flat(item, here)
        elif named := names(item):
            yield here, named
        elif item is not None and item not in ((), {}):
            yield here, item


def names(value: Value) -> tuple[str, ...]:
    """Return the ids of a list of named parts (the sections of a template), else nothing."""
    if not isinstance(value, tuple):
        return ()
    found = tuple(
        item["id"]
        for item in value
        if isinstance(item, Mapping) and isinstance(item.get("id"), str)
    )
    return tuple(str(name) for name in found) if len(found) == len(value) else ()


def keyed(value: Value | Absent) -> Value | Absent:
    """Return a list of named parts as a mapping by name, so that a diff can name the part."""
    if isinstance(value, tuple) and (ids := names(value)) and len(set(ids)) == len(ids):
        parts = [item for item in value if isinstance(item, Mapping)]
        return {
            name: {k: v for k, v in part.items() if k != "id"}
            for name, part in zip(ids, parts, strict=True)
        }
    return value


def dotted(path: tuple[str, ...]) -> str:
    """Return `method.epochs`."""
    return one_line(".".join(path))
