"""What is wanted and what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import Enum

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import SCALARS, Address, Plain, Ref, Value, dig, refs

BUILTIN = "builtin"


class Status(Enum):
    """Where a remote object is in its life."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        """Whether waiting changes nothing any more."""
        return self is not Status.PENDING


class Recreate(Enum):
    """When an object that vanished is made again."""

    FREELY = "freely"
    ON_DEMAND = "on_demand"  # only for a dependant that is itself about to be made
    ON_REQUEST = "on_request"  # it costs money: only when the user asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The user's word on replacing and deleting.

    Attributes:
        protect: refuse any plan that deletes or replaces it.
        ignore_changes: fields, or parts of them (`method.epochs`), whose edits are not applied.
        keep_on_destroy: forget it instead of deleting it.
        keep_previous: how many superseded objects to keep.
    """

    protect: bool = False
    ignore_changes: frozenset[str] = frozenset()
    keep_on_destroy: bool = False
    keep_previous: int = 0


USUAL = Lifecycle()  # one for all of whom nothing is said: the very same is found equal at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When an object is to end; at most one of `after` and `at` is set.

    Attributes:
        after: seconds from its creation.
        at: an instant, ISO 8601 in UTC (`2027-01-31T00:00:00Z`).
        idle: seconds without use after which its provider ends it: one that is gone is over.
    """

    after: int | None = None
    at: str | None = None
    idle: int | None = None


def deadline(expires: Expiry | None, since: str) -> str:
    """Return when an object ends by itself.

    Args:
        expires: as declared.
        since: from when a time to live counts, ISO 8601; empty when that is not known.

    Returns:
        ISO 8601, UTC; empty for never.
    """
    if expires is None:
        return ""
    if expires.at is not None:
        return utc(expires.at).isoformat(timespec="seconds")
    if expires.after is None or not since:
        return ""
    return (utc(since) + timedelta(seconds=expires.after)).isoformat(timespec="seconds")


def utc(text: str) -> datetime:
    """Read an ISO 8601 instant; one without a zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Origin:
    """`from: {env, address}`: the object of another environment that is wanted here too."""

    env: str
    address: Address
    source: Source | None = None


NOTHING: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One wanted object.

    Attributes:
        provider: the name under `providers:`, or `builtin`.
        spec: the settings; may hold references.
        immutable: top-level fields whose change needs a new object.
        deferred: top-level fields whose change waits for the next new object.
        inputs: top-level fields read only at creation; never compared.
        fingerprint: identity of a one-way action (`fp1:…`); when both sides have one it alone
            decides on replacement and the deltas merely explain.
        outputs: names of the outputs other resources may refer to.
        stable: those outputs that an update in place never changes.
        follows: outputs that an update in place changes only with a field, each with that field.
        recreate: when an object that vanished is made again.
        parent: the resource it is shown under, for derived resources.
        destroy_first: a fixed name forces the old object out before the new one is made.
        retired: why none can be made any more; empty when one can. One that exists may stay.
        expires: when it is to be deleted; None keeps it for good.
        origin: where it shall come from instead of being made; None makes it.
    """

    address: Address
    provider: str
    spec: Mapping[str, Value]
    immutable: frozenset[str] = frozenset()
    deferred: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    fingerprint: str | None = None
    outputs: tuple[str, ...] = ()
    stable: frozenset[str] = frozenset()
    follows: tuple[tuple[str, str], ...] = ()
    depends_on: tuple[Address, ...] = ()
    lifecycle: Lifecycle = USUAL
    recreate: Recreate = Recreate.FREELY
    parent: Address | None = None
    destroy_first: bool = False
    retired: str = ""
    expires: Expiry | None = None
    origin: Origin | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    source: Source | None = None

    # Asked for again and again, and each time the same; a copy finds its own.
    _refs: tuple[Ref, ...] | None = field(default=None, init=False, repr=False, compare=False)
    _needs: frozenset[Address] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every reference in the spec."""
        found = self._refs
        if found is None:
            spec = self.spec  # most hold scalars alone, which refer to nothing
            found = () if SCALARS.issuperset(map(type, spec.values())) else tuple(refs(spec))
            object.__setattr__(self, "_refs", found)
        return found

    @property
    def needs(self) -> frozenset[Address]:
        """The addresses that must be ready before it."""
        found = self._needs
        if found is None:
            referred = self.refs
            found = NOTHING
            if referred or self.depends_on:
                found = frozenset([*[ref.address for ref in referred], *self.depends_on])
            object.__setattr__(self, "_needs", found)
        return found


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One object that another was made from: the address and the id it had then.

    Attributes:
        account: where it lives: a name that is fixed is the same id in every account. Empty in
            records of versions that did not say; told when they are read.
    """

    address: Address
    id: str
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One object that exists, as recorded or as observed.

    Attributes:
        account: the identity of the account it lives in, never a key.
        id: the provider's own id.
        spec: the settled settings it was made from.
        outputs: what others may refer to.
        progress: a short text while it is pending (`62%, 1 min left`).
        reason: the provider's words when it failed.
        op: the operation that made it, carried in its owner mark.
        created_at: ISO 8601, UTC.
        renewed_at: since when its time to live counts, where the user renewed it; ISO 8601, UTC.
        deadline: when it ends by itself; ISO 8601, UTC, empty for never.
    """

    address: Address
    provider: str
    account: str
    id: str
    spec: Mapping[str, Plain]
    outputs: Mapping[str, Plain] = field(default_factory=dict)
    status: Status = Status.READY
    needs: tuple[Need, ...] = ()
    fingerprint: str | None = None
    progress: str = ""
    reason: str = ""
    op: str = ""
    created_at: str = ""
    renewed_at: str = ""
    deadline: str = ""
    lifecycle: Lifecycle = USUAL
    recreate: Recreate = Recreate.FREELY
    parent: Address | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Need:
        """What identifies this very object."""
        return Need(self.address, self.id, self.account)


def output(instance: Instance | None, ref: Ref) -> Value:
    """Return the output a reference means; the reference itself where there is none."""
    if instance is None:
        return ref
    if len(ref.path) == 1:
        return instance.outputs.get(ref.path[0], ref)
    try:
        return dig(instance.outputs, ref.path)
    except KeyError:
        return ref
