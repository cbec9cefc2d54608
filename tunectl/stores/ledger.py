"""One environment's state in a store: a snapshot, and a journal of what came after it.

Law: the state is the snapshot with the journal folded in. Journal lines name the serial of the
snapshot they follow; lines of an older snapshot are already in the newer one and are passed over.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Blob, Store
from tunectl.core.record import entry_from_tree, entry_to_tree
from tunectl.core.state import Entry, State, fold
from tunectl.stores.statefile import decode, encode


class Ledger:
    """Reads and writes the state of one environment."""

    def __init__(self, store: Store, project: str, env: str, tool_version: str) -> None:
        self.store = store
        self.project = project
        self.env = env
        self.tool_version = tool_version
        self._generation: str | None = None

    @property
    def snapshot_name(self) -> str:
        """The snapshot's name in the store."""
        return f"{self.env}.json"

    @property
    def journal_name(self) -> str:
        """The journal's name in the store."""
        return f"{self.env}.journal"

    def load(self) -> State:
        """Return the state; a new one, not yet stored, where there is none.

        Raises:
            StateError: what is there cannot be read as this project's state.
        """
        blob, lines = self._both()
        self._generation = blob.generation if blob else None
        if blob is None:
            if lines:
                raise StateError.of(
                    f"there is a journal `{self.journal_name}` but no state `{self.snapshot_name}`",
                    hint="restore the state from the `history` folder; the journal belongs to it",
                    code="state-missing",
                )
            return State(lineage=str(uuid.uuid4()), project=self.project, env=self.env)
        state = decode(blob.content, self.snapshot_name)
        if (state.project, state.env) != (self.project, self.env):
            raise StateError.of(
                f"state `{self.snapshot_name}` belongs to project `{state.project}`, environment "
                f"`{state.env}`; this is `{self.project}`, `{self.env}`",
                hint="check `project:` and `state:`; a renamed project keeps its old name in state",
                code="state-foreign",
            )
        return fold(state, self._entries(lines, state.serial))

    def _both(self) -> tuple[Blob | None, tuple[bytes, ...]]:
        """Read snapshot and journal that belong together, also while an apply writes them."""
        while True:
            blob = self.store.read(self.snapshot_name)
            lines = tuple(self.store.entries(self.journal_name))
            after = self.store.read(self.snapshot_name)
            if (blob and blob.generation) == (after and after.generation):
                return blob, lines

    def save(self, state: State) -> State:
        """Write a snapshot and begin an empty journal after it.

        Returns:
            the state with its new serial.

        Raises:
            StaleError: someone else wrote meanwhile.
        """
        state = replace(state, serial=state.serial + 1)
        content = encode(state, self.tool_version)
        self._generation = self.store.write(self.snapshot_name, content, expected=self._generation)
        self.store.delete(self.journal_name)
        return state

    def journal(self, state: State) -> StoredJournal:
        """Return the journal that follows a saved state."""
        return StoredJournal(self.store, self.journal_name, state.serial)

    def _entries(self, lines: Iterable[bytes], serial: int) -> Iterator[Entry]:
        for number, line in enumerate(lines, start=1):
            try:
                tree = orjson.loads(line)
                if tree["serial"] > serial:
                    raise StaleError.of(
                        f"journal `{self.journal_name}` is newer than state `{self.snapshot_name}`",
                        hint="an older copy of the state was put in place; restore the newest one",
                        code="state-older-than-journal",
                    )
                if tree["serial"] == serial:
                    yield entry_from_tree(tree["entry"])
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise StateError.of(
                    f"journal `{self.journal_name}` line {number} cannot be understood: {error}",
                    hint="do not delete it: it records what was created last",
                    code="journal-damaged",
                ) from error


class StoredJournal:
    """A journal with group commit: what arrives while a write is under way goes with the next."""

    def __init__(self, store: Store, name: str, serial: int) -> None:
        self._store = store
        self._name = name
        self._serial = serial
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._arrived = 0
        self._durable = 0
        self._writing = False
        self._broken: StateError | None = None

    def append(self, entry: Entry) -> None:
        """Return only when the entry is durable.

        Raises:
            StateError: it could not be written; nothing after it is accepted either.
        """
        line = orjson.dumps({"serial": self._serial, "entry": entry_to_tree(entry)})
        with self._changed:
            self._waiting.append(line)
            self._arrived += 1
            mine = self._arrived
            while self._writing and self._durable < mine and self._broken is None:
                self._changed.wait()
            if self._broken is not None:
                raise self._broken
            if self._durable >= mine:
                return
            self._writing = True
            batch, self._waiting = self._waiting, []
            last = self._arrived
        self._write(batch, last)

    def _write(self, batch: list[bytes], last: int) -> None:
        try:
            self._store.append(self._name, batch)
        except StateError as error:
            with self._changed:
                self._broken = error
                self._writing = False
                self._changed.notify_all()
            raise
        with self._changed:
            self._durable = last
            self._writing = False
            self._changed.notify_all()
