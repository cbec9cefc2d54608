"""What another history of this very environment made already: it is not made a second time unasked.

A state that was lost, or that is stored elsewhere, leaves its objects behind, with the mark of this
project, this environment and their address. Whoever begins anew would buy all of it again.

Laws: what is bought once is looked for wherever it would be bought, at an address at which nothing
is recorded; the first apply may have recorded other things. What costs nothing is looked for only
where nothing is recorded at all. What was approved was looked for then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.plan import Action, Blocked, Cause, Plan
from tunectl.core.resource import BUILTIN, Recreate, Resource
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.core.wish import Elder, Wish

_NAMED = 5  # objects that a warning names
CODE = "made-before"


def sought(plan: Plan, wish: Wish, state: State) -> Iterator[Resource]:
    """Yield what a plan makes for the first time and another history may have made already.

    Args:
        plan: made without knowing of any.
        wish: it was made from.
        state: it was made from.
    """
    approved = {address for approval in state.approvals for address in approval.left}
    first = not state.everything and not state.forgotten
    for resource in _new(plan, wish, state):
        once = resource.recreate is Recreate.ON_REQUEST
        if resource.provider == BUILTIN or not (once or first):
            continue
        if resource.address not in wish.replace and resource.address not in approved:
            yield resource


def _new(plan: Plan, wish: Wish, state: State) -> Iterator[Resource]:
    """What is made, and what would be if its base were not retired."""
    for change in plan.changes:
        new = change.action is Action.CREATE and change.cause is Cause.NEW
        if new and change.after is not None and change.original is None:
            yield change.after
    blocked = {b.address for b in plan.blocked if b.by is None} - state.instances.keys()
    if blocked:
        yield from (r for r in wish.resources if r.retired and r.address in blocked)


def bought(wish: Wish, resource: Resource) -> bool:
    """Whether what is bought once was bought for it by another history, and no new one is asked."""
    address = resource.address
    once = address in wish.elders and resource.recreate is Recreate.ON_REQUEST
    return once and address not in wish.replace


def not_twice(wish: Wish, address: Address, state: State) -> Blocked:
    """Return why an address that has elders is blocked, with the ways on."""
    elders = wish.elders[address]
    had = ", ".join(f"`{e.id}` (lineage `{e.lineage}`)" for e in elders)
    place = _quoted(address)
    ways = [
        *_repair(state, elders[0].lineage, wish.elders),
        f"`tunectl import {place} {elders[0].id} --force` takes "
        + ("it over" if len(elders) == 1 else "the newest one over"),
        f"`--replace {place}` buys a new one",
    ]
    return Blocked(
        address=address,
        reason=f"bought already by another history, which is not recorded here: {had}",
        hint="; ".join(ways),
    )


def made_before(plan: Plan, wish: Wish, state: State) -> Iterator[Diagnostic]:
    """Yield one warning of all that a plan makes although another history has made it.

    Args:
        plan: made with the elders known: what is bought once is blocked in it.
        wish: it was made from.
        state: it was made from.
    """
    made = (c.address for c in plan.changes if c.action is Action.CREATE)
    again = sorted(a for a in made if a in wish.elders and a not in wish.replace)
    if not again:
        return
    had = [f"`{a}` (`{e.id}`)" for a in again for e in wish.elders[a]]
    more = f" and {len(had) - _NAMED} more" if len(had) > _NAMED else ""
    newest = [(a, wish.elders[a][0]) for a in again]
    taken = [
        f"`tunectl import {_quoted(a)} {e.id} --force` takes one over"
        for a, e in newest
        if e.importable
    ]
    ways = [
        *_repair(state, newest[0][1].lineage, wish.elders),
        *taken[:1],
        "else each is made a second time",
    ]
    yield Diagnostic(
        summary="this plan makes what another history of this environment has made already: "
        f"{', '.join(had[:_NAMED])}{more}",
        severity=Severity.WARNING,
        detail="they carry the mark of this project and environment, and no state that is stored "
        "here records them",
        hint="; ".join(ways),
        code=CODE,
        address=str(again[0]),
    )


def _repair(state: State, lineage: str, elders: Mapping[Address, Iterable[Elder]]) -> Iterator[str]:
    """Yield the command that makes the state of the marks; nothing where that would lose a state.

    A stored one in which nothing of a service is recorded holds nothing that is not made again for
    nothing.
    """
    if any(i.provider != BUILTIN for i in state.everything) or state.forgotten:
        return
    several = len({e.lineage for each in elders.values() for e in each}) > 1
    force = " --force" if state.serial else ""
    which = f" --lineage {lineage}" if state.serial or several else ""
    yield f"`tunectl state repair --write{force}{which}` makes the state of what carries its mark"


def _quoted(address: Address) -> str:
    """Return an address as it is typed into a shell."""
    return f"'{address}'" if "[" in str(address) else str(address)
