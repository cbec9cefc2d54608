"""The recorded world and the entries that change it.

Law: folding any prefix of the journal over its snapshot gives a valid state, and folding the same
entry twice gives what folding it once gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import TypeAlias, assert_never

from tunectl.core.approval import Approval
from tunectl.core.dataclass import dataclass
from tunectl.core.moving import Moves
from tunectl.core.needing import exact
from tunectl.core.resource import BUILTIN, Instance, Need
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
class Adopted:
    """What exists already stands at an address from now on; what stood there is superseded."""

    op: str
    instance: Instance


@dataclass(frozen=True, slots=True)
class Settled:
    """An object changed: an update took effect, or a pending one moved on."""

    op: str
    instance: Instance


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object is gone, or is managed no longer.

    Attributes:
        account: where it lived; empty where a version did not say, and for any.
    """

    op: str
    address: Address
    id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Lapse:
    """A declared resource that ended by itself, and is not made again while nothing is edited.

    Attributes:
        declared: the hash of its declaration then.
        ended: when it was over, for people.
    """

    address: Address
    declared: str
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """An object is gone because its time was over."""

    op: str
    lapse: Lapse
    id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Forgot:
    """An object is managed no longer, on purpose: it goes on existing, and is not garbage."""

    address: Address
    id: str
    account: str = ""


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


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan was approved; or what is left of an approval is less than it was."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Concluded:
    """Nothing of an approval is left."""

    id: str


Entry: TypeAlias = (
    Began
    | Made
    | Adopted
    | Settled
    | Deleted
    | Lapsed
    | Forgot
    | Abandoned
    | Renamed
    | Published
    | Approved
    | Concluded
)


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


@dataclass(frozen=True, slots=True, order=True)
class Forgotten:
    """An object that was let go on purpose."""

    account: str
    id: str
    op: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything remembered of one environment of one project.

    Attributes:
        lineage: identity of this history, minted once.
        serial: grows by one with each snapshot.
        superseded: replaced objects that still exist, oldest first.
        intents: what was begun and has no outcome yet.
        approvals: what was approved and is not finished, oldest first.
        forgotten: what was let go on purpose, so that nobody takes it for garbage.
        lapsed: declared resources that ended by themselves.
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
    approvals: tuple[Approval, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()
    lapsed: tuple[Lapse, ...] = ()

    @property
    def everything(self) -> tuple[Instance, ...]:
        """The live and the superseded instances."""
        return (*self.instances.values(), *self.superseded)


class Folding:
    """A state while entries are folded in: an entry costs the same however much is recorded.

    Renames that follow each other are carried out together, when anything else is asked for.
    """

    def __init__(self, state: State) -> None:
        self._state: State | None = state
        self._begun = state
        self._live: dict[Address, Instance] = dict(state.instances)
        self._moves: Moves | None = None
        self._taken: set[Address] = set()  # by live ones, while there are moves
        self._superseded = {i.key: i for i in state.superseded}
        self._intents = {i.op: i for i in state.intents}
        self._outputs = state.outputs
        self._approvals = {a.id: a for a in state.approvals}
        self._forgotten = set(state.forgotten)
        self._lapsed = {lapse.address: lapse for lapse in state.lapsed}

    @property
    def instances(self) -> Mapping[Address, Instance]:
        """The live ones as they become."""
        self._settle_moves()
        return self._live

    @property
    def state(self) -> State:
        """The state as of now; it does not change with what is folded in later."""
        self._settle_moves()
        if self._state is None:
            self._state = replace(
                self._begun,
                instances=dict(self._live),
                superseded=tuple(self._superseded.values()),
                intents=tuple(self._intents.values()),
                outputs=self._outputs,
                approvals=tuple(self._approvals.values()),
                forgotten=tuple(sorted(self._forgotten)),
                lapsed=tuple(self._lapsed.values()),
            )
        return self._state

    def add(self, entry: Entry) -> None:
        """Fold one entry in."""
        self._state = None
        if isinstance(entry, Renamed):
            self._renamed(entry.before, entry.after)
            return
        self._settle_moves()
        match entry:
            case Began(intent):
                self._intents.pop(intent.op, None)
                self._intents[intent.op] = intent
            case Made(op, instance):
                self._made(self._exact(instance))
                self._intents.pop(op, None)
            case Adopted(op, instance):
                self._superseded.pop(instance.key, None)
                self._made(self._exact(instance))
                self._forgotten = {f for f in self._forgotten if f.id != instance.id}
                self._intents.pop(op, None)
            case Settled(op, instance):
                self._settled(self._exact(instance))
                self._intents.pop(op, None)
            case Deleted(op, address, id_, account):
                self._deleted(address, id_, account)
                self._intents.pop(op, None)
            case Lapsed(op, lapse, id_, account):
                self._deleted(lapse.address, id_, account)
                self._lapsed[lapse.address] = lapse
                self._intents.pop(op, None)
            case Forgot(address, id_, account):
                self._forgot(address, id_, account)
            case Abandoned(op, _):
                self._intents.pop(op, None)
            case Published(outputs):
                self._outputs = dict(outputs)
            case Approved() | Concluded():
                self._allow(entry)
            case _:
                assert_never(entry)

    def _allow(self, entry: Approved | Concluded) -> None:
        if isinstance(entry, Approved):
            self._approvals[entry.approval.id] = entry.approval
        else:
            self._approvals.pop(entry.id, None)

    def _made(self, instance: Instance) -> None:
        if self._superseded and instance.key in self._superseded:
            return
        before = self._live.get(instance.address)
        if before is not None and before.key != instance.key:
            self._superseded[before.key] = before
        self._live[instance.address] = instance
        self._lapsed.pop(instance.address, None)

    def _settled(self, instance: Instance) -> None:
        live = self._live.get(instance.address)
        if live is not None and live.key == instance.key:
            self._live[instance.address] = instance
        elif instance.key in self._superseded:
            self._superseded[instance.key] = instance

    def _forgot(self, address: Address, id_: str, account: str) -> None:
        for instance in self._called(address, id_, account):
            if instance.provider != BUILTIN:
                self._forgotten.add(Forgotten(instance.account, id_, instance.op))
        self._deleted(address, id_, account)

    def _deleted(self, address: Address, id_: str, account: str) -> None:
        for instance in self._called(address, id_, account):
            if self._live.get(address) is instance:
                del self._live[address]
            self._superseded.pop(instance.key, None)

    def _called(self, address: Address, id_: str, account: str) -> list[Instance]:
        """What is recorded at an address under an id, in an account or, where none is said, any."""
        found = [self._live[address]] if address in self._live else []
        if account:
            kept = self._superseded.get(Need(address, id_, account))
            found += [kept] if kept is not None else []
        else:
            found += [i for i in self._superseded.values() if i.address == address]
        return [i for i in found if i.id == id_ and account in {"", i.account}]

    def _exact(self, instance: Instance) -> Instance:
        """Return an instance whose needs name what is recorded, by its account too."""
        return exact(instance, self._live, self._superseded)

    def _renamed(self, before: Address, after: Address) -> None:
        if self._moves is None:
            self._moves, self._taken = Moves(), set(self._live)
        if before in self._taken and after not in self._taken:
            self._taken.remove(before)
            self._taken.add(after)
            self._moves.add(before, after)

    def _settle_moves(self) -> None:
        moves, self._moves = self._moves, None
        if moves is None or not moves.where:
            return
        live = [moves.instance(i) for i in self._live.values()]
        superseded = [moves.instance(i) for i in self._superseded.values()]
        self._live = {i.address: i for i in live}
        self._superseded = {i.key: i for i in superseded}
        self._approvals = {id_: moves.approval(a) for id_, a in self._approvals.items()}


def fold(state: State, entries: Iterable[Entry]) -> State:
    """Apply entries in order."""
    folding = Folding(state)
    for entry in entries:
        folding.add(entry)
    return folding.state


def renamed(state: State, before: Address, after: Address) -> State:
    """Return the state in which everything at one address stands at another.

    Nothing happens when nothing is there, or when the new address is taken: then it is the very
    same state.
    """
    if before not in state.instances or after in state.instances:
        return state
    return fold(state, (Renamed(before, after),))
