"""make_plan: what is wanted, recorded and observed, turned into a plan. Pure; decides everything.

The laws:

- A job is replaced only when its recorded fingerprint differs from the wanted one.
- What costs money and vanished, failed or was cancelled is never bought again unasked.
- The new object is made before the old one goes, unless a fixed name forces the reverse.
- Nothing that lives on points at something deleted: what is still used is held.
- The order of files and of resources within them changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tunectl.core import graph
from tunectl.core.diff import Delta, deltas, same
from tunectl.core.ending import Leaving, endings
from tunectl.core.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    Drift,
    OutputChange,
    Plan,
)
from tunectl.core.project import Moved, Output, Removed
from tunectl.core.resource import Instance, Recreate, Resource, Status
from tunectl.core.state import State, caught_up, fold, relocated, renamed
from tunectl.core.value import Address, Ref, Value, dig, refs, resolve

_MAKES = (Action.CREATE, Action.REPLACE, Action.RECREATE)
_BROKEN = (Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted beyond the state.

    Attributes:
        replace: addresses the user asked to make anew.
        destroy: nothing is wanted any more.
    """

    resources: tuple[Resource, ...] = ()
    outputs: tuple[Output, ...] = ()
    moved: tuple[Moved, ...] = ()
    removed: tuple[Removed, ...] = ()
    replace: frozenset[Address] = frozenset()
    destroy: bool = False


@dataclass(slots=True)
class _Draft:
    """The plan while it is being made."""

    wish: Wish
    state: State
    observed: Mapping[Address, Instance | None]
    wanted: Mapping[Address, Resource]
    stuck: Mapping[Address, Blocked]
    changes: dict[Address, Change] = field(default_factory=dict)
    blocked: dict[Address, Blocked] = field(default_factory=dict)
    drift: list[Drift] = field(default_factory=list)
    notes: list[tuple[Address, str]] = field(default_factory=list)

    def seen(self, address: Address) -> Instance | None:
        """The object as it is: observed, or as recorded where it was not looked at."""
        return self.observed.get(address, self.state.instances.get(address))

    def ready(self, address: Address) -> bool:
        """Whether there is an object that others can use."""
        seen = self.seen(address)
        return seen is not None and seen.status is Status.READY

    def lookup(self, ref: Ref) -> Value:
        """The value a reference has when the plan is made; the reference where none is known."""
        if ref.address in self.wanted and self.wanted[ref.address].recreate is Recreate.ON_DEMAND:
            return ref
        change = self.changes.get(ref.address)
        if change is not None and change.action in _MAKES:
            return ref
        if change is not None and change.action is Action.UPDATE:
            resource = self.wanted[ref.address]
            if not ref.path or ref.path[0] not in resource.stable:
                return ref
        instance = self.seen(ref.address) or self.state.instances.get(ref.address)
        if instance is None:
            return ref
        try:
            return dig(instance.outputs, ref.path)
        except KeyError:
            return ref


def make_plan(
    wish: Wish,
    state: State,
    observed: Mapping[Address, Instance | None],
    accounts: Mapping[str, str] | None = None,
) -> Plan:
    """Decide what to do.

    Args:
        wish: what is wanted; every reference points at a wanted resource and there is no cycle.
        state: what is recorded, journal folded in.
        observed: what is there; None is gone, an absent key was not looked at.
        accounts: the account of each provider, bound into the digest.

    Raises:
        graph.Cycle: when the wanted resources need each other in a circle.
    """
    state, moved = _renamed(state, wish.moved)
    observed = _follow(observed, moved)
    wanted = {} if wish.destroy else {r.address: r for r in wish.resources}
    order = graph.order({address: r.needs for address, r in wanted.items()})
    stuck: dict[Address, Blocked] = {}
    now = fold(state, caught_up(state, (), observed))
    while True:
        draft = _drafted(_Draft(wish, state, observed, wanted, stuck), order)
        ended = endings(now, wanted, draft.changes, _on_leaving(draft))
        if not ended.stuck:
            break
        stuck |= ended.stuck
    live = [ended.changes.get(a, draft.changes[a]) for a in order if a in draft.changes]
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        project=state.project,
        env=state.env,
        accounts=dict(accounts or {}),
        changes=(*live, *ended.deletions),
        outputs=tuple(_outputs(draft)),
        moved=moved,
        drift=tuple(sorted(draft.drift, key=lambda d: d.address)),
        blocked=(*draft.blocked.values(), *ended.blocked),
        recover=state.intents,
        notes=(*draft.notes, *ended.notes),
        unchanged=sum(a not in draft.changes and a in state.instances for a in wanted),
        destroy=wish.destroy,
    )


def _renamed(
    state: State, moves: Iterable[Moved]
) -> tuple[State, tuple[tuple[Address, Address], ...]]:
    """Follow the moves, each once, in whatever order they can be; a chain goes to its end."""
    left = sorted({(m.before, m.after) for m in moves})
    done: list[tuple[Address, Address]] = []
    while possible := [m for m in left if renamed(state, *m) is not state]:
        state = renamed(state, *possible[0])
        done.append(possible[0])
        left.remove(possible[0])
    return state, tuple(done)


def _on_leaving(draft: _Draft) -> Leaving:
    return Leaving(
        removed={r.address: r.destroy for r in draft.wish.removed},
        destroy=draft.wish.destroy,
        blocked=frozenset(draft.blocked),
        gone=frozenset(i.key for a, i in draft.state.instances.items() if not draft.seen(a)),
    )


def _follow(
    observed: Mapping[Address, Instance | None], moved: Iterable[tuple[Address, Address]]
) -> dict[Address, Instance | None]:
    followed = dict(observed)
    for before, after in moved:
        if before in followed:
            followed[after] = followed.pop(before)
        followed = {a: i and relocated(i, before, after) for a, i in followed.items()}
    return followed


def _drafted(draft: _Draft, order: Iterable[Address]) -> _Draft:
    """Decide in the order of need, so that what waits for something blocked is known in one pass.

    What is made on demand comes last, when it is known who demands it.
    """
    resources = [draft.wanted[address] for address in order]
    for resource in resources:
        if resource.recreate is not Recreate.ON_DEMAND:
            _decide(draft, resource)
            _block_if_it_waits(draft, resource)
    for resource in resources:
        if resource.recreate is Recreate.ON_DEMAND:
            _decide_on_demand(draft, resource)
    for address, recorded in draft.state.instances.items():
        if address not in draft.wanted and draft.seen(address) is None:
            released = recorded.recreate is Recreate.ON_DEMAND
            draft.drift.append(Drift(address=address, gone=True, released=released))
    return draft


def _decide(draft: _Draft, resource: Resource) -> None:
    address = resource.address
    recorded = draft.state.instances.get(address)
    seen = draft.seen(address)
    if recorded is None:
        _add(draft, resource, Action.CREATE, Cause.NEW)
    elif seen is None:
        _vanished(draft, resource, recorded)
    else:
        _note_drift(draft, recorded, seen)
        _compare(draft, resource, seen)


def _decide_on_demand(draft: _Draft, resource: Resource) -> None:
    address = resource.address
    recorded = draft.state.instances.get(address)
    demanded = any(
        c.action in _MAKES and c.after is not None and address in c.after.needs
        for c in draft.changes.values()
    )
    if recorded is None:
        if demanded:
            _add(draft, resource, Action.CREATE, Cause.NEW)
        return
    seen = draft.seen(address)
    if seen is None:
        draft.drift.append(Drift(address=address, gone=True, released=True))
        if demanded:
            _add(draft, resource, Action.CREATE, Cause.DEPENDANT)
    elif demanded and seen.status in _BROKEN:
        _add(draft, resource, Action.REPLACE, Cause.DEPENDANT, seen)
    elif demanded:
        _compare(draft, resource, replace(recorded, status=seen.status, reason=seen.reason))


def _vanished(draft: _Draft, resource: Resource, recorded: Instance) -> None:
    address = resource.address
    draft.drift.append(Drift(address=address, gone=True))
    if resource.recreate is Recreate.FREELY or resource.retired:
        _add(draft, resource, Action.CREATE, Cause.VANISHED)
    elif cause := _why_anew(draft, resource, recorded, _changed(draft, resource, recorded)):
        _add(draft, resource, Action.CREATE, cause)
    else:
        draft.blocked[address] = Blocked(
            address=address,
            reason=f"`{recorded.id}` was deleted remotely",
            hint=f"to make it again, at its cost, run with `--replace {address}`",
        )


def _retired(resource: Resource) -> Blocked:
    hint = "port it to another base model or provider, or remove it"
    return Blocked(address=resource.address, reason=f"retired: {resource.retired}", hint=hint)


def _compare(draft: _Draft, resource: Resource, seen: Instance) -> None:
    address = resource.address
    changed = _changed(draft, resource, seen)
    if cause := _why_anew(draft, resource, seen, changed):
        action = Action.RECREATE if resource.destroy_first else Action.REPLACE
        _add(draft, resource, action, cause, seen, changed)
        return
    if later := sorted({d.path[0] for d in changed} & resource.deferred):
        fields = ", ".join(f"`{name}`" for name in later)
        draft.notes.append((address, f"{fields} takes effect at the next training"))
    # An update whose outcome was lost took effect, but its record must follow: done once more.
    recorded = draft.state.instances[address]
    found = changed or _changed(draft, resource, recorded)
    update = tuple(d for d in found if not d.forces and d.path[0] not in resource.deferred)
    if seen.status in _BROKEN:
        draft.blocked[address] = Blocked(
            address=address,
            reason=f"{seen.status.value}: {seen.reason}" if seen.reason else seen.status.value,
            hint=f"edit it, or try again with `--replace {address}`",
        )
    elif update or _made_from_elsewhere(draft, resource, recorded):
        _add(draft, _pinned(resource, seen), Action.UPDATE, Cause.CHANGED, seen, update)
    elif Status.PENDING in {seen.status, recorded.status}:
        # What settled since is still to be recorded by an apply.
        _add(draft, resource, Action.WAIT, Cause.RUNNING, seen)


def _made_from_elsewhere(draft: _Draft, resource: Resource, recorded: Instance) -> bool:
    """Whether equal values now come from an object that its record does not name.

    The record must follow, or what it names could never end.
    """
    aside = resource.inputs | resource.lifecycle.ignore_changes
    used = {ref.address for k, v in resource.spec.items() if k not in aside for ref in refs(v)}
    known = [draft.state.instances[a].key for a in used if a in draft.state.instances]
    return resource.recreate is Recreate.FREELY and not set(known) <= set(recorded.needs)


def _changed(draft: _Draft, resource: Resource, seen: Instance) -> tuple[Delta, ...]:
    """The fields that differ, but for those that are never compared."""
    aside = resource.inputs | resource.lifecycle.ignore_changes
    before = {k: v for k, v in seen.spec.items() if k not in aside}
    wanted = {k: v for k, v in resource.spec.items() if k not in aside}
    after = {key: resolve(value, draft.lookup) for key, value in wanted.items()}
    return deltas(before, after, resource.immutable)


def _why_anew(
    draft: _Draft, resource: Resource, seen: Instance, changed: tuple[Delta, ...]
) -> Cause | None:
    """Why a new object is needed; None where the one there is can stay."""
    if seen.provider != resource.provider:
        return Cause.OTHER_PROVIDER
    if resource.address in draft.wish.replace:
        return Cause.REQUESTED
    if resource.fingerprint and seen.fingerprint:
        if resource.fingerprint == seen.fingerprint:
            return None
        if not resource.lifecycle.ignore_changes & resource.immutable:
            return Cause.CANNOT_UPDATE
    return Cause.CANNOT_UPDATE if any(d.forces for d in changed) else None


def _pinned(resource: Resource, seen: Instance) -> Resource:
    """The resource with ignored fields as they are, so that an update leaves them alone."""
    ignored = resource.lifecycle.ignore_changes
    spec = {k: v for k, v in resource.spec.items() if k not in ignored}
    pinned = {k: v for k, v in seen.spec.items() if k in ignored}
    return replace(resource, spec=spec | pinned) if ignored else resource


def _note_drift(draft: _Draft, recorded: Instance, seen: Instance) -> None:
    found = deltas(recorded.spec, seen.spec)
    if found:
        draft.drift.append(Drift(address=recorded.address, gone=False, deltas=found))


def _add(
    draft: _Draft,
    resource: Resource,
    action: Action,
    cause: Cause,
    before: Instance | None = None,
    changed: tuple[Delta, ...] = (),
) -> None:
    if action is Action.CREATE:
        values = {k: resolve(v, draft.lookup) for k, v in resource.spec.items()}
        changed = deltas({}, values, resource.immutable)
    if action in _MAKES and resource.retired:
        draft.blocked[resource.address] = _retired(resource)
        return
    if action is Action.RECREATE and resource.address in draft.stuck:
        draft.blocked[resource.address] = draft.stuck[resource.address]
        return
    ends = action in {Action.REPLACE, Action.RECREATE}
    draft.changes[resource.address] = Change(
        address=resource.address,
        provider=resource.provider,
        action=action,
        cause=cause,
        before=before,
        after=resource,
        deltas=changed,
        needs=tuple(sorted(resource.needs)),
        doomed=before if ends else None,
        parent=resource.parent,
    )


def _block_if_it_waits(draft: _Draft, resource: Resource) -> None:
    """A change that needs something which will not come is blocked, and so on downwards."""
    address = resource.address
    change = draft.changes.get(address)
    if change is None or change.action is Action.WAIT:
        return
    by = min(_lacking(draft, resource), default=None)
    if by is not None:
        del draft.changes[address]
        root = draft.blocked[by].by or by
        draft.blocked[address] = Blocked(address=address, reason=f"waits for `{root}`", by=root)


def _lacking(draft: _Draft, resource: Resource) -> set[Address]:
    """The blocked resources it cannot do without, directly or through what is made on demand."""
    unknown = {ref.address for ref in refs(resolve(dict(resource.spec), draft.lookup))}
    found: set[Address] = set()
    for need in resource.needs:
        if need in draft.blocked and (need in unknown or not draft.ready(need)):
            found.add(need)
        elif (wanted := draft.wanted.get(need)) and wanted.recreate is Recreate.ON_DEMAND:
            found |= _lacking(draft, wanted)
    return found


def _outputs(draft: _Draft) -> Iterable[OutputChange]:
    wanted = () if draft.wish.destroy else draft.wish.outputs
    recorded = draft.state.outputs
    for output in sorted(wanted, key=lambda o: o.name):
        after = resolve(output.value, draft.lookup)
        stuck = {ref.address for ref in refs(after)} & set(draft.blocked)
        if not stuck and not same(recorded.get(output.name), after):
            before = recorded.get(output.name)
            yield OutputChange(
                name=output.name, before=before, after=after, sensitive=output.sensitive
            )
    for name in sorted(set(recorded) - {o.name for o in wanted}):
        yield OutputChange(name=name, before=recorded[name], gone=True)
