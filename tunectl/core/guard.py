"""Reasons to refuse a plan. A guard says no with exit 3; it never changes a plan."""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.plan import Action, Plan
from tunectl.core.resource import BUILTIN
from tunectl.core.state import State

_ENDS = (Action.DELETE, Action.REPLACE, Action.RECREATE)


def guards(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """Yield every reason to refuse the plan."""
    yield from _protected(plan)
    yield from _everything_gone(plan, state)


def _protected(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if change.action not in _ENDS or change.doomed is None:
            continue
        said = change.after or change.doomed
        if said.lifecycle.protect:
            yield Diagnostic(
                summary=f"`{change.address}` is protected and would be "
                + ("deleted" if change.action is Action.DELETE else "replaced"),
                hint="set `lifecycle: {protect: false}`, apply, and try again",
                code="protected",
                address=str(change.address),
                source=change.source,
                exit=Exit.REFUSED,
            )


def _everything_gone(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """Every object of a provider reads as gone: a wrong account is likelier than mass deletion."""
    gone = {d.address for d in plan.drift if d.gone and not d.released}
    if plan.destroy:
        return
    providers = {i.provider for i in state.instances.values()} - {BUILTIN}
    for provider in sorted(providers):
        here = [i for i in state.instances.values() if i.provider == provider]
        held = [i for i in here if i.recreate.value != "on_demand"]
        if len(held) > 1 and all(i.address in gone for i in held):
            account = held[0].account
            yield Diagnostic(
                summary=f"every object of provider `{provider}` reads as gone",
                detail=f"they were made in account `{account}`; asked was account "
                f"`{plan.accounts.get(provider, 'unknown')}`",
                hint="check the key, the project and the base URL; if they really were deleted, "
                "forget them with `tunectl state rm ADDRESS`",
                code="wrong-account",
                exit=Exit.REFUSED,
            )
