"""Reasons to refuse a plan. A guard says no with exit 3; it never changes a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.plan import Action, Plan
from tunectl.core.resource import BUILTIN, Need
from tunectl.core.state import State
from tunectl.core.value import Address

_ENDS = (Action.DELETE, Action.REPLACE, Action.RECREATE, Action.ADOPT)
_MANY = 10  # resources from which on a share says something
_SHARE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the user allows, and what only the catalogue knows.

    Attributes:
        force: go on although an unusual share would be deleted or replaced.
        irreplaceable: recorded objects of which no new one can be made, and why.
        committed: recorded objects that were bought until a day and cannot be deleted before it.
        allowed: addresses that may lose an irreplaceable object.
    """

    force: bool = False
    irreplaceable: Mapping[Need, str] = field(default_factory=dict)
    committed: Mapping[Need, str] = field(default_factory=dict)
    allowed: frozenset[Address] = frozenset()


def guards(plan: Plan, state: State, limits: Limits | None = None) -> Iterator[Diagnostic]:
    """Yield every reason to refuse the plan."""
    limits = limits or Limits()
    yield from _protected(plan)
    yield from _irreplaceable(plan, limits)
    yield from _committed(plan, limits)
    yield from _everything_gone(plan, state)
    if not limits.force:
        yield from _unusual(plan, state)


def _irreplaceable(plan: Plan, limits: Limits) -> Iterator[Diagnostic]:
    """Deleting what no provider can make again is for ever."""
    for change in plan.changes:
        doomed = change.doomed
        if change.action not in _ENDS or doomed is None or change.held or change.lets_go:
            continue
        if doomed.key in limits.irreplaceable and doomed.address not in limits.allowed:
            yield Diagnostic(
                summary=f"`{change.address}` would be deleted and can never be made again: "
                + limits.irreplaceable[doomed.key],
                detail=f"id {doomed.id}",
                hint=f"keep it (`lifecycle: {{keep_on_destroy: true}}` or `keep_previous`), or "
                f"pass `--allow-irreplaceable {change.address}`",
                code="irreplaceable",
                address=str(change.address),
                source=change.source,
                exit=Exit.REFUSED,
            )


def _committed(plan: Plan, limits: Limits) -> Iterator[Diagnostic]:
    """The provider would refuse it in the middle of an apply, and bill on."""
    for change in plan.changes:
        doomed = change.doomed
        if change.action not in _ENDS or doomed is None or change.held or change.lets_go:
            continue
        if doomed.key in limits.committed:
            yield Diagnostic(
                summary=f"`{change.address}` is committed until {limits.committed[doomed.key]} and "
                "cannot be deleted before",
                detail=f"id {doomed.id}; it bills until then, used or not",
                hint=f"leave it until that day: `--exclude {change.address}`; to let it run out "
                "unmanaged, `lifecycle: {keep_on_destroy: true}`",
                code="committed",
                address=str(change.address),
                source=change.source,
                exit=Exit.REFUSED,
            )


def _unusual(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """A wrong indentation or an empty glob would delete half of everything."""
    live = state.instances
    if plan.destroy or len(live) < _MANY:
        return
    ends = (c.doomed for c in plan.changes if c.doomed is not None and c.action in _ENDS)
    lost = sum(
        (now := live.get(doomed.address)) is not None and now.key == doomed.key for doomed in ends
    )
    if lost > _SHARE * len(live):
        yield Diagnostic(
            summary=f"{lost} of {len(live)} resources would be deleted or replaced",
            hint=f"more than {_SHARE:.0%} at once is unusual: look at the plan, and pass `--force` "
            "if it is meant",
            code="unusual-plan",
            exit=Exit.REFUSED,
        )


def _protected(plan: Plan) -> Iterator[Diagnostic]:
    for change in plan.changes:
        if change.action not in _ENDS or change.doomed is None:
            continue
        said = change.after or change.doomed
        if said.lifecycle.protect:
            yield Diagnostic(
                summary=f"`{change.address}` is protected and would be "
                + ("deleted" if change.action is Action.DELETE else "replaced"),
                hint="declare it with `lifecycle: {protect: false}`, apply, and try again",
                code="protected",
                address=str(change.address),
                source=change.source,
                exit=Exit.REFUSED,
            )


def _everything_gone(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """Every object of a provider reads as gone: a wrong account is likelier than mass deletion."""
    gone = {d.address for d in plan.drift if d.gone}
    if plan.destroy or not gone:
        return
    providers = {i.provider for i in state.instances.values()} - {BUILTIN}
    for provider in sorted(providers):
        here = [i for i in state.instances.values() if i.provider == provider]
        held = [i for i in here if i.recreate.value != "on_demand"]
        # One that can be read proves the account right; those made on demand may vanish by nature.
        if len(held) > 1 and all(i.address in gone for i in here):
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
