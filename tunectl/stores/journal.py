"""The durable log that follows a snapshot.

Law: a line names the serial of the snapshot it follows when it is written, never when it arrives:
a line that waits while the journal is folded into a new snapshot belongs to the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import orjson

from tunectl.core.entryrecord import entry_to_tree
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Store
from tunectl.core.state import Entry, State, fold

OUTGROWN = 16_000_000  # bytes: a shorter journal is never folded in before the end
_TIMES = 4  # so many times the snapshot is a journal that has outgrown it
_DEAR = 16  # where an append writes an object, or all of it: so many times sooner

Compact = Callable[[State], tuple[State, int]]


class DearAppends:
    """A store in which each append is an object of its own, or writes the whole log again."""


class _Batch:
    """Entries that become durable together; who brings the first one writes them all.

    The others wait for `open`, which is held until then: a lock costs a tenth of an event, and
    there are two such waits for each resource.
    """

    __slots__ = ("entries", "error", "open", "written")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.open = threading.Lock()
        self.open.acquire()
        self.written = False
        self.error: StateError | None = None


class StoredJournal:
    """A journal with group commit: what arrives while a write is under way goes with the next."""

    def __init__(
        self,
        store: Store,
        name: str,
        state: State,
        *,
        compact: Compact,
        snapshot_size: int,
        dear: bool = False,
    ) -> None:
        """Begin after a snapshot.

        Args:
            store: where the lines go.
            name: of the log.
            state: as the snapshot has it.
            compact: writes a new snapshot and returns it with its size in bytes.
            snapshot_size: bytes of the snapshot it follows.
            dear: the store's appends are dear, so that the journal is to stay short.
        """
        self._store = store
        self._name = name
        self._compact = compact
        self._dear = dear
        self._guard = threading.Lock()  # of the batch that is gathering
        self._gathering = _Batch()
        self._turn = threading.Lock()  # of the one thread that is writing; the rest is its own
        self._broken: StateError | None = None
        self._state = state
        self._since: list[Entry] = []
        self._size = 0
        self._limit = self._outgrown(snapshot_size)

    def append(self, *entries: Entry) -> None:
        """Return only when the entries are durable; they are written together, in this order.

        Raises:
            StateError: they could not be written; nothing after them is accepted either.
        """
        if not entries:
            return
        with self._guard:
            batch = self._gathering
            first = not batch.entries
            batch.entries += entries
        if not first:
            with batch.open:
                pass
        else:
            with self._turn:
                with self._guard:
                    self._gathering = _Batch()
                try:
                    self._write(batch)
                finally:
                    batch.open.release()
        if not batch.written:
            raise batch.error or StateError.of(f"journal `{self._name}` could not be written")

    def _write(self, batch: _Batch) -> None:
        if self._broken is not None:
            batch.error = self._broken
            return
        head = b'{"serial":%d,"entry":' % self._state.serial
        lines = [head + orjson.dumps(entry_to_tree(e)) + b"}" for e in batch.entries]
        try:
            self._store.append(self._name, lines)
        except StateError as error:
            self._broken = batch.error = error
            return
        batch.written = True
        self._since += batch.entries
        self._size += sum(map(len, lines)) + len(lines)
        if self._size > self._limit:
            self._broken = self._folded()

    def _folded(self) -> StateError | None:
        """Fold the journal into a new snapshot; return why nothing more may be written.

        Where the snapshot cannot be written, the disk being full, the journal still can tell
        what becomes of the work in flight: it goes on, and tries again when it has doubled.
        """
        try:
            self._state, size = self._compact(fold(self._state, self._since))
        except StaleError as error:
            return error
        except StateError:
            self._limit = 2 * self._size
            return None
        self._since, self._size, self._limit = [], 0, self._outgrown(size)
        return None

    def _outgrown(self, snapshot: int) -> int:
        """Return at how many bytes the journal is folded in.

        A short one is quickly read after a crash; each fold writes the snapshot once more.
        """
        if self._dear:
            return max(OUTGROWN // _DEAR, snapshot)
        return max(OUTGROWN, _TIMES * snapshot)
