"""What is under way: which changes of a plan somebody approved already, and which collide with it.

Laws: after a lock gap a plan is made anew and narrowed to what was approved; nothing is done that
was not; nothing is deleted that something outside still uses; and what is running, or waits for
what is running, is changed by nobody else until it is done or cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tunectl.core.approval import Approval
from tunectl.core.dataclass import dataclass
from tunectl.core.declared import declaration, value_declared
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.plan import Action, Cause, Change, OutputChange, Plan
from tunectl.core.project import Output
from tunectl.core.resource import Instance, Need, Recreate, Status
from tunectl.core.state import State
from tunectl.core.value import Address

_MAKES = (Action.CREATE, Action.REPLACE, Action.RECREATE)
_GOES_ON = (Status.PENDING, Status.READY)


def approval_of(plan: Plan, state: State, *, id_: str, who: str, time: str) -> Approval:
    """Return the approval of a whole plan.

    Args:
        plan: as `marked`.
        state: it was made from.
        id_: of the approval, 32 hexadecimal digits.
        who: a person or an account of the CI.
        time: ISO 8601, UTC.
    """
    made = [c for c in plan.changes if c.after is not None]
    costly = [c for c in made if c.after and c.after.recreate is Recreate.ON_REQUEST]
    again = [c.address for c in made if c.cause is Cause.REQUESTED]
    return Approval(
        id=id_,
        digest=plan.digest,
        who=who,
        time=time,
        wanted={c.address: declaration(c.after) for c in made if c.after},
        doomed=tuple(c.doomed.key for c in plan.changes if c.doomed is not None and not c.held),
        outputs={o.name: "" if o.gone else o.declared for o in plan.outputs},
        anew=tuple(state.instances[a].key for a in again if a in state.instances),
        left={c.address: () for c in plan.changes},
        begun=tuple(c.address for c in costly if c.action not in _MAKES),
    )


def belongs(approval: Approval, change: Change) -> bool:
    """Whether a change is part of what was approved and not finished yet."""
    doomed = change.doomed.key if change.doomed is not None and not change.held else None
    if doomed is not None and doomed not in approval.doomed:
        return False
    if change.after is None:
        return doomed is not None
    if approval.wanted.get(change.address) != declaration(change.after):
        return False
    if change.after.recreate is Recreate.ON_DEMAND:
        return True
    bought = change.after.recreate is Recreate.ON_REQUEST and change.address in approval.begun
    return change.address in approval.left and not (bought and change.action in _MAKES)


def still_anew(approvals: Iterable[Approval], state: State) -> frozenset[Address]:
    """Return the addresses whose approved replacement is not made yet."""
    live = {i.key for i in state.instances.values()}
    return frozenset(
        need.address
        for a in approvals
        for need in a.anew
        if need in live and need.address in a.left and need.address not in a.begun
    )


def marked(plan: Plan, state: State, outputs: Iterable[Output]) -> Plan:
    """Return the plan with what is under way marked: who approved it.

    Args:
        plan: as made.
        state: it was made from.
        outputs: as declared.
    """
    values = {o.name: value_declared(o.value) for o in outputs}
    parked = [a for a in state.approvals if a.parked]
    alone = _left_alone(plan, state) if plan.changes else {}
    changes = tuple(_with_who(c, state, parked, alone) for c in plan.changes)
    told = tuple(replace(o, declared=values.get(o.name, "")) for o in plan.outputs)
    return replace(
        plan, changes=changes, outputs=tuple(replace(o, who=_publisher(o, parked)) for o in told)
    )


def _left_alone(plan: Plan, state: State) -> Mapping[Address, Need]:
    """The models that stay the very objects they are."""
    touched = {c.address for c in plan.changes if c.action is not Action.WAIT}
    return {
        a: i.key
        for a, i in state.instances.items()
        if i.recreate is Recreate.ON_REQUEST and a not in touched
    }


def _with_who(
    change: Change, state: State, parked: Sequence[Approval], alone: Mapping[Address, Need]
) -> Change:
    if change.after is not None and alone:
        used = {ref.address for ref in change.after.refs} & alone.keys()
        change = replace(change, uses=tuple(sorted(alone[a] for a in used)))
    live = state.instances.get(change.address)
    if change.action is Action.WAIT:
        return replace(change, who=holder(change.address, state.approvals))
    if live is not None and live.status is Status.PENDING and not _superseded(change, state):
        who = holder(change.address, state.approvals)
        said = "it is still running" + (f", approved by {who}" if who else "")
        return replace(change, notes=(*change.notes, said))
    if parked:
        by = next((a.by for a in parked if belongs(a, change)), "")
        return replace(change, who=by) if by else change
    return change


def _publisher(output: OutputChange, parked: Iterable[Approval]) -> str:
    return next((a.by for a in parked if publishes(a, output)), "")


def publishes(approval: Approval, output: OutputChange) -> bool:
    """Whether a change of an output was approved."""
    said = "" if output.gone else output.declared
    return approval.outputs.get(output.name) == said


def holder(address: Address, approvals: Iterable[Approval]) -> str:
    """Return who approved what is under way at an address; empty when nobody is recorded."""
    return next((a.by for a in approvals if address in a.left), "")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The approved part of a plan.

    Attributes:
        aside: the changes that are left for another apply.
    """

    plan: Plan
    aside: tuple[Change, ...]


def narrowed(plan: Plan, state: State, approvals: Sequence[Approval]) -> Narrowed:
    """Return the part of a plan that was approved and can be done without the rest.

    Args:
        plan: as `marked`.
        state: it was made from.
        approvals: whose changes are kept.
    """
    kept = [c for c in plan.changes if any(belongs(a, c) for a in approvals)]
    users = _users(state)
    while True:
        fewer = list(_safe(plan, kept, users, state))
        if fewer == kept:
            break
        kept = fewer
    left = {address for a in approvals for address in a.left}
    there = {(c.address, c.doomed and c.doomed.key) for c in kept}
    aside = [c for c in plan.changes if (c.address, c.doomed and c.doomed.key) not in there]
    outputs = tuple(o for o in plan.outputs if any(publishes(a, o) for a in approvals))
    blocked = tuple(b for b in plan.blocked if b.address in left)
    made = replace(plan, changes=tuple(kept), outputs=outputs, blocked=blocked, partial=True)
    return Narrowed(made, tuple(c for c in aside if c.action is not Action.WAIT))


def _users(state: State) -> Mapping[Need, list[Instance]]:
    found: dict[Need, list[Instance]] = {}
    for instance in state.everything:
        for need in instance.needs:
            found.setdefault(need, []).append(instance)
    return found


def _safe(
    plan: Plan, kept: Sequence[Change], users: Mapping[Need, list[Instance]], state: State
) -> Iterator[Change]:
    """Leave out what needs something that is left aside, and what something outside still uses."""
    coming = {c.address for c in kept if c.after is not None}
    missing = {c.address for c in plan.changes if c.after is not None} - coming
    ends = {c.doomed.key for c in kept if c.doomed is not None and not c.held}
    # What is replaced and whose old object stays goes on using what that used.
    moves = {
        c.address
        for c in kept
        if c.after is not None and c.action is not Action.WAIT and not (c.doomed and c.held)
    }
    needed = {n for c in kept if c.action in _MAKES for n in c.needs}
    for change in kept:
        made = change.after if change.action in _MAKES else None
        if made and made.recreate is Recreate.ON_DEMAND and change.address not in needed:
            continue
        if change.action is not Action.WAIT and missing & set(change.needs):
            continue
        doomed = change.doomed if not change.held else None
        if doomed is None or not _used(doomed, users, ends, moves, state):
            yield change
        elif change.action is Action.REPLACE:
            yield replace(change, held=True)


def _used(
    doomed: Instance,
    users: Mapping[Need, list[Instance]],
    ends: Collection[Need],
    moves: Collection[Address],
    state: State,
) -> bool:
    for user in users.get(doomed.key, ()):
        done = doomed.recreate is Recreate.ON_DEMAND and user.status.settled
        live = state.instances.get(user.address)
        moving = user.address in moves and live is not None and live.key == user.key
        if not (done or moving or user.key in ends):
            return True
    return False


def busy(plan: Plan, state: State) -> Iterator[Diagnostic]:
    """Yield why a plan cannot be carried out yet: it touches what is under way in another way.

    A destroy is never refused: it cancels what runs.
    """
    if plan.destroy:
        return
    for change in plan.changes:
        if change.action is Action.WAIT or _superseded(change, state):
            continue
        live = state.instances.get(change.address)
        if live is not None and live.status is Status.PENDING:
            yield _running(change, live, holder(change.address, state.approvals))
        elif approval := _held_by(change, state):
            yield _waiting(change, approval)


def _superseded(change: Change, state: State) -> bool:
    live = state.instances.get(change.address)
    return change.after is None and (
        live is None or change.doomed is None or change.doomed.key != live.key
    )


def _held_by(change: Change, state: State) -> Approval | None:
    for approval in state.approvals:
        if not approval.parked or change.address not in approval.left:
            continue
        if belongs(approval, change):
            return None
        if goes_on(approval, change.address, state):
            return approval
    return None


def goes_on(approval: Approval, address: Address, state: State) -> bool:
    """Whether what an address waits for is running, or is done."""
    roots = [state.instances.get(a) for a in approval.left.get(address, ())]
    return bool(roots) and all(i is not None and i.status in _GOES_ON for i in roots)


_FATES = {
    Action.UPDATE: "change it",
    Action.DELETE: "delete it",
    Action.FORGET: "forget it",
    Action.CREATE: "make it otherwise",
}


def _running(change: Change, live: Instance, who: str) -> Diagnostic:
    how = f" ({live.progress})" if live.progress else ""
    return _busy(
        change,
        f"`{change.address}` is busy: it is still running{how}"
        + (f", approved by {who}" if who else ""),
        f"wait with `tunectl wait {change.address}`, or end it with "
        f"`tunectl cancel {change.address}`; then try again",
    )


def _waiting(change: Change, approval: Approval) -> Diagnostic:
    roots = approval.left[change.address]
    names = ", ".join(f"`{a}`" for a in roots)
    return _busy(
        change,
        f"`{change.address}` is busy: it goes on after {names}, approved by {approval.by}",
        "let it finish with `tunectl wait` and `tunectl resume`, or end that with "
        f"`tunectl cancel {roots[0]}`; then try again",
    )


def _busy(change: Change, summary: str, hint: str) -> Diagnostic:
    return Diagnostic(
        summary=summary,
        detail=f"this plan would {_FATES.get(change.action, 'replace it')}",
        hint=hint,
        code="busy",
        address=str(change.address),
        source=change.source,
        exit=Exit.LOCK,
    )


def without_lost(approval: Approval, state: State) -> Approval | None:
    """Return an approval without what waits for something that failed, ended or is gone."""
    left = {a: w for a, w in approval.left.items() if not w or goes_on(approval, a, state)}
    return replace(approval, left=left) if left else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one run did to the addresses it was about.

    Attributes:
        left: what goes on when running objects are done, with those it waits for.
        touched: every address the run was about, whatever became of it.
        made: the addresses for which an object was made or taken over.
        own: the approvals it worked on.
        published: the outputs it published, name to the hash of their declaration.
        whole: it was about the whole declaration: what it did not touch is finished.
    """

    left: Mapping[Address, tuple[Address, ...]]
    touched: Collection[Address]
    made: Collection[Address]
    own: Collection[str]
    published: Mapping[str, str]
    whole: bool


def progressed(approval: Approval, progress: Progress, state: State) -> Approval | None:
    """Return what remains of an approval when the lock is released; None for nothing.

    What failed, and what a person stopped before it began, needs a new decision.
    """
    worked_on = progress.whole or approval.id in progress.own
    left: dict[Address, tuple[Address, ...]] = {}
    for address, before in approval.left.items():
        if address in progress.left:
            left[address] = progress.left[address]
        elif address not in progress.touched and not progress.whole:
            roots = [state.instances.get(a) for a in before]
            running = any(i is not None and i.status is Status.PENDING for i in roots)
            only_waited = before == (address,)
            if running or not (worked_on or only_waited):
                left[address] = before
    open_ = approval.outputs.items() - progress.published.items()
    if not left and (worked_on or not open_):
        return None
    begun = sorted({*approval.begun, *(a for a in progress.made if a in approval.wanted)})
    parked = approval.parked or worked_on
    return replace(approval, left=left, begun=tuple(begun), parked=parked)
