"""What is let go and stays, although what it refers to is deleted by the same plan: told of.

Law: a plan may leave things in the world that it no longer manages, but says so where they would
be left without what makes them work: an alias without its model answers nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.resource import Instance, Recreate

_ENDS = frozenset({Action.DELETE, Action.REPLACE, Action.RECREATE, Action.ADOPT})


def stranded(plan: Plan) -> Iterator[Diagnostic]:
    """Yield a warning for each object that stays unmanaged and refers to one that is deleted.

    Files that a job was made from are no matter: an ended job needs them no more.

    Args:
        plan: as made.
    """
    ending = {c.doomed.key: c.doomed for c in plan.changes if c.doomed is not None and _ends(c)}
    for change in plan.changes:
        left = change.doomed
        if left is None or not (change.action is Action.FORGET or change.lets_go):
            continue
        for need in left.needs:
            used = ending.get(need)
            if used is not None and used.recreate is not Recreate.ON_DEMAND:
                yield _told(change, left, used)


def _ends(change: Change) -> bool:
    return change.action in _ENDS and not change.held and not change.lets_go


def _told(change: Change, left: Instance, used: Instance) -> Diagnostic:
    way = "`lifecycle: {keep_on_destroy: true}`"
    if change.cause is Cause.REMOVED:
        way = "`removed:` with `destroy: false`"
    gone = used.outputs.get("model_id") or used.id
    return Diagnostic(
        summary=f"`{left.address}` stays, and `{used.address}`, which it refers to, is deleted",
        detail=f"`{gone}` is gone then, and what still asks for it gets no answer",
        hint=f"let `{used.address}` stay too ({way}), or let both go",
        severity=Severity.WARNING,
        code="kept-without",
        address=str(left.address),
    )
