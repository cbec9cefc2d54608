"""One apply while it runs: the state as it becomes, the journal, and the events."""

from __future__ import annotations

import hashlib
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from tunectl.core.dataclass import dataclass
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Change
from tunectl.core.ports import (
    Connect,
    Handler,
    Journal,
    Mark,
    Original,
    Reader,
    Request,
    Shares,
)
from tunectl.core.resource import Instance, Need, Resource, deadline, output
from tunectl.core.state import Entry, Folding, State
from tunectl.core.steps import Step
from tunectl.core.value import Address, Plain, Ref, Value, canonical, plain, resolve, settle

SPEC = "spec:"  # begins the identity of what has no fingerprint of its own


class Alone:
    """Nobody else uses anything."""

    def claim(self, instance: Instance) -> bool:
        """Return that it may be used."""
        del instance
        return True

    def release(self, instance: Instance) -> bool:
        """Return that nobody else uses it."""
        del instance
        return True


def no_other(env: str, instance: Instance) -> Original:
    """Refuse to reach another environment.

    Raises:
        LookupError: always.
    """
    raise LookupError(f"`{instance.address}` of environment `{env}` cannot be reached from here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What an apply works with.

    Attributes:
        clock: the current time, UTC.
        wait: whether to wait for pending objects; without it they are left running.
        patience: seconds to wait for pending objects while nothing else is left to do; then they
            are left running. None: until they are done.
        stop: set by the first Ctrl-C: nothing new starts, waits detach.
        backoff: seconds before each further attempt at a call that was refused as one too many.
        settle: seconds to let a provider's listing catch up after an unclear create.
        shares: who else uses what.
        hold: called before each new step; raises when the lock was lost.
        original: connects the object of another environment that is copied.
    """

    connect: Connect
    journal: Journal
    reader: Reader
    clock: Callable[[], datetime]
    wait: bool = True
    patience: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    settle: tuple[float, ...] = (0.5, 1.0, 2.0)
    backoff: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    parallelism: int = 10
    shares: Shares = field(default_factory=Alone)
    hold: Callable[[], None] = lambda: None
    original: Callable[[str, Instance], Original] = no_other


class Run:
    """The state as it becomes. Every change goes through the journal first."""

    def __init__(self, state: State, tools: Tools, changes: Sequence[Change] = ()) -> None:
        """Begin.

        Args:
            state: as recorded.
            tools: what to work with.
            changes: what is going to be done.
        """
        self.tools = tools
        self._changes = changes
        self._refused: set[Address] = set()  # for good
        self.events: queue.SimpleQueue[tuple[Event, ...] | None] = queue.SimpleQueue()  # the end
        self.let_go = threading.Event()  # waits end, whatever they wait for
        self._whose = state  # its lineage, project and environment never change
        self._folding = Folding(state)
        self._guard = threading.Lock()
        self._accounts: dict[str, str] = {}

    @property
    def state(self) -> State:
        """The state as of now. Copies it when it has changed: one object is cheaper by `live`."""
        with self._guard:
            return self._folding.state

    def live(self, address: Address) -> Instance | None:
        """Return the instance at an address as of now, None when there is none."""
        return self._folding.instances.get(address)

    def refuse(self, address: Address) -> None:
        """Take notice that what is wanted at an address can never be made."""
        self._refused.add(address)

    def wants(self, address: Address) -> bool:
        """Whether anything that is being made, or may be, needs what is at an address."""
        return any(
            change.after is not None
            and address in change.after.needs
            and change.address not in self._refused
            for change in self._changes
        )

    def record(self, *entries: Entry) -> None:
        """Make entries durable together, then fold them in.

        Raises:
            StateError: they could not be made durable.
        """
        self.tools.journal.append(*entries)
        with self._guard:
            for entry in entries:
                self._folding.add(entry)

    def tell(self, *events: Event) -> None:
        """Hand events to whoever listens."""
        self.events.put(events)

    def nap(self, seconds: float) -> None:
        """Pause before the next look; a stop, or letting go, ends it soon."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.let_go.is_set():
            if self.tools.stop.wait(min(left, 0.1)):
                return

    def account(self, provider: str) -> str:
        """Return a provider's account; it is asked once.

        Raises:
            ProviderError: it cannot be told.
        """
        found = self._accounts.get(provider)
        if found is None:
            found = self._accounts[provider] = self.tools.connect(provider).account()
        return found

    def handler(self, provider: str, kind: str) -> Handler:
        """Return a provider's handler of a kind."""
        return self.tools.connect(provider).handlers[kind]

    def request(
        self,
        resource: Resource,
        op: str,
        prior: Instance | None = None,
        *,
        former: Instance | None = None,
        copied: bool = False,
    ) -> Request:
        """Settle a resource's spec against the state and make the request.

        Args:
            resource: what is wanted.
            op: the operation that makes it.
            prior: the object as it is, for an update.
            former: what was recorded here before, for a creation.
            copied: it is made of another object: what is read only at a creation is left out, and
                what nothing tells yet.

        Raises:
            LookupError: a reference has no value yet.
        """
        live = {a: found for a in resource.needs if (found := self.live(a)) is not None}
        spec = known(resource, live) if copied else settled(resource.spec, live)
        return Request(
            resource=resource,
            spec=spec,
            mark=self.mark(resource.address, op),
            reader=self.tools.reader,
            now=self.tools.clock(),
            prior=prior,
            former=former,
            dependencies=live,
        )

    def mark(self, address: Address, op: str) -> Mark:
        """Return the owner mark of an operation."""
        whose = self._whose
        return Mark(
            lineage=whose.lineage, project=whose.project, env=whose.env, address=address, op=op
        )

    def now(self) -> str:
        """The clock as ISO 8601."""
        return self.tools.clock().isoformat(timespec="seconds")


def told_of(
    phase: Phase,
    step: Step,
    began: float,
    *,
    id_: str = "",
    message: str = "",
    detail: Mapping[str, Plain] | None = None,
) -> Event:
    """Return an event about a step that began at this monotonic time."""
    return Event(
        phase=phase,
        address=step.address,
        verb=step.verb,
        id=id_,
        elapsed=time.monotonic() - began,
        message=message,
        detail=detail or {},
    )


def mint() -> str:
    """Return a new operation's id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def lookup(live: Mapping[Address, Instance], ref: Ref) -> Value:
    """Return the recorded output a reference means; the reference when there is none."""
    return output(live.get(ref.address), ref)


def settled(spec: Mapping[str, Value], live: Mapping[Address, Instance]) -> dict[str, Plain]:
    """Settle a spec against the live instances.

    Raises:
        LookupError: naming the reference that is still unknown.
    """
    return {key: settle(value, lambda ref: lookup(live, ref)) for key, value in spec.items()}


def known(resource: Resource, live: Mapping[Address, Instance]) -> dict[str, Plain]:
    """Settle what can be settled, without what is read only at a creation."""
    spec: dict[str, Plain] = {}
    for key, value in resource.spec.items():
        done = resolve(value, lambda ref: lookup(live, ref))
        try:
            if key not in resource.inputs:
                spec[key] = plain(done)
        except TypeError:
            continue
    return spec


def told(resource: Resource, found: Instance, live: Mapping[Address, Instance]) -> dict[str, Plain]:
    """The declared settings, as far as they are known, over what an object itself tells."""
    spec: dict[str, Plain] = dict(found.spec)
    for key, value in resource.spec.items():
        if key in resource.inputs and key in spec:
            continue
        done = resolve(value, lambda ref: lookup(live, ref))
        try:
            spec[key] = plain(done)
        except TypeError:
            continue
    return spec


def identity(resource: Resource, spec: Mapping[str, Plain]) -> str:
    """Return what tells whether an object was made from these very settings.

    Args:
        resource: its own fingerprint counts where it has one.
        spec: the settled settings.
    """
    if resource.fingerprint:
        return resource.fingerprint
    return SPEC + hashlib.sha256(canonical(dict(spec)).encode()).hexdigest()


def uses(resource: Resource, live: Mapping[Address, Instance]) -> tuple[Need, ...]:
    """Return the objects a resource refers to, as they are now.

    What it only `depends_on` comes before it and is not held by it.
    """
    referred = {ref.address for ref in resource.refs}
    return tuple(sorted(live[a].key for a in referred if a in live))


def completed(made: Instance, request: Request, account: str) -> Instance:
    """Return a handler's product with everything only the engine knows."""
    resource = request.resource
    born = made.created_at or request.now.isoformat(timespec="seconds")
    return Instance(
        address=resource.address,
        provider=resource.provider,
        account=account,
        id=made.id,
        spec=dict(request.spec),
        outputs=made.outputs,
        status=made.status,
        needs=uses(resource, request.dependencies),
        fingerprint=resource.fingerprint,
        progress=made.progress,
        reason=made.reason,
        op=request.mark.op,
        created_at=born,
        deadline=deadline(resource.expires, born),
        lifecycle=resource.lifecycle,
        recreate=resource.recreate,
        parent=resource.parent,
        labels=dict(resource.labels),
    )
