"""What becomes of one declared resource: made, changed, replaced, reused, or left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tunectl.core.diff import Delta, deltas, equal
from tunectl.core.draft import MAKES, Draft
from tunectl.core.elders import bought, not_twice
from tunectl.core.ignoring import covers, fields, pinned
from tunectl.core.plan import Action, Blocked, Cause, Change, Drift
from tunectl.core.resource import BUILTIN, Instance, Recreate, Resource, Status
from tunectl.core.value import Address, Plain, Value, refs, resolve
from tunectl.core.wish import Offer

_BROKEN = (Status.FAILED, Status.CANCELLED)
# To ask an enumeration for one of its names takes longer than all else that is asked of a resource
# that stays as it is.
_READY, _PENDING, _FREELY = Status.READY, Status.PENDING, Recreate.FREELY
_TEXT = frozenset({str})


def decide(draft: Draft, resource: Resource) -> None:
    """Decide on what is made for its own sake."""
    address = resource.address
    recorded = draft.state.instances.get(address)
    seen = draft.seen(address)
    if address in draft.expired:
        draft.blocked[address] = draft.expired[address]
    elif recorded is None:
        _first(draft, resource)
    elif seen is None:
        _vanished(draft, resource, recorded)
    else:
        _note_drift(draft, recorded, seen)
        _compare(draft, resource, seen)


def stays(draft: Draft, resource: Resource) -> bool:
    """Whether there is nothing to decide: what is recorded is there, and is what is declared.

    Law: only where `decide` would say nothing. Most resources of most plans are such.
    """
    address = resource.address
    recorded = draft.state.instances.get(address)
    if recorded is None or draft.observed.get(address, recorded) is not recorded:
        return False
    if address in draft.wish.replace or address in draft.expired:
        return False
    return _as_declared(draft, resource, recorded)


def unmoved(draft: Draft) -> set[Address]:
    """Return what stays as it is, unless something that it refers to changes.

    Law: only where `stays` says so.
    """
    live, observed = draft.state.instances, draft.observed
    found: set[Address] = set()
    for address, resource in draft.wanted.items():
        recorded = live.get(address)
        if recorded is None or (observed and observed.get(address, recorded) is not recorded):
            continue
        if _as_declared(draft, resource, recorded):
            found.add(address)
    return (found - draft.wish.replace).difference(draft.expired)


def _as_declared(draft: Draft, resource: Resource, recorded: Instance) -> bool:
    """Whether what is recorded is ready and is what is declared, made from what is there now.

    Maps that differ at all are not equal; texts, which most settings are, that do not differ are
    of one type and equal, while `1` and `1.0` would only look alike.
    """
    if recorded.status is not _READY or recorded.provider != resource.provider:
        return False
    wanted, had = resource.fingerprint, recorded.fingerprint
    if wanted != had and wanted and had:
        return False
    spec, aside = resource.spec, resource.inputs
    if ignored := resource.lifecycle.ignore_changes:
        aside |= ignored
    if not resource.refs:
        if not aside:
            if recorded.spec != spec:
                return False
            if _TEXT.issuperset(map(type, spec.values())):
                return True
        return equal(recorded.spec, spec, None, aside)
    if not equal(recorded.spec, spec, draft.lookup, aside):
        return False
    return resource.recreate is not _FREELY or not _made_from_elsewhere(draft, resource, recorded)


def _first(draft: Draft, resource: Resource) -> None:
    """Nothing is recorded: what an `import:` block names is taken over, else one is made."""
    found = draft.wish.imports.get(resource.address)
    if found is None:
        _add(draft, resource, Action.CREATE, Cause.NEW)
        return
    telling = {d.path[0] for d in _changed(draft, resource, found) if d.forces}
    if differing := sorted(telling & found.spec.keys()):
        fields = ", ".join(f"`{name}`" for name in differing)
        draft.blocked[resource.address] = Blocked(
            address=resource.address,
            reason=f"`{found.id}` cannot be imported: its {fields} "
            + ("differs" if len(differing) == 1 else "differ"),
            hint="declare it as it is, or import another object",
        )
        return
    _adopt(draft, resource, Cause.IMPORTED, found)


def demanded_by(change: Change | None) -> frozenset[Address]:
    """Return what must be there for a change: what is made needs all it is made of."""
    if change is None or change.action not in MAKES or change.after is None:
        return frozenset()
    if change.original is not None:
        return frozenset()  # a copy is made of no rows
    return change.after.needs


def decide_on_demand(draft: Draft, resource: Resource, *, demanded: bool) -> None:
    """Decide on what is made only for others, when it is known whether one needs it."""
    address = resource.address
    recorded = draft.state.instances.get(address)
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


def _vanished(draft: Draft, resource: Resource, recorded: Instance) -> None:
    address = resource.address
    local = recorded.provider == BUILTIN
    draft.drift.append(Drift(address=address, gone=True, local=local))
    if resource.recreate is Recreate.FREELY or resource.retired:
        _add(draft, resource, Action.CREATE, Cause.MISSING if local else Cause.VANISHED)
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


def _compare(draft: Draft, resource: Resource, seen: Instance) -> None:
    address = resource.address
    changed = _changed(draft, resource, seen)
    if cause := _why_anew(draft, resource, seen, changed):
        taken = resource.destroy_first and draft.stays_home(resource, seen)
        action = Action.RECREATE if taken else Action.REPLACE
        _add(draft, resource, action, cause, seen, changed)
        return
    if changed and (later := sorted({d.path[0] for d in changed} & resource.deferred)):
        fields = ", ".join(f"`{name}`" for name in later)
        when = "at the next training" if address.kind == "tuning_job" else "in the next new one"
        draft.notes.append((address, f"{fields} takes effect {when}"))
    # An update whose outcome was lost took effect, but its record must follow: done once more.
    recorded = draft.state.instances[address]
    found = changed
    if not found and recorded.spec is not seen.spec:
        found = _changed(draft, resource, recorded)
    update = found and tuple(
        d for d in found if not d.forces and d.path[0] not in resource.deferred
    )
    if seen.status in _BROKEN:
        draft.blocked[address] = Blocked(
            address=address,
            reason=f"{seen.status.value}: {seen.reason}" if seen.reason else seen.status.value,
            hint=f"edit it, or try again with `--replace {address}`",
        )
    elif update or _made_from_elsewhere(draft, resource, recorded):
        _add(draft, _pinned(resource, seen), Action.UPDATE, Cause.CHANGED, seen, update)
    elif seen.status is _PENDING or recorded.status is _PENDING:
        # What settled since is still to be recorded by an apply.
        _add(draft, resource, Action.WAIT, Cause.RUNNING, seen)


def _made_from_elsewhere(draft: Draft, resource: Resource, recorded: Instance) -> bool:
    """Whether equal values now come from an object that its record does not name.

    The record must follow, or what it names could never end.
    """
    if resource.recreate is not _FREELY or not resource.refs:
        return False
    aside = resource.inputs | resource.lifecycle.ignore_changes
    told = resource.refs
    if not aside.isdisjoint(resource.spec):
        told = tuple(ref for k, v in resource.spec.items() if k not in aside for ref in refs(v))
    live = draft.state.instances
    for ref in told:
        used = live.get(ref.address)
        if used is not None and not _names(recorded, used):
            return True
    return False


def _names(recorded: Instance, used: Instance) -> bool:
    for need in recorded.needs:
        if (need.id, need.address, need.account) == (used.id, used.address, used.account):
            return True
    return False


def _compared(
    resource: Resource, seen: Instance
) -> tuple[Mapping[str, Plain], Mapping[str, Value]]:
    """What is recorded and what is wanted, without the fields that are never compared."""
    before, wanted = seen.spec, resource.spec
    for aside in (resource.inputs, resource.lifecycle.ignore_changes):
        if not aside:
            continue
        if not aside.isdisjoint(before):
            before = {k: v for k, v in before.items() if k not in aside}
        if not aside.isdisjoint(wanted):
            wanted = {k: v for k, v in wanted.items() if k not in aside}
    return before, wanted


def _changed(draft: Draft, resource: Resource, seen: Instance) -> tuple[Delta, ...]:
    """The fields that differ, but for those that are never compared."""
    before, wanted = _compared(resource, seen)
    if resource.refs:
        lookup = draft.lookup
        wanted = {key: resolve(value, lookup) for key, value in wanted.items()}
    found = deltas(before, wanted, resource.immutable)
    ignored = resource.lifecycle.ignore_changes
    return tuple(d for d in found if not covers(ignored, d.path)) if ignored else found


def _why_anew(
    draft: Draft, resource: Resource, seen: Instance, changed: tuple[Delta, ...]
) -> Cause | None:
    """Why a new object is needed; None where the one there is can stay."""
    if seen.provider != resource.provider:
        return Cause.OTHER_PROVIDER
    if resource.address in draft.wish.replace:
        return Cause.REQUESTED
    if resource.fingerprint and seen.fingerprint:
        if resource.fingerprint == seen.fingerprint:
            return None
        if not fields(resource.lifecycle.ignore_changes) & resource.immutable:
            return Cause.CANNOT_UPDATE
    return Cause.CANNOT_UPDATE if any(d.forces for d in changed) else None


def _pinned(resource: Resource, seen: Instance) -> Resource:
    """The resource with ignored fields as they are, so that an update leaves them alone."""
    ignored = resource.lifecycle.ignore_changes
    if not ignored:
        return resource
    return replace(resource, spec=pinned(resource.spec, seen.spec, ignored))


def _note_drift(draft: Draft, recorded: Instance, seen: Instance) -> None:
    found = () if recorded.spec is seen.spec else deltas(recorded.spec, seen.spec)
    if found:
        local = recorded.provider == BUILTIN
        draft.drift.append(Drift(address=recorded.address, gone=False, local=local, deltas=found))


def _adopt(
    draft: Draft,
    resource: Resource,
    cause: Cause,
    found: Instance,
    before: Instance | None = None,
    changed: tuple[Delta, ...] = (),
    origin: str = "",
) -> None:
    draft.taken.add(found.id)
    draft.changes[resource.address] = Change(
        address=resource.address,
        provider=resource.provider,
        action=Action.ADOPT,
        cause=cause,
        before=before,
        after=resource,
        deltas=tuple(replace(d, forces=False) for d in changed),
        needs=tuple(sorted(resource.needs)),
        doomed=before,
        found=found,
        origin=origin,
        parent=resource.parent,
    )


def _offered(draft: Draft, resource: Resource) -> Offer | None:
    """A ready object of equal fingerprint; none where the user asked for a new one.

    A copy is a new one.
    """
    named = draft.wish.named.get(resource.address)
    if named is not None and (named.afar or resource.address not in draft.wish.replace):
        return named
    if resource.address in draft.wish.replace or not resource.fingerprint:
        return None
    offers = draft.wish.offers.get(resource.fingerprint, ())
    if not offers:
        return None
    live = draft.state.instances.get(resource.address)
    own = live.id if live else None
    free = (o for o in offers if o.instance.id != own and o.instance.id not in draft.taken)
    return next((o for o in free if _is_for(o, resource)), None)


def _is_for(offer: Offer, resource: Resource) -> bool:
    """Whether an offer stands for this resource: equal fingerprints may live in other accounts.

    What this environment kept belongs to the address that kept it.
    """
    found = offer.instance
    ours = bool(offer.env) or found.address == resource.address
    return ours and found.provider == resource.provider


def _origins(offer: Offer | None, again: str | None) -> Iterator[str]:
    if offer is not None:
        place = offer.instance.account
        where = f"account `{place}`" if place else f"`{offer.instance.id}`"
        yield f"copied from {where}: nothing is trained"
    elif again:
        yield again


def _add(
    draft: Draft,
    resource: Resource,
    action: Action,
    cause: Cause,
    before: Instance | None = None,
    changed: tuple[Delta, ...] = (),
) -> None:
    if action is Action.CREATE:
        values = {k: resolve(v, draft.lookup) for k, v in resource.spec.items()}
        changed = deltas({}, values, resource.immutable)
    offer = _offered(draft, resource) if action in MAKES else None
    if offer is not None and not offer.afar:
        found, origin = offer.instance, offer.env
        _adopt(draft, resource, Cause.REUSED, found, before, changed, origin)
        return
    if offer is None and action is Action.CREATE and bought(draft.wish, resource):
        draft.blocked[resource.address] = not_twice(draft.wish, resource.address, draft.state)
        return
    if action in MAKES and resource.retired and offer is None:
        draft.blocked[resource.address] = _retired(resource)
        return
    if action is Action.RECREATE and resource.address in draft.stuck:
        draft.blocked[resource.address] = draft.stuck[resource.address]
        return
    ends = action in (Action.REPLACE, Action.RECREATE)
    again = draft.wish.uncopied.get(resource.address) if action in MAKES else None
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
        original=offer.instance if offer is not None else None,
        origin=offer.env if offer is not None else "",
        parent=resource.parent,
        notes=tuple(_origins(offer, again)),
    )
