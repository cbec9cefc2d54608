"""Field deltas between what is recorded and what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunectl.core.dataclass import dataclass
from tunectl.core.value import SCALARS, Lookup, Plain, Ref, Value, refs, resolve


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no value on this side of a delta."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Delta:
    """One field that differs.

    Attributes:
        path: keys from the top of the spec.
        before: the recorded value, or `ABSENT`.
        after: the wanted value, or `ABSENT`; one with references is known after apply.
        forces: whether it needs a new object.
    """

    path: tuple[str, ...]
    before: Plain | Absent
    after: Value | Absent
    forces: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the wanted value is known only after apply."""
        return not isinstance(self.after, Absent) and any(True for _ in refs(self.after))


def deltas(
    before: Mapping[str, Plain], after: Mapping[str, Value], immutable: frozenset[str] = frozenset()
) -> tuple[Delta, ...]:
    """Return the fields that differ, in the order of their paths."""
    if equal(before, after):
        return ()
    found = _walk((), before, after)
    return tuple(
        Delta(d.path, d.before, d.after, d.path[0] in immutable)
        for d in sorted(found, key=lambda d: d.path)
    )


def equal(
    before: Mapping[str, Plain],
    after: Mapping[str, Value],
    lookup: Lookup | None = None,
    aside: frozenset[str] = frozenset(),
) -> bool:
    """Whether two maps have the same keys and values of the same types; else look closely.

    Law: where it is so there are no `deltas`; where it is not there may be none either.

    Args:
        before: what is recorded.
        after: what is wanted.
        lookup: resolves the references in it.
        aside: keys that are not compared.
    """
    if before is after:
        return True
    if not (_as_many(before, after, aside) if aside else len(before) == len(after)):
        return False
    for key, new in after.items():
        if aside and key in aside:
            continue
        if key not in before:
            return False
        old = before[key]
        if old is new:
            continue
        kind = new.__class__
        if kind is old.__class__ and kind in SCALARS:
            if old != new:
                return False
        elif kind is dict and old.__class__ is dict:
            if not equal(old, new, lookup):  # type: ignore[arg-type]  # two maps
                return False
        elif not _alike(old, new, lookup):
            return False
    return True


def _as_many(
    before: Mapping[str, Plain], after: Mapping[str, Value], aside: frozenset[str]
) -> bool:
    """Whether no key is on the first side alone, where all of the other side's are on it."""
    return before.keys() == after.keys() or before.keys() - after.keys() <= aside


def _alike(old: Plain, new: Value, lookup: Lookup | None) -> bool:
    if lookup is not None and new.__class__ is not dict:
        new = lookup(new) if isinstance(new, Ref) else resolve(new, lookup)
    if old.__class__ is not new.__class__:
        return False
    if old.__class__ in SCALARS:
        return old == new
    if isinstance(old, dict) and isinstance(new, dict):
        return equal(old, new, lookup)
    return same(old, new)


def _walk(
    path: tuple[str, ...], before: Mapping[str, Plain], after: Mapping[str, Value]
) -> Iterator[Delta]:
    for key in sorted({*before, *after}):
        old: Plain | Absent = before.get(key, ABSENT)
        new: Value | Absent = after.get(key, ABSENT)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _walk((*path, key), old, new)
        elif not same(old, new):
            yield Delta((*path, key), old, new)


def same(before: Plain | Absent, after: Value | Absent) -> bool:
    """Whether two values are equal; `1` and `1.0` are, `1` and `True` are not.

    An absent field equals one that is null: both say nothing.
    """
    match before, after:
        case ((None | Absent()), (None | Absent())):
            return True
        case (bool(), _) | (_, bool()):
            return before is after
        case Mapping(), Mapping():
            return equal(before, after) or not any(True for _ in _walk((), before, after))
        case tuple(), tuple():
            return len(before) == len(after) and all(map(same, before, after))
        case _:
            return before == after
