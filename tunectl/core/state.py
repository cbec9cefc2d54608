"""The recorded world and the entries that change it.

Law: folding any prefix of the journal over its snapshot gives a valid state, and folding the same
entry twice gives what folding it once gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address, Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What was about to be done: written durably before the call that does it.

    Attributes:
        action: `create`, `update` or `delete`.
        id: the object's id, for update and delete.
        time: ISO 8601, UTC.
    """

    op: str
    action: str
    address: Address
    provider: str
    fingerprint: str | None = None
    id: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """An intent is open."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Made:
    """A create took effect; what stood at the address is superseded."""

    op: str
    instance: Instance


@dataclass(frozen=True, slots=True)
class Settled:
    """An object changed: an update took effect, or a pending one moved on."""

    op: str
    instance: Instance


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object is gone, or is managed no longer."""

    op: str
    address: Address
    id: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An intent had definitely no effect."""

    op: str
    reason: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """The same object under another address."""

    before: Address
    after: Address


@dataclass(frozen=True, slots=True)
class Published:
    """The outputs were computed."""

    outputs: Mapping[str, Plain]


Entry: TypeAlias = Began | Made | Settled | Deleted | Abandoned | Renamed | Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The provider an instance was made with: enough to reach it again, no secret.

    Attributes:
        type: the provider's type (`openai`).
        account: its identity.
        settings: the non-secret settings.
    """

    type: str
    account: str
    settings: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything remembered of one environment of one project.

    Attributes:
        lineage: identity of this history, minted once.
        serial: grows by one with each snapshot.
        superseded: replaced objects that still exist, oldest first.
        intents: what was begun and has no outcome yet.
    """

    lineage: str
    project: str
    env: str
    serial: int = 0
    providers: Mapping[str, Account] = field(default_factory=dict)
    instances: Mapping[Address, Instance] = field(default_factory=dict)
    superseded: tuple[Instance, ...] = ()
    intents: tuple[Intent, ...] = ()
    outputs: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def everything(self) -> tuple[Instance, ...]:
        """The live and the superseded instances."""
        return (*self.instances.values(), *self.superseded)


def fold(state: State, entries: Iterable[Entry]) -> State:
    """Apply entries in order."""
    for entry in entries:
        state = _apply(state, entry)
    return state


def _apply(state: State, entry: Entry) -> State:
    match entry:
        case Began(intent):
            others = tuple(i for i in state.intents if i.op != intent.op)
            return replace(state, intents=(*others, intent))
        case Made(op, instance):
            return _closed(_made(state, instance), op)
        case Settled(op, instance):
            return _closed(_settled(state, instance), op)
        case Deleted(op, address, id_):
            return _closed(_deleted(state, address, id_), op)
        case Abandoned(op, _):
            return _closed(state, op)
        case Renamed(before, after):
            return renamed(state, before, after)
        case Published(outputs):
            return replace(state, outputs=dict(outputs))
        case _:
            assert_never(entry)


def _closed(state: State, op: str) -> State:
    return replace(state, intents=tuple(i for i in state.intents if i.op != op))


def _made(state: State, instance: Instance) -> State:
    if instance.key in {i.key for i in state.superseded}:
        return state
    before = state.instances.get(instance.address)
    superseded = state.superseded
    if before is not None and before.id != instance.id:
        superseded = (*superseded, before)
    instances = {**state.instances, instance.address: instance}
    return replace(state, instances=instances, superseded=superseded)


def _settled(state: State, instance: Instance) -> State:
    live = state.instances.get(instance.address)
    if live is not None and live.id == instance.id:
        return replace(state, instances={**state.instances, instance.address: instance})
    return replace(
        state,
        superseded=tuple(instance if i.key == instance.key else i for i in state.superseded),
    )


def _deleted(state: State, address: Address, id_: str) -> State:
    instances = {a: i for a, i in state.instances.items() if not (a == address and i.id == id_)}
    superseded = tuple(i for i in state.superseded if not (i.address == address and i.id == id_))
    return replace(state, instances=instances, superseded=superseded)


def renamed(state: State, before: Address, after: Address) -> State:
    """Return the state in which everything at one address stands at another.

    Nothing happens when nothing is there, or when the new address is taken.
    """
    if before not in state.instances or after in state.instances:
        return state
    live = [relocated(i, before, after) for i in state.instances.values()]
    superseded = tuple(relocated(i, before, after) for i in state.superseded)
    return replace(state, instances={i.address: i for i in live}, superseded=superseded)


def relocated(instance: Instance, before: Address, after: Address) -> Instance:
    """Return the instance with one address replaced by another wherever it stands."""
    needs = tuple(replace(n, address=after) if n.address == before else n for n in instance.needs)
    address = after if instance.address == before else instance.address
    parent = after if instance.parent == before else instance.parent
    return replace(instance, address=address, needs=needs, parent=parent)


def caught_up(
    state: State, resources: Iterable[Resource], observed: Mapping[Address, Instance | None]
) -> tuple[Settled, ...]:
    """Return what an apply records before its first step, without touching any object.

    No plan has a change for it, and what is superseded or no longer declared is judged by its
    record alone: how live objects are now (a job that ended since), and the user's present word
    on them (lifecycle, labels). Settings stay as recorded, so that drift stays visible; what is
    gone stays too, so that it is not bought again unasked.
    """
    declared = {r.address: r for r in resources}
    found: list[Settled] = []
    for address in sorted(state.instances):
        recorded = state.instances[address]
        now = recorded
        if (seen := observed.get(address)) is not None and seen.id == recorded.id:
            now = replace(
                now,
                outputs=seen.outputs,
                status=seen.status,
                progress=seen.progress,
                reason=seen.reason,
            )
        if (wanted := declared.get(address)) is not None:
            now = replace(
                now, lifecycle=wanted.lifecycle, parent=wanted.parent, labels=wanted.labels
            )
        if now != recorded:
            found.append(Settled("", now))
    return tuple(found)
