"""Jobs that are declared twice: equal fingerprints at one provider, each trained and paid for.

Every declared job has an object of its own: one model cannot be recorded at two addresses, for
either of them may be deleted. So two of them are two purchases, and plan says so before.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.plan import Action, Plan
from tunectl.core.resource import Status
from tunectl.core.state import State
from tunectl.core.value import Address

_MAKES = frozenset({Action.CREATE, Action.REPLACE, Action.RECREATE})
_HAVE = _MAKES | {Action.ADOPT}
_LIVE = frozenset({Status.PENDING, Status.READY})
_NAMED = 3


def twins(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """Yield a warning for each job that a plan makes although the same one is had, or made twice.

    Args:
        plan: as made.
        state: it was made from.
    """
    made: dict[tuple[str, str], set[Address]] = {}
    had: dict[tuple[str, str], set[Address]] = {}
    for change in plan.changes:
        after = change.after
        if after is None or not after.fingerprint or change.action not in _HAVE:
            continue
        found = made if change.action in _MAKES else had
        found.setdefault((after.provider, after.fingerprint), set()).add(change.address)
    if not made:
        return
    ending = {c.doomed.key for c in plan.changes if c.doomed is not None}
    for instance in state.instances.values():
        key = instance.provider, instance.fingerprint or ""
        if key in made and instance.status in _LIVE and instance.key not in ending:
            had.setdefault(key, set()).add(instance.address)
    for key, addresses in made.items():
        every = sorted(addresses | had.get(key, set()))
        if len(every) > 1:
            yield _told(every, min(addresses))


def _told(every: list[Address], first: Address) -> Diagnostic:
    named = ", ".join(f"`{address}`" for address in every[:_NAMED])
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return Diagnostic(
        summary=f"{named}{more} are the same job, and each is trained for itself",
        detail="their rows, base, method and seed are equal",
        hint="declare one and name it wherever its model is wanted, or let them differ (`seed:`)",
        severity=Severity.WARNING,
        code="same-job",
        address=str(first),
    )
