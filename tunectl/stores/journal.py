"""The durable log that follows a snapshot.

Law: a line names the serial of the snapshot it follows when it is written, never when it arrives:
a line that waits while the journal is folded into a new snapshot belongs to the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import orjson

from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Store
from tunectl.core.record import entry_to_tree
from tunectl.core.state import Entry, State, fold

OUTGROWN = 1_000_000  # bytes: a shorter journal is never folded in before the end

Compact = Callable[[State], tuple[State, int]]


class StoredJournal:
    """A journal with group commit: what arrives while a write is under way goes with the next."""

    def __init__(
        self, store: Store, name: str, state: State, *, compact: Compact, snapshot_size: int
    ) -> None:
        """Begin after a snapshot.

        Args:
            store: where the lines go.
            name: of the log.
            state: as the snapshot has it.
            compact: writes a new snapshot and returns it with its size in bytes.
            snapshot_size: bytes of the snapshot it follows.
        """
        self._store = store
        self._name = name
        self._compact = compact
        self._changed = threading.Condition()
        self._waiting: list[Entry] = []
        self._arrived = 0
        self._durable = 0
        self._writing = False
        self._broken: StateError | None = None
        # Touched only by the one thread that is writing.
        self._state = state
        self._since: list[Entry] = []
        self._size = 0
        self._limit = max(OUTGROWN, snapshot_size)

    def append(self, entry: Entry) -> None:
        """Return only when the entry is durable.

        Raises:
            StateError: it could not be written; nothing after it is accepted either.
        """
        with self._changed:
            self._waiting.append(entry)
            self._arrived += 1
            mine = self._arrived
            while self._writing and self._durable < mine and self._broken is None:
                self._changed.wait()
            if self._durable >= mine:
                return
            if self._broken is not None:
                raise self._broken
            self._writing = True
            batch, self._waiting = self._waiting, []
            last = self._arrived
        self._write(batch, last)

    def _write(self, batch: list[Entry], last: int) -> None:
        serial = self._state.serial
        lines = [orjson.dumps({"serial": serial, "entry": entry_to_tree(e)}) for e in batch]
        try:
            self._store.append(self._name, lines)
        except StateError as error:
            self._done(self._durable, error)
            raise
        self._since += batch
        self._size += sum(len(line) + 1 for line in lines)
        self._done(last, self._folded() if self._size > self._limit else None)

    def _done(self, durable: int, broken: StateError | None) -> None:
        with self._changed:
            self._durable = durable
            self._broken = broken
            self._writing = False
            self._changed.notify_all()

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
        self._since, self._size, self._limit = [], 0, max(OUTGROWN, size)
        return None
