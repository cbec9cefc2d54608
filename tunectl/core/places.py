"""Where each remote object is recorded: at one address, live or superseded.

What is built in is left out: its ids name what it is made of, so several addresses may share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from tunectl.core.resource import BUILTIN, Instance
from tunectl.core.state import Deleted, State, fold, renamed
from tunectl.core.value import Address

Place: TypeAlias = tuple[str, str, str]  # account, kind, id


def place_of(instance: Instance) -> Place:
    """Return what tells a remote object from all others."""
    return instance.account, instance.address.kind, instance.id


def places(state: State) -> dict[Place, Address]:
    """Return where each object is recorded; the live record counts before a superseded one."""
    found: dict[Place, Address] = {}
    for instance in state.everything:
        found.setdefault(place_of(instance), instance.address)
    return found


def recorded_twice(state: State) -> tuple[tuple[Instance, Instance], ...]:
    """Return the records of one object at different addresses, each with the first one.

    Law: there are none. Whoever deletes at one address would delete what lives at the other.
    """
    first: dict[Place, Instance] = {}
    found: list[tuple[Instance, Instance]] = []
    for instance in state.everything:
        if instance.provider == BUILTIN:
            continue
        known = first.setdefault(place_of(instance), instance)
        if known.address != instance.address:
            found.append((known, instance))
    return tuple(found)


def told_apart(state: State, newest: Mapping[Place, Address], declared: Iterable[Address]) -> State:
    """Return the state with each object at one address.

    Args:
        state: where an object may be recorded at several.
        newest: addresses that a newer record than the state names: they win.
        declared: of the other addresses a live one wins, and of those a declared one.
    """
    wanted = frozenset(declared)
    records: dict[Place, dict[Address, bool]] = {}
    for instance in state.everything:
        if instance.provider != BUILTIN:
            known = records.setdefault(place_of(instance), {})
            live = state.instances.get(instance.address) is instance
            known[instance.address] = live or known.get(instance.address, False)
    ended: list[Deleted] = []
    for place, found in records.items():
        if len(found) == 1:
            continue
        ranks = {a: (newest.get(place) == a, live, a in wanted) for a, live in found.items()}
        best = max(sorted(ranks), key=lambda a: ranks[a])
        ended += [Deleted("", address, place[2], place[0]) for address in found if address != best]
    return fold(state, ended) if ended else state


def brought_home(state: State, older: Sequence[State], declared: Iterable[Address]) -> State:
    """Return the state with what stands at an undeclared address where it stood when declared.

    An object that an older record knows at a declared address, where nothing stands now, was
    renamed and renamed back: at the undeclared address the next apply would delete it.

    Args:
        state: each object at one address.
        older: records of the same history, newest first.
        declared: the addresses of the declaration.
    """
    wanted = frozenset(declared)
    known = [places(one) for one in older]
    for address, instance in sorted(state.instances.items()):
        if address in wanted:
            continue
        place = place_of(instance)
        home = next((p[place] for p in known if p.get(place) in wanted), None)
        if home is not None:
            state = renamed(state, address, home)
    return state
