"""A store that lives as long as the process: for rehearsals and tests."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError
from tunectl.core.ports import Blob, Holder, Lease
from tunectl.stores.holders import held, lost, not_the_holder, who

_POLL = 0.01  # seconds between attempts to take a held lock


@dataclass(frozen=True, slots=True)
class _MemoryLease:
    holder: Holder
    store: MemoryStore
    name: str

    def check(self) -> None:
        """Raise `LockError` when the lock was broken.

        Raises:
            LockError: another holder may have it now.
        """
        now = self.store.holder(self.name)
        if now is None or now.id != self.holder.id:
            raise lost(self.name)


class MemoryStore:
    """State in this process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._holders: dict[str, Holder] = {}
        self._guard = threading.RLock()

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist."""
        with self._guard:
            content = self._blobs.get(name)
        return None if content is None else Blob(content, _generation(content))

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
        """
        with self._guard:
            there = self.read(name)
            if (there.generation if there else None) != expected:
                raise StaleError.of(
                    f"state `{name}` was changed by someone else meanwhile",
                    hint="run `tunectl plan` again",
                )
            self._blobs[name] = content
        return _generation(content)

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines."""
        with self._guard:
            self._blobs[name] = self._blobs.get(name, b"") + b"".join(x + b"\n" for x in lines)

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the complete lines of a log."""
        blob = self.read(name)
        if blob is not None:
            yield from blob.content.split(b"\n")[:-1]

    def list(self, prefix: str) -> list[str]:
        """Return the names that begin so, sorted."""
        with self._guard:
            return sorted(name for name in self._blobs if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove it; missing is fine."""
        with self._guard:
            self._blobs.pop(name, None)

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
        """
        return self._lock(name, operation, timeout)

    @contextlib.contextmanager
    def _lock(self, name: str, operation: str, timeout: float) -> Iterator[Lease]:
        mine = who(operation)
        deadline = time.monotonic() + timeout
        while not self._taken(name, mine):
            if time.monotonic() >= deadline:
                raise held(self.holder(name))
            time.sleep(_POLL)
        try:
            yield _MemoryLease(mine, self, name)
        finally:
            with self._guard:
                if self._holders.get(name) == mine:
                    del self._holders[name]

    def _taken(self, name: str, mine: Holder) -> bool:
        with self._guard:
            return self._holders.setdefault(name, mine) == mine

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now, None when it is free."""
        with self._guard:
            return self._holders.get(name)

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
        """
        with self._guard:
            holder = self._holders.get(name)
            if holder is None or holder.id != lock_id:
                raise not_the_holder(lock_id, holder)
            del self._holders[name]


def _generation(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
