"""Which objects end, and which must not: nothing that lives on may point at something deleted."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import field, replace

from tunectl.core import graph
from tunectl.core.dataclass import dataclass
from tunectl.core.plan import Action, Blocked, Cause, Change
from tunectl.core.resource import Instance, Need, Recreate, Resource, Status
from tunectl.core.state import Lapse, State
from tunectl.core.value import Address

_AFTER = (Action.REPLACE, Action.ADOPT)  # the old object may outlive the change


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What else decides about endings.

    Attributes:
        removed: `removed:` blocks, address to "delete it too".
        destroy: everything goes, kept previous objects included.
        blocked: declared resources that cannot go on: what they replaced stays.
        gone: live objects that do not exist any more: nothing can use them.
        expired: declared resources that are over.
        spared: addresses that this plan may not touch.
        shared: account and id of objects that other environments use too.
        in_the_way: superseded objects that hold the fixed name of one that is to be made.
    """

    removed: Mapping[Address, bool] = field(default_factory=dict)
    destroy: bool = False
    blocked: frozenset[Address] = frozenset()
    gone: frozenset[Need] = frozenset()
    expired: Mapping[Address, Lapse] = field(default_factory=dict)
    spared: frozenset[Address] = frozenset()
    shared: Container[tuple[str, str]] = frozenset()
    in_the_way: frozenset[Need] = frozenset()


@dataclass(frozen=True, slots=True)
class Endings:
    """The deletions of a plan, and the replacements whose old object stays.

    Attributes:
        blocked: what is no longer declared and must stay, because something declared uses it.
        notes: what is no longer declared and stays for what is kept (address, sentence).
        stuck: resources with a fixed name whose old object must stay, so no new one can be made.
    """

    deletions: tuple[Change, ...]
    changes: Mapping[Address, Change]
    blocked: tuple[Blocked, ...]
    notes: tuple[tuple[Address, str], ...]
    stuck: Mapping[Address, Blocked]


def endings(
    state: State,
    wanted: Mapping[Address, Resource],
    changes: Mapping[Address, Change],
    leaving: Leaving,
) -> Endings:
    """Decide what ends.

    Args:
        state: what is recorded.
        wanted: the declared resources; empty for a destroy.
        changes: the changes to declared resources.
        leaving: what else decides.
    """
    undeclared = [i for a, i in state.instances.items() if a not in wanted]
    kept = _kept(state, wanted, changes, leaving)
    ending = (*undeclared, *_replaced(changes), *state.superseded)
    stays = kept | _adopted(changes)
    doomed = {i.key: i for i in ending if i.key not in stays and i.address not in leaving.spared}
    used = _anchored(state, wanted, changes, doomed)
    held = (doomed.keys() & used.keys()) - leaving.gone
    deletions = [
        _deletion(state, doomed[key], wanted, leaving)
        for key in _backwards(doomed)
        if key not in held and not _is_replacement(changes, doomed[key])
    ]
    replaced = {a: c.doomed.key for a, c in changes.items() if c.doomed is not None}
    staying = {
        i.address: used[i.key]
        for i in sorted(undeclared, key=lambda i: i.key)
        if i.key in held and i.recreate is not Recreate.ON_DEMAND
    }
    return Endings(
        deletions=tuple(deletions),
        changes=dict(_spared(changes, held | kept, wanted, leaving)),
        blocked=tuple(_undeclared(a, use) for a, use in staying.items() if use.declared),
        notes=tuple(
            (a, f"is no longer declared, and stays while {use.who} uses it")
            for a, use in staying.items()
            if not use.declared
        ),
        stuck={
            a: _stuck(a, used[k])
            for a, k in replaced.items()
            if k in held and changes[a].action is Action.RECREATE
        },
    )


def _spared(
    changes: Mapping[Address, Change],
    stays: Collection[Need],
    wanted: Mapping[Address, Resource],
    leaving: Leaving,
) -> Iterable[tuple[Address, Change]]:
    """The replacements whose old object is not deleted."""
    for address, change in changes.items():
        if change.doomed is not None and change.doomed.key in stays:
            yield address, replace(change, held=True)
        elif _lets_go(change, wanted, leaving):
            yield address, replace(change, lets_go=True)


def _lets_go(change: Change, wanted: Mapping[Address, Resource], leaving: Leaving) -> bool:
    """Whether a replaced object is forgotten instead of deleted."""
    old = change.doomed
    if old is None or change.action is Action.RECREATE or old.status is not Status.READY:
        return False  # a fixed name must become free; what failed is worth nothing
    shared = (old.account, old.id) in leaving.shared
    return shared or wanted[change.address].lifecycle.keep_on_destroy


def _undeclared(address: Address, use: _Use) -> Blocked:
    return Blocked(
        address=address,
        reason=f"is no longer declared, but {use.who} still uses it",
        hint=f"declare it again, or remove {use.who} too",
    )


def _stuck(address: Address, use: _Use) -> Blocked:
    return Blocked(
        address=address,
        reason=f"its name is fixed and {use.who} still uses the old object",
        hint="let that go on or end first, or give the new one another name",
    )


def _replaced(changes: Mapping[Address, Change]) -> Iterable[Instance]:
    return (c.doomed for c in changes.values() if c.doomed is not None)


def _adopted(changes: Mapping[Address, Change]) -> frozenset[Need]:
    return frozenset(c.found.key for c in changes.values() if c.found is not None)


def _is_replacement(changes: Mapping[Address, Change], instance: Instance) -> bool:
    change = changes.get(instance.address)
    return change is not None and change.doomed is not None and change.doomed.key == instance.key


def _kept(
    state: State,
    wanted: Mapping[Address, Resource],
    changes: Mapping[Address, Change],
    leaving: Leaving,
) -> frozenset[Need]:
    """The superseded objects that stay: the newest `keep_previous` that can be used.

    All of them, while their successor is blocked: it may never come to be.
    """
    kept: set[Need] = set()
    back = _adopted(changes) | leaving.in_the_way
    lines: dict[Address, list[Instance]] = {}
    for instance in state.superseded:
        if instance.address in wanted and instance.key not in back:
            lines.setdefault(instance.address, []).append(instance)
    for address, change in changes.items():
        if change.doomed is not None and change.action in _AFTER:
            lines.setdefault(address, []).append(change.doomed)
    for address, line in lines.items():
        usable = [i for i in line if i.status is Status.READY]
        count = wanted[address].lifecycle.keep_previous
        if address in leaving.blocked:
            count = len(usable)
        kept |= {i.key for i in usable[max(0, len(usable) - count) :]}
    return frozenset(kept)


@dataclass(frozen=True, slots=True)
class _Use:
    """Who uses an object that would otherwise end.

    Attributes:
        live: it is for a live object's sake.
        declared: and as the declaration says, so that editing it would end the use.
    """

    by: Address
    live: bool
    declared: bool

    @property
    def who(self) -> str:
        """The user, in words."""
        return f"`{self.by}`" if self.live else f"a kept previous `{self.by}`"


def _anchored(
    state: State,
    wanted: Mapping[Address, Resource],
    changes: Mapping[Address, Change],
    doomed: Mapping[Need, Instance],
) -> dict[Need, _Use]:
    """What is used by something that stays, with one user each; users of users included."""
    used: dict[Need, _Use] = {}
    if not doomed:
        return used
    live = {i.key for i in state.instances.values()}
    survivors = [i for i in state.everything if i.key not in doomed]
    survivors.sort(key=lambda i: (i.key in live, i.key))  # live ones are at the end: taken first
    todo = [(i, i.key in live, True) for i in survivors if not _moves_on(changes, state, i)]
    while todo:
        user, for_live, told = todo.pop()
        for need in user.needs:
            if need in doomed and need not in used and not _released(changes, user, doomed[need]):
                declared = for_live and told and not _made_of_another(wanted, user, need)
                used[need] = _Use(user.address, for_live, declared)
                todo.append((doomed[need], for_live, declared))
    return used


def _made_of_another(wanted: Mapping[Address, Resource], user: Instance, need: Need) -> bool:
    """Whether a job's declaration names another object in the place of an equal one it was made of.

    What it was made of stays as long as it does, and no edit but its end would change that.
    """
    said = wanted.get(user.address)
    if said is None or said.recreate is not Recreate.ON_REQUEST:
        return False
    named = {ref.address for ref in said.refs}
    return need.address not in named and any(a.kind == need.address.kind for a in named)


def _moves_on(changes: Mapping[Address, Change], state: State, instance: Instance) -> bool:
    """Whether an object stops using what it uses now."""
    change = changes.get(instance.address)
    if change is not None and change.found is not None and change.found.key == instance.key:
        return True  # taken back: from now on it uses what the declaration says
    live = state.instances.get(instance.address)
    # A create where something is recorded: that is gone already, and uses nothing.
    moving = change is not None and change.action in {Action.UPDATE, Action.CREATE}
    return moving and live is not None and live.key == instance.key


def _released(changes: Mapping[Address, Change], user: Instance, used: Instance) -> bool:
    """Whether a user is done with something made on demand: it is not pending, or is waited for."""
    done = user.status.settled or user.address in changes
    return used.recreate is Recreate.ON_DEMAND and done


def _backwards(doomed: Mapping[Need, Instance]) -> tuple[Need, ...]:
    """Users before what they use."""
    return tuple(reversed(graph.order({key: i.needs for key, i in doomed.items()})))


def _kept_on_purpose(instance: Instance, wanted: Mapping[Address, Resource]) -> bool:
    said = wanted.get(instance.address, instance)
    return said.lifecycle.keep_on_destroy


def _deletion(
    state: State, instance: Instance, wanted: Mapping[Address, Resource], leaving: Leaving
) -> Change:
    live = state.instances.get(instance.address)
    superseded = live is None or live.key != instance.key
    spared = instance.address not in wanted and not (
        superseded and instance.status is not Status.READY
    )
    action, cause = Action.DELETE, Cause.UNDECLARED
    if spared and leaving.removed.get(instance.address) is False:
        action, cause = Action.FORGET, Cause.REMOVED
    elif _kept_on_purpose(instance, wanted) and not (
        superseded and instance.status is not Status.READY
    ):
        action, cause = Action.FORGET, Cause.KEPT
    elif (instance.account, instance.id) in leaving.shared:
        action, cause = Action.FORGET, Cause.SHARED
    elif superseded:
        cause = Cause.SUPERSEDED
    elif leaving.destroy:
        cause = Cause.DESTROY
    elif instance.address in leaving.expired:
        cause = Cause.EXPIRED
    return Change(
        address=instance.address,
        provider=instance.provider,
        action=action,
        cause=cause,
        before=instance,
        doomed=instance,
        lapse=leaving.expired.get(instance.address) if cause is Cause.EXPIRED else None,
        parent=instance.parent,
    )
