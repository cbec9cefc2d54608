"""What an object tells of itself, beside what is declared of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Plain, refs

# A service names the dated snapshot where the short name was asked for: `gpt-4o-mini-2024-07-18`.
_DATED = r"-\d{4}-?\d{2}-?\d{2}"


def as_declared(resource: Resource, told: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return what an object tells, as far as the declaration speaks of the same.

    Defaults that a service echoes, numbers it chose for `auto` and the snapshot behind a base
    model's short name are no difference: what is declared stands for them.
    """
    found: dict[str, Plain] = {}
    for name, value in told.items():
        wanted = resource.spec.get(name)
        if name in resource.inputs:
            found[name] = value
        elif wanted is None:
            continue
        elif isinstance(value, Mapping) and isinstance(wanted, Mapping):
            known = {k: value.get(k, w) for k, w in wanted.items()}
            found[name] = {k: v for k, v in known.items() if not any(True for _ in refs(v))}  # type: ignore[misc]
        elif isinstance(value, str) and isinstance(wanted, str) and _snapshot(value, wanted):
            found[name] = wanted
        else:
            found[name] = value
    return found


def _snapshot(told: str, wanted: str) -> bool:
    return told.startswith(wanted) and re.fullmatch(_DATED, told[len(wanted) :]) is not None


def differing(resource: Resource, now: Instance) -> tuple[str, ...]:
    """Return the fields that say otherwise than the object does; those open until apply aside."""
    told = as_declared(resource, now.spec)
    return tuple(
        name
        for name in sorted(told.keys() & resource.immutable)
        if told[name] != resource.spec[name] and not any(True for _ in refs(resource.spec[name]))
    )
