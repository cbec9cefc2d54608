"""Order: what must come before what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

T = TypeVar("T")


class Cycle(Exception):  # noqa: N818  # it is a fact, named by its nodes
    """The graph has a cycle; `nodes` names it, first and last the same."""

    def __init__(self, nodes: tuple[object, ...]) -> None:
        self.nodes = nodes
        super().__init__(" -> ".join(str(node) for node in nodes))


def order(needs: Mapping[T, Collection[T]]) -> tuple[T, ...]:
    """Return the nodes so that each comes after what it needs.

    Nodes that are needed but not keys are left out. The result depends on the graph alone and not
    on the order of the mapping, as long as nodes sort by their text.

    Raises:
        Cycle: naming one cycle, in the direction "needs".
    """
    users, waits, ready = _begun(needs)
    done: list[T] = []
    while ready:
        done += sorted(ready, key=str)
        following: list[T] = []
        for node in ready:
            for user in users.get(node, ()):
                waits[user] -= 1
                if not waits[user]:
                    following.append(user)
        ready = following
    if len(done) < len(needs):
        raise _cycle({node: needs[node] for node in set(needs).difference(done)})
    return tuple(done)


def check(needs: Mapping[T, Collection[T]]) -> None:
    """Look for a cycle: what `order` does but for the order, at half its cost.

    Raises:
        Cycle: naming one cycle, in the direction "needs".
    """
    users, waits, ready = _begun(needs)
    while ready:
        for user in users.get(ready.pop(), ()):
            waits[user] -= 1
            if not waits[user]:
                del waits[user]
                ready.append(user)
    if waits:
        raise _cycle({node: needs[node] for node in waits})


def _begun(
    needs: Mapping[T, Collection[T]],
) -> tuple[dict[T, list[T]], dict[T, int], list[T]]:
    """Return who uses each node, for how many each waits, and which wait for none."""
    users: dict[T, list[T]] = {}
    waits: dict[T, int] = {}
    ready: list[T] = []
    for node, targets in needs.items():
        known = [t for t in targets if t in needs] if targets else ()
        if not known:
            ready.append(node)
            continue
        waits[node] = len(known)
        for target in known:
            users.setdefault(target, []).append(node)
    return users, waits, ready


def _cycle(needs: Mapping[T, Collection[T]]) -> Cycle:
    """Name one cycle, the same whatever the order of the mapping."""
    sorter: TopologicalSorter[T] = TopologicalSorter()
    for node in sorted(needs, key=str):
        sorter.add(node, *sorted((n for n in needs[node] if n in needs), key=str))
    try:
        sorter.prepare()
    except CycleError as error:
        return Cycle(tuple(reversed(error.args[1])))
    raise AssertionError("what is left over after ordering holds a cycle")


def closure(start: Collection[T], edges: Mapping[T, Iterable[T]]) -> frozenset[T]:
    """Return `start` and all that is reachable from it."""
    seen: set[T] = set()
    todo = list(start)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(edges.get(node, ()))
    return frozenset(seen)


def reverse(edges: Mapping[T, Collection[T]]) -> dict[T, set[T]]:
    """Turn every edge round."""
    turned: dict[T, set[T]] = {}
    for node, targets in edges.items():
        for target in targets:
            turned.setdefault(target, set()).add(node)
    return turned
