"""All that a plugin must import: what it is told and what it must answer.

What it may offer beyond that is in `abilities`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import datetime
from typing import BinaryIO, Protocol

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic
from tunectl.core.resource import Instance, Resource
from tunectl.core.state import Entry
from tunectl.core.value import Address, Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose a remote object is; carried in its metadata, labels, tags or name."""

    lineage: str
    project: str
    env: str
    address: Address
    op: str
    tool: str = "tunectl"


class Reader(Protocol):
    """Gives the bytes of a derived upload."""

    def open(self, spec: Mapping[str, Plain]) -> AbstractContextManager[BinaryIO]:
        """Open the converted rows that an upload's settled spec describes.

        Raises:
            StaleError: when the data is no longer what was planned.
        """
        ...

    def rows(self, spec: Mapping[str, Plain]) -> Iterator[Mapping[str, Plain]]:
        """Yield the same rows as chat objects, for few-shot examples."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """All a handler is told when it creates or updates.

    Attributes:
        resource: what is wanted, with its references.
        spec: the same settings, settled.
        mark: the owner mark the object must carry.
        reader: where upload bytes come from.
        prior: the object as it is, for an update.
        former: what was recorded here before, for a creation: gone, or about to be replaced.
        dependencies: the live instances the spec refers to.
        now: the engine's clock, UTC.
    """

    resource: Resource
    spec: Mapping[str, Plain]
    mark: Mark
    reader: Reader
    now: datetime
    prior: Instance | None = None
    former: Instance | None = None
    dependencies: Mapping[Address, Instance] = field(default_factory=dict)


class Handler(Protocol):
    """One kind at one provider. A handler holds no state between calls and is thread-safe."""

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say offline what this provider would refuse: limits, names, models, retirement."""
        ...

    def read(self, instance: Instance) -> Instance | None:
        """Return the object as it is now, None when it is gone.

        Raises:
            ProviderError: when that cannot be told; never guesses "gone".
        """
        ...

    def create(self, request: Request) -> Instance:
        """Make it, carrying the mark, and return at once; it may be pending.

        Raises:
            InvalidRequestError: definitely refused, nothing was made.
            UnknownOutcomeError: it may or may not exist; `find` will tell.
        """
        ...

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the objects that carry this mark's `op`."""
        ...

    def poll(self, instance: Instance) -> Instance:
        """Return the progress of a pending one."""
        ...

    def update(self, request: Request) -> Instance:
        """Change `request.prior` in place; it may be pending."""
        ...

    def delete(self, instance: Instance) -> Instance | None:
        """Remove it; already gone is fine. Returns what stays for ever (a record), or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object at a provider, with its mark where it carries one.

    Attributes:
        instance: what is there; its address and `op` are the mark's as far as they can be told.
            `needs` are the ids that the provider says it was made from.
        mark: whose it is; None where the object carries none, or (with an `op`) too little of one.
        created_at: ISO 8601, UTC; empty where the provider does not say.
    """

    instance: Instance
    mark: Mark | None = None
    created_at: str = ""


class Recognises(Protocol):
    """A handler that can tell by content what a lost create made: marks may be dropped there."""

    def alike(self, mark: Mark, spec: Mapping[str, Plain], since: datetime) -> Iterable[Instance]:
        """Yield what has no mark and can only be of these settled settings, asked for since then.

        Raises:
            UnknownOutcomeError: it cannot be told whether there is one.
        """
        ...


class Lists(Protocol):
    """A handler that can list every object of its kind in the account."""

    def list(self) -> Iterable[Found]:
        """Yield every object of the kind, marked or not, with one question a page.

        Of one that is ready it says what `read` says; of any other its status alone counts.

        Raises:
            ProviderError: when the listing may be incomplete; never a shortened list.
        """
        ...


class Events(Protocol):
    """A handler that can tell what happened inside a long job."""

    def events(self, instance: Instance, since: str | None = None) -> Iterable[JobEvent]:
        """Yield events in order, those after the id `since` only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """An object of another account, of which a copy is wanted.

    Attributes:
        handler: of its own account, connected as its environment recorded it.
    """

    instance: Instance
    handler: Handler


class Copies(Protocol):
    """A handler that can copy an object of another account into its own."""

    def copies(self, original: Original) -> bool:
        """Say whether it could copy that: by the kinds of service alone, nothing is asked."""
        ...

    def copy(self, request: Request, original: Original) -> Instance:
        """Make the copy in one step, carrying the mark, so that `find` finds it; may be pending.

        Raises:
            NotFoundError: the original is gone.
            InvalidRequestError: definitely refused, nothing was made.
            UnknownOutcomeError: it may or may not exist; `find` will tell.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One event of a long job.

    Attributes:
        at: Unix time, seconds.
        data: metrics (`step`, `total_steps`, `train_loss`, `valid_loss`, `seconds_left`).
    """

    id: str
    at: float
    level: str
    message: str
    data: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model an account can use.

    Attributes:
        shutdown_date: ISO date on which the provider turns it off, None when not announced.
        created: Unix time, seconds.
    """

    id: str
    owned_by: str = ""
    created: int = 0
    shutdown_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What a part of an answer rests on, as the provider says it.

    Attributes:
        text: the words that are quoted; empty where the provider names the source alone.
        source: a file's name, a URL; empty where the provider says the title alone.
        index: which of the documents that were sent, from 0; None where none is named.
    """

    text: str = ""
    source: str = ""
    title: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of an answer. The last piece has the reason it ended and the token counts.

    Attributes:
        citations: what the text before this piece rests on.
        prompt_tokens: all that was read, from a prompt cache or not.
        cache_read_tokens: of these, what came from a prompt cache.
        cache_written_tokens: of these, what was written to one.
    """

    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_read_tokens: int = 0
    cache_written_tokens: int = 0
    citations: tuple[Citation, ...] = ()


class Provider(Protocol):
    """A configured account. A kind that is missing from `handlers` is unsupported."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by kind."""
        ...

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: when the key is missing or refused.
        """
        ...

    def models(self) -> Iterable[Model]:
        """Yield the models the account can use, with retirement dates."""
        ...


class Chat(Protocol):
    """A provider that can answer."""

    def chat(
        self, model: str, messages: Sequence[Mapping[str, Plain]], **params: Plain
    ) -> Iterator[Delta]:
        """Stream one answer."""
        ...


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored content with the generation a conditional write names."""

    content: bytes
    generation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock."""

    id: str
    who: str
    operation: str
    created: str
    pid: int = 0
    info: str = ""


class Lease(Protocol):
    """A held lock."""

    @property
    def holder(self) -> Holder:
        """Who holds it: we."""
        ...

    def check(self) -> None:
        """Raise `LockError` when the lease was lost."""
        ...


class Store(Protocol):
    """Where state lives. Every call is durable when it returns."""

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist."""
        ...

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist); return the new one.

        Raises:
            StaleError: when it is not.
        """
        ...

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines to a log."""
        ...

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a log; a torn last line is left out."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """Yield the names that begin so."""
        ...

    def delete(self, name: str) -> None:
        """Remove it; missing is fine."""
        ...

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
        """
        ...

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now."""
        ...

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
        """
        ...


class Shares(Protocol):
    """Who uses what, across the environments of one store. Thread-safe."""

    def claim(self, instance: Instance) -> bool:
        """Become a user, before it is recorded; False when it is not offered any more."""
        ...

    def release(self, instance: Instance) -> bool:
        """Be a user no longer, before it is deleted; True when nobody else is one."""
        ...


class Journal(Protocol):
    """The durable log of what an apply did. Thread-safe."""

    def append(self, *entries: Entry) -> None:
        """Return only when the entries are durable, in this order and with one write."""
        ...


Connect = Callable[[str], Provider]
