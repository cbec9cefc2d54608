"""Patterns over the keys of a bucket, as a shell reads them over paths.

`*` and `?` stop at a `/`, `**` is any number of folders, `[…]` is one of the characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

_FIRST = re.compile(r"[*?\[]")


def fixed_part(key: str) -> str:
    """The part of a key before its first pattern character; all of it when it has none."""
    found = _FIRST.search(key)
    return key if found is None else key[: found.start()]


def matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a key matches."""
    parts = pattern.split("/")
    return lambda key: _match(parts, key.split("/"))


def _match(parts: Sequence[str], names: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        rest = parts[1:]
        if not rest:  # what ends with `**` still means a file, so it takes at least one name
            return bool(names)
        return any(_match(rest, names[skip:]) for skip in range(len(names)))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match(parts[1:], names[1:])
