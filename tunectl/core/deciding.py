"""What becomes of one declared resource: made, changed, replaced, reused, or left as it is."""

from __future__ import annotations

from dataclasses import replace

from tunectl.core.diff import Delta, deltas
from tunectl.core.draft import MAKES, Draft
from tunectl.core.plan import Action, Blocked, Cause, Change, Drift
from tunectl.core.resource import Instance, Recreate, Resource, Status
from tunectl.core.value import refs, resolve
from tunectl.core.wish import Offer

_BROKEN = (Status.FAILED, Status.CANCELLED)


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


def decide_on_demand(draft: Draft, resource: Resource) -> None:
    """Decide on what is made only for others, when it is known who needs it."""
    address = resource.address
    recorded = draft.state.instances.get(address)
    demanded = any(
        c.action in MAKES and c.after is not None and address in c.after.needs
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


def _vanished(draft: Draft, resource: Resource, recorded: Instance) -> None:
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


def _compare(draft: Draft, resource: Resource, seen: Instance) -> None:
    address = resource.address
    changed = _changed(draft, resource, seen)
    if cause := _why_anew(draft, resource, seen, changed):
        # In another account too: an alias has the same id there, and ids tell objects apart.
        action = Action.RECREATE if resource.destroy_first else Action.REPLACE
        _add(draft, resource, action, cause, seen, changed)
        return
    if changed and (later := sorted({d.path[0] for d in changed} & resource.deferred)):
        fields = ", ".join(f"`{name}`" for name in later)
        draft.notes.append((address, f"{fields} takes effect at the next training"))
    # An update whose outcome was lost took effect, but its record must follow: done once more.
    recorded = draft.state.instances[address]
    found = changed
    if not found and recorded.spec is not seen.spec:
        found = _changed(draft, resource, recorded)
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


def _made_from_elsewhere(draft: Draft, resource: Resource, recorded: Instance) -> bool:
    """Whether equal values now come from an object that its record does not name.

    The record must follow, or what it names could never end.
    """
    if resource.recreate is not Recreate.FREELY:
        return False
    aside = resource.inputs | resource.lifecycle.ignore_changes
    used = {ref.address for k, v in resource.spec.items() if k not in aside for ref in refs(v)}
    known = [draft.state.instances[a].key for a in used if a in draft.state.instances]
    return bool(known) and not set(known) <= set(recorded.needs)


def _changed(draft: Draft, resource: Resource, seen: Instance) -> tuple[Delta, ...]:
    """The fields that differ, but for those that are never compared."""
    aside = resource.inputs | resource.lifecycle.ignore_changes
    before, wanted, lookup = seen.spec, resource.spec, draft.lookup
    if aside:
        before = {k: v for k, v in before.items() if k not in aside}
        wanted = {k: v for k, v in wanted.items() if k not in aside}
    after = {key: resolve(value, lookup) for key, value in wanted.items()}
    return deltas(before, after, resource.immutable)


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
        if not resource.lifecycle.ignore_changes & resource.immutable:
            return Cause.CANNOT_UPDATE
    return Cause.CANNOT_UPDATE if any(d.forces for d in changed) else None


def _pinned(resource: Resource, seen: Instance) -> Resource:
    """The resource with ignored fields as they are, so that an update leaves them alone."""
    ignored = resource.lifecycle.ignore_changes
    spec = {k: v for k, v in resource.spec.items() if k not in ignored}
    pinned = {k: v for k, v in seen.spec.items() if k in ignored}
    return replace(resource, spec=spec | pinned) if ignored else resource


def _note_drift(draft: Draft, recorded: Instance, seen: Instance) -> None:
    found = () if recorded.spec is seen.spec else deltas(recorded.spec, seen.spec)
    if found:
        draft.drift.append(Drift(address=recorded.address, gone=False, deltas=found))


def _adopt(
    draft: Draft,
    resource: Resource,
    cause: Cause,
    found: Instance,
    before: Instance | None = None,
    changed: tuple[Delta, ...] = (),
    origin: str = "",
) -> None:
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
    """A ready object of equal fingerprint; none where the user asked for a new one."""
    if resource.address in draft.wish.replace or not resource.fingerprint:
        return None
    live = draft.state.instances.get(resource.address)
    taken = {live.id} if live else set()
    taken |= {c.found.id for c in draft.changes.values() if c.found is not None}
    offers = draft.wish.offers.get(resource.fingerprint, ())
    return next((offer for offer in offers if offer.instance.id not in taken), None)


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
    if offer is not None:
        found, origin = offer.instance, offer.env
        _adopt(draft, resource, Cause.REUSED, found, before, changed, origin)
        return
    if action in MAKES and resource.retired:
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
