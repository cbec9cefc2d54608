"""A bucket of objects as a store: what Cloud Storage and S3 have in common.

Laws:

- Every write is conditional: on the generation it replaces, or on there being nothing.
- Every write carries a token of its own in the object's metadata. A refused condition is our own
  success, told late, exactly when the object that is there carries our token; so a reply that was
  lost is never reported as a conflict, and a write that did not land is safe to send again.
- An append is a new object that must not exist yet, `NAME/0000000001` and on. A batch is whole or
  not there.
- What is missing is told from a bucket that is missing or closed: those are errors.
"""

from __future__ import annotations

import contextlib
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Blob, Holder, Lease
from tunectl.stores.bucket import Bucket, Head, Moved, Unsure, settled
from tunectl.stores.generations import KEPT
from tunectl.stores.journal import DearAppends
from tunectl.stores.lease import LeaseLock, Seen, Terms

PAUSES = (0.2, 0.8, 2.0, 5.0)  # seconds before the second and each further try

T = TypeVar("T")

_STAMP = "%Y%m%dT%H%M%S%f"
_BATCH = re.compile(r"(?P<name>.+)/[0-9]{10}")
_LOCK = ".lock"
_AT_ONCE = 8  # batches read or removed at the same time


class ObjectStore(DearAppends):
    """State in a bucket."""

    def __init__(
        self,
        bucket: Bucket,
        prefix: str = "",
        *,
        terms: Terms | None = None,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Describe a store; nothing is asked yet.

        Args:
            bucket: where the objects are.
            prefix: before every key, without a slash at its end; may be empty.
            terms: of the locks.
            pauses: seconds between tries.
        """
        self.bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._terms = terms or Terms()
        self._pauses = tuple(pauses)
        self._batches: dict[str, int] = {}  # the last batch of each log that we know of
        self._numbering = threading.Lock()

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist.

        Raises:
            StateError: the bucket cannot be used.
        """
        return self._again(lambda: self.bucket.get(self._prefix + name))

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
            StateError: the bucket cannot be used.
        """
        if expected is not None:
            self._keep(name, expected)
        return self.put(name, content, expected)

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines as one batch.

        Raises:
            StateError: the bucket cannot be used.
        """
        content = b"".join(line + b"\n" for line in lines)
        with self._numbering:
            number = self._batches.get(name) or self._last_batch(name)
            while True:
                number += 1
                try:
                    self.put(f"{name}/{number:010d}", content, None)
                except StaleError:  # another client appended meanwhile
                    number = max(number, self._last_batch(name))
                else:
                    self._batches[name] = number
                    return

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a log; a torn last line is left out.

        Raises:
            StateError: the bucket cannot be used, or a batch inside the log is torn.
        """
        names = list(self._batch_names(name))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            blobs = pool.map(self.read, names)
            for batch, blob in zip(names, blobs, strict=True):
                if blob is None:  # removed since it was listed: the log was folded in
                    continue
                *lines, torn = blob.content.split(b"\n")
                if torn and batch != names[-1]:
                    raise StateError.of(
                        f"journal batch `{self._shown(batch)}` is torn",
                        hint="do not delete it: it records what was created last; "
                        "`tunectl state repair` uses what can still be read",
                        code="journal-damaged",
                    )
                yield from lines

    def list(self, prefix: str) -> list[str]:
        """Return the names that begin so, sorted; a log is one name.

        Raises:
            StateError: the bucket cannot be used.
        """
        names = set()
        for key in self._keys(prefix):
            batch = _BATCH.fullmatch(key)
            if not key.endswith(_LOCK):
                names.add(batch["name"] if batch else key)
        return sorted(names)

    def delete(self, name: str) -> None:
        """Remove an object or a log; missing is fine.

        Raises:
            StateError: the bucket cannot be used.
        """
        with self._numbering:
            self._batches.pop(name, None)
            names = list(self._batch_names(name)) or [name]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for _ in pool.map(self._remove, names):
                    pass

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
            StateError: the bucket cannot be used.
        """
        return self._hold(name, operation, timeout)

    @contextlib.contextmanager
    def _hold(self, name: str, operation: str, timeout: float) -> Iterator[Lease]:
        with self._lock(name).hold(operation, timeout) as lease:
            self._prove()
            with self._numbering:
                self._batches.clear()  # others may have written while we did not hold it
            yield lease

    def _prove(self) -> None:
        """Refuse a service that passes over conditions, before anything rests on them.

        Some services that speak S3, and most emulators, take a conditional write for a plain one.
        """
        if self.bucket.proven:
            return
        probe = f"{uuid.uuid4().hex}{_LOCK}"
        first = self.put(probe, b"1", None)
        second = self.put(probe, b"2", first)
        try:
            for expected in (None, first):
                with contextlib.suppress(StaleError):
                    self.put(probe, b"3", expected)
                    raise StateError.of(
                        f"state store `{self.bucket.where}` does not enforce conditional writes, "
                        "so two runs could overwrite each other's state",
                        hint="use a service that does, or an https:// or postgresql:// state",
                        code="state-unconditional",
                    )
        finally:
            self._remove(probe)
        self.bucket.proven = bool(second)

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now, None when it is free.

        Raises:
            StateError: the bucket cannot be used.
        """
        return self._lock(name).holder()

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
            StateError: the bucket cannot be used.
        """
        self._lock(name).break_(lock_id)

    def _lock(self, name: str) -> LeaseLock:
        return LeaseLock(_LockObject(self, name + _LOCK), name, self._terms)

    def head(self, name: str) -> Head | None:
        """Return what the bucket tells of an object, None when there is none.

        Raises:
            StateError: the bucket cannot be used.
        """
        return self._again(lambda: self.bucket.head(self._prefix + name))

    def put(self, name: str, content: bytes, expected: str | None) -> str:
        """Write one object conditionally, once, whatever becomes of the replies.

        Raises:
            StaleError: the generation is not `expected` any more.
            StateError: the bucket cannot be used.
        """
        token = uuid.uuid4().hex
        try:
            return self._again(
                lambda: self.bucket.put(self._prefix + name, content, token, expected)
            )
        except Moved:
            there = self.head(name)
        if there is not None and there.token == token:
            return there.generation
        raise _stale(name)

    def remove(self, name: str, expected: str) -> None:
        """Remove one object when its generation is still `expected`; missing is fine.

        Raises:
            StaleError: it is not.
            StateError: the bucket cannot be used.
        """
        try:
            self._again(lambda: self.bucket.remove(self._prefix + name, expected))
        except Moved:
            if self.head(name) is not None:  # else our own removal, told late
                raise _stale(name) from None

    def _remove(self, name: str) -> None:
        self._again(lambda: self.bucket.remove(self._prefix + name))

    def _keys(self, prefix: str) -> Iterable[str]:
        start = len(self._prefix)
        keys = self._again(lambda: list(self.bucket.keys(self._prefix + prefix)))
        return (key[start:] for key in keys)

    def _batch_names(self, name: str) -> Iterator[str]:
        for key in self._keys(f"{name}/"):
            batch = _BATCH.fullmatch(key)
            if batch is not None and batch["name"] == name:
                yield key

    def _last_batch(self, name: str) -> int:
        names = list(self._batch_names(name))
        return int(names[-1].rpartition("/")[2]) if names else 0

    def _keep(self, name: str, generation: str) -> None:
        """Copy what is about to be replaced, and drop all but the newest ten."""
        folder, slash, base = name.rpartition("/")
        stem = f"{folder}{slash}history/{base}."
        kept = list(self._keys(stem))
        stamp = datetime.fromtimestamp(self.bucket.time(), UTC)
        if kept and (last := _stamp(kept[-1], stem)) is not None and last >= stamp:
            stamp = last + timedelta(microseconds=1)
        target = f"{stem}{stamp.strftime(_STAMP)}.{_digits(generation)}"
        source = self._prefix + name
        try:
            self._again(lambda: self.bucket.copy(source, generation, self._prefix + target))
        except Moved:
            raise _stale(name) from None
        for old in [*kept, target][:-KEPT]:
            self._remove(old)

    def _shown(self, name: str) -> str:
        return f"{self.bucket.where}/{self._prefix}{name}"

    def _again(self, call: Callable[[], T]) -> T:
        """Try a call until something definite is known.

        Raises:
            StateError: nothing was, after all tries.
        """
        for pause in self._pauses:
            try:
                return call()
            except Unsure:
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads, hides nothing
        with settled():
            return call()


@dataclass(frozen=True, slots=True)
class _LockObject:
    """A lock's record as an object."""

    store: ObjectStore
    name: str

    def read(self) -> Seen | None:
        while (head := self.store.head(self.name)) is not None:
            blob = self.store.read(self.name)
            if blob is not None and blob.generation == head.generation:
                return Seen(blob.content, blob.generation, head.age)
        return None

    def write(self, content: bytes, expected: str | None) -> str:
        return self.store.put(self.name, content, expected)

    def remove(self, expected: str) -> None:
        self.store.remove(self.name, expected)


def _stale(name: str) -> StaleError:
    return StaleError.of(
        f"state `{name}` was changed by someone else meanwhile",
        hint="run `tunectl plan` again",
        code="state-moved",
    )


def _digits(generation: str) -> str:
    return re.sub("[^0-9a-f]", "", generation)[-8:].rjust(8, "0")


def _stamp(name: str, stem: str) -> datetime | None:
    try:
        text = name.removeprefix(stem).partition(".")[0]
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
