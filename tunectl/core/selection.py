"""Which part of a declaration a plan may touch: `--target` and `--exclude`.

Laws: with a target come all that it needs; with an exclusion go all that need it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from tunectl.core.graph import closure, reverse
from tunectl.core.resource import Resource
from tunectl.core.state import State
from tunectl.core.value import Address


def chosen(
    resources: Iterable[Resource],
    state: State,
    targets: frozenset[Address],
    excluded: frozenset[Address],
) -> frozenset[Address]:
    """Return the addresses that a plan may touch.

    Args:
        resources: what is declared.
        state: what is recorded: what is no longer declared can be targeted too.
        targets: only these and what they need; all when empty.
        excluded: not these, and not what needs them.
    """
    needs = needed(resources, state)
    users = reverse(needs)
    wanted: frozenset[Address] = closure(targets, needs) if targets else frozenset(needs)
    left_out: frozenset[Address] = closure(excluded, users)
    return wanted - left_out


def ending(
    resources: Iterable[Resource],
    state: State,
    targets: frozenset[Address],
    excluded: frozenset[Address],
) -> frozenset[Address]:
    """Return the addresses that a destroy may touch.

    With a target go all that use it, and with an exclusion stays all that it uses.
    """
    declared = {r.address: r.needs for r in resources}
    used = {a: declared.get(a, frozenset()) for a in (i.address for i in state.everything)}
    for instance in state.everything:
        needs = frozenset(n.address for n in instance.needs)
        used[instance.address] |= needs
    users = reverse(used)
    start = targets or frozenset(used)
    kept: frozenset[Address] = closure(excluded, used)
    ended: frozenset[Address] = closure(start, users)
    return ended - kept


def needed(resources: Iterable[Resource], state: State) -> dict[Address, Collection[Address]]:
    """Return what each declared or recorded address needs; the declaration has the last word."""
    recorded: Mapping[Address, frozenset[Address]] = {
        i.address: frozenset(n.address for n in i.needs) for i in state.instances.values()
    }
    superseded = {i.address: frozenset[Address]() for i in state.superseded}
    declared = {r.address: r.needs for r in resources}
    return {**superseded, **recorded, **declared}


def matching(pattern: str, addresses: Iterable[Address]) -> frozenset[Address]:
    """Return the addresses a user means.

    Args:
        pattern: an address, one without its key (`tuning_job.support` means every
            `tuning_job.support["…"]` too), or a pattern with `*` and `?` (`tuning_job.*`).
        addresses: what there is to choose from.
    """
    # `[` begins a key here, not a set of letters.
    escaped = pattern.replace("[", "[[]")
    return frozenset(
        a
        for a in addresses
        if str(a) == pattern
        or _base(a) == pattern
        or fnmatchcase(str(a), escaped)
        or fnmatchcase(_base(a), escaped)
    )


def _base(address: Address) -> str:
    return ".".join((address.kind, *address.path))
