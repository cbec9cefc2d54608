"""Leases: a lock that is kept for as long as its holder is alive.

A lease is a record in the store that its holder writes anew every few seconds. Three laws:

- A record that was not written for its whole term is nobody's: whoever comes may take it over by
  compare-and-swap. How old it is, is judged by the store's own clock where the store tells it, and
  else by watching it for a whole term; the clocks of two machines are never compared.
- A holder that could not write for two thirds of the term stops before anybody may take it over.
- The lease stops a holder from starting anything new. It does not fence: what an old holder writes
  late is fenced by the serial that every line of the journal names.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Protocol

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Holder
from tunectl.stores.holders import held, lost, not_the_holder, parsed, who

__all__ = [
    "Cell",
    "HeldLease",
    "LeaseLock",
    "Seen",
    "Terms",
    "held",
    "lost",
    "not_the_holder",
    "now",
    "who",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a lease holds, all in seconds.

    Object stores take about one write a second of the same object (Cloud Storage quotas,
    2026-11), so a beat is never shorter than a few seconds outside tests.

    Attributes:
        ttl: a record that was not written for so long is nobody's.
        beat: between two writes of the holder.
        fresh: a look at the record answers for so long.
        poll: between two looks of one who waits.
    """

    ttl: float = 60.0
    beat: float = 10.0
    fresh: float = 1.0
    poll: float = 0.5

    @property
    def grace(self) -> float:
        """How long after its last write a holder may go on."""
        return self.ttl * 2 / 3


@dataclass(frozen=True, slots=True)
class Seen:
    """A lock's record as it was read.

    Attributes:
        generation: what a conditional write names.
        age: seconds since it was written, by the store's own clock; None where it tells none.
    """

    content: bytes
    generation: str
    age: float | None = None


class Cell(Protocol):
    """The place of one lock's record. Every call is safe from several threads."""

    def read(self) -> Seen | None:
        """Return the record, None when there is none.

        Raises:
            StateError: that cannot be told.
        """
        ...

    def write(self, content: bytes, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist); return the new one.

        Raises:
            StaleError: it is not.
            StateError: it may or may not be written.
        """
        ...

    def remove(self, expected: str) -> None:
        """Remove when the generation is still `expected`; missing is fine.

        Raises:
            StaleError: it is not.
            StateError: it may or may not be removed.
        """
        ...


def now() -> float:
    """Return seconds of a clock that also runs while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class LeaseLock:
    """One lock, kept as a record in a cell."""

    def __init__(
        self,
        cell: Cell,
        name: str,
        terms: Terms | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        """Describe a lock; nothing is read or written yet.

        Args:
            cell: where its record lives.
            name: what messages call it (an environment).
            terms: how long a lease holds; a minute when not said.
            clock: seconds, only ever compared with itself.
        """
        self.cell = cell
        self.name = name
        self.terms = terms or Terms()
        self._clock = clock

    @contextlib.contextmanager
    def hold(self, operation: str, timeout: float = 0.0) -> Iterator[HeldLease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
            StateError: the store cannot be used.
        """
        lease = self._take(who(operation), timeout)
        lease.start()
        try:
            yield lease
        finally:
            lease.release()

    def holder(self) -> Holder | None:
        """Return who holds the lock now, None when it is free.

        Raises:
            StateError: that cannot be told.
        """
        seen = self.cell.read()
        if seen is None:
            return None
        record = _record(seen.content, self.name)
        expired = seen.age is not None and seen.age >= record.ttl
        return None if expired else record.holder

    def break_(self, lock_id: str) -> None:
        """Remove the lock by its id.

        Raises:
            LockError: when the id is not the holder's.
            StateError: the store cannot be used.
        """
        while True:
            seen = self.cell.read()
            holder = _record(seen.content, self.name).holder if seen else None
            if seen is None or holder is None or holder.id != lock_id:
                raise not_the_holder(lock_id, holder)
            with contextlib.suppress(StaleError):  # its holder has just written: look again
                self.cell.remove(seen.generation)
                return

    def _take(self, mine: Holder, timeout: float) -> HeldLease:
        begun = self._clock()
        watch = _Watch(self._clock)
        while True:
            seen = self.cell.read()
            record = _record(seen.content, self.name) if seen else None
            if seen is None or (record is not None and watch.expired(seen, record.ttl)):
                lease = HeldLease(self.cell, self.name, mine, self.terms, self._clock)
                with contextlib.suppress(StaleError):  # another was faster: look who
                    lease.write(seen.generation if seen else None)
                    return lease
                time.sleep(min(self.terms.poll, 0.05))
            elif self._clock() - begun >= timeout:
                raise held(record.holder if record else None)
            else:
                left = timeout - (self._clock() - begun)
                time.sleep(max(0.0, min(self.terms.poll, left)))


class HeldLease:
    """A lock that is held: a thread writes its record anew until it is released."""

    def __init__(
        self, cell: Cell, name: str, holder: Holder, terms: Terms, clock: Callable[[], float]
    ) -> None:
        self._cell = cell
        self._name = name
        self._holder = holder
        self._terms = terms
        self._clock = clock
        self._mutex = threading.RLock()
        self._ended = threading.Event()
        self._lost = False
        self._beats = 0
        self._generation = ""
        self._confirmed = self._looked = clock()
        self._thread = threading.Thread(target=self._beat, name=f"lease {name}", daemon=True)

    @property
    def holder(self) -> Holder:
        """Who holds it: we."""
        return self._holder

    def write(self, expected: str | None) -> None:
        """Write the record.

        Raises:
            StaleError: it is another's now.
            StateError: it may or may not be written.
        """
        with self._mutex:
            begun = self._clock()
            self._beats += 1
            content = _content(self._holder, self._terms.ttl, self._beats)
            self._generation = self._cell.write(content, expected)
            self._confirmed = self._looked = begun

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def check(self) -> None:
        """Return when the lock is ours for certain.

        Raises:
            LockError: it was lost: broken, taken over, or out of reach for too long.
        """
        with self._mutex:
            self._renew_when_old()
            if not self._lost and self._clock() - self._looked >= self._terms.fresh:
                self._look()
            if self._lost:
                raise lost(self._name)

    def abandon(self) -> None:
        """Beat no more and leave the record as it is, as a process does that is killed."""
        self._ended.set()
        self._thread.join()

    def release(self) -> None:
        """Remove the record, where it still is ours. What cannot be removed runs out by itself."""
        self._ended.set()
        self._thread.join()
        with self._mutex, contextlib.suppress(StateError):
            if not self._lost:
                self._lost = True
                self._cell.remove(self._generation)

    def _beat(self) -> None:
        while not self._ended.wait(self._terms.beat):
            with self._mutex:
                if self._lost:
                    return
                self._renew()

    def _renew_when_old(self) -> None:
        """After a sleep of the machine the record may be old, and still nobody else's."""
        if not self._lost and self._clock() - self._confirmed >= self._terms.grace:
            if not self._ended.is_set():
                self._renew()
            self._lost = self._lost or self._clock() - self._confirmed >= self._terms.grace

    def _renew(self) -> None:
        try:
            self.write(self._generation)
        except StaleError:
            self._lost = True
        except StateError:
            return  # out of reach: the clock decides how long that may last

    def _look(self) -> None:
        begun = self._clock()
        try:
            seen = self._cell.read()
        except StateError:
            return  # out of reach: the clock decides how long that may last
        self._looked = begun
        record = _record(seen.content, self._name) if seen else None
        if seen is None or record is None or record.holder.id != self._holder.id:
            self._lost = True
        elif seen.age is not None and seen.age >= record.ttl:
            self._lost = True  # anybody may take it at any moment


class _Watch:
    """Tells whether a record has run out, without comparing two clocks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._generation: str | None = None
        self._since = 0.0

    def expired(self, seen: Seen, ttl: float) -> bool:
        if seen.age is not None:
            return seen.age >= ttl
        if seen.generation != self._generation:
            self._generation, self._since = seen.generation, self._clock()
        return self._clock() - self._since >= ttl


@dataclass(frozen=True, slots=True)
class _Record:
    holder: Holder
    ttl: float


def _content(holder: Holder, ttl: float, beats: int) -> bytes:
    return orjson.dumps({**asdict(holder), "ttl": ttl, "beats": beats})


def _record(content: bytes, name: str) -> _Record:
    holder = parsed(content)
    if holder is None:
        raise StateError.of(
            f"the lock of `{name}` cannot be understood",
            hint="it was not written by tunectl, or by a newer version; check the `state:` address",
            code="lock-malformed",
        )
    ttl = orjson.loads(content).get("ttl")
    return _Record(holder, float(ttl) if isinstance(ttl, int | float) else Terms().ttl)
