"""`ignore_changes`: which edits are not applied. A path names a field, or a part of one.

`method` covers all of it, `method.epochs` that part alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tunectl.core.value import Plain, Value


def fields(ignored: Iterable[str]) -> frozenset[str]:
    """Return the top-level fields of which something is ignored."""
    return frozenset(path.partition(".")[0] for path in ignored)


def covers(ignored: Collection[str], path: tuple[str, ...]) -> bool:
    """Whether an edit at a path is not applied."""
    return bool(ignored) and any(
        ".".join(path[:length]) in ignored for length in range(1, len(path) + 1)
    )


def pinned(
    wanted: Mapping[str, Value], seen: Mapping[str, Plain], ignored: Collection[str]
) -> dict[str, Value]:
    """Return the wanted settings with what is ignored as it is there, left out where it is not."""
    found = dict(wanted)
    for path in sorted(ignored):
        name, _, rest = path.partition(".")
        inner, there = found.get(name), seen.get(name)
        if not rest:
            found.pop(name, None)
            if name in seen:
                found[name] = seen[name]
        elif isinstance(inner, Mapping) and isinstance(there, Mapping):
            found[name] = pinned(inner, there, (rest,))
    return found
