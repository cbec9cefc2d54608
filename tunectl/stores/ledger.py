"""One environment's state in a store: a snapshot, and a journal of what came after it.

Law: the state is the snapshot with the journal folded in. Journal lines name the serial of the
snapshot they follow; lines of an older snapshot are already in the newer one and are passed over.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from tunectl.core.entryrecord import entry_from_tree
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Store
from tunectl.core.state import Entry, State, fold
from tunectl.stores import generations
from tunectl.stores.generations import Generation
from tunectl.stores.journal import DearAppends, StoredJournal
from tunectl.stores.sealed import beneath
from tunectl.stores.statefile import Document, check_places, encode, read_document

_SEALED = frozenset({"state-sealed", "state-wrong-key"})
_MALFORMED = (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError)


class Ledger:
    """Reads and writes the state of one environment.

    Attributes:
        document: the snapshot that was read last, as it was stored; None before that, and where
            there is none.
    """

    def __init__(self, store: Store, project: str, env: str, tool_version: str) -> None:
        self.store = store
        self.project = project
        self.env = env
        self.tool_version = tool_version
        self.document: Document | None = None
        self._generation: str | None = None  # of the stored snapshot
        self._serial = 0
        self._size = 0

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
        # The journal first: a snapshot that is written meanwhile holds what its lines say. Read in
        # the other order, lines that were folded in between would be missed.
        lines = self._lines()
        blob = self.store.read(self.snapshot_name)
        self._generation, self.document = blob.generation if blob else None, None
        if blob is None:
            if lines:
                raise StateError.of(
                    f"there is a journal `{self.journal_name}` but no state `{self.snapshot_name}`",
                    hint="`tunectl state repair` rebuilds the state; the journal belongs to it",
                    code="state-missing",
                )
            if generations.kept(self.store, self.snapshot_name):
                return self._without_snapshot()
            return State(lineage=str(uuid.uuid4()), project=self.project, env=self.env)
        found = read_document(blob.content, self.snapshot_name)
        state = found.state
        self.check_owner(state, self.snapshot_name)
        folded = fold(state, self._entries(lines, state.serial)) if lines else state
        self.document, self._serial, self._size = found, state.serial, len(blob.content)
        return folded

    def _lines(self) -> tuple[bytes, ...]:
        try:
            return tuple(self.store.entries(self.journal_name))
        except StateError as error:
            if any(d.code in _SEALED for d in error.diagnostics):
                self.store.read(self.snapshot_name)  # which says it of the state, not of its log
            raise

    def _without_snapshot(self) -> State:
        """Refuse where there was a state: "nothing exists" would buy everything again.

        Raises:
            StateError: naming the newest generation.
        """
        if self.store.read(self.snapshot_name) is not None:
            return self.load()  # another run has just written the first ones
        newest = generations.kept(self.store, self.snapshot_name)[0]
        raise StateError.of(
            f"there is no state `{self.snapshot_name}`, but there was one: generations of it are "
            "kept",
            hint="`tunectl state repair --write` rebuilds it from the marks at the providers and "
            f"the newest generation; `--from {newest.id}` puts that back alone, without what was "
            "made after it; to begin anew, and to pay for everything again, remove "
            f"`{generations.FOLDER}{self.snapshot_name}.*` from the store as well",
            code="state-missing",
        )

    def check_owner(self, state: State, name: str) -> None:
        """Refuse the state of another project or environment.

        Raises:
            StateError: naming both.
        """
        if (state.project, state.env) != (self.project, self.env):
            raise StateError.of(
                f"state `{name}` belongs to project `{state.project}`, environment "
                f"`{state.env}`; this is `{self.project}`, `{self.env}`",
                hint="check `project:` and `state:`; a renamed project keeps its old name in state",
                code="state-foreign",
            )

    def save(self, state: State) -> State:
        """Write a snapshot and begin an empty journal after it.

        The serial grows beyond the one given and beyond the last one written.

        Returns:
            the state with its new serial.

        Raises:
            StaleError: someone else wrote meanwhile.
            StateError: one object stands at two addresses.
        """
        saved = self._write(state)
        self.store.delete(self.journal_name)
        return saved

    def _write(self, state: State) -> State:
        check_places(state, self.snapshot_name)
        state = replace(state, serial=max(state.serial, self._serial) + 1)
        content = encode(state, self.tool_version)
        self._generation = self.store.write(self.snapshot_name, content, expected=self._generation)
        self._serial, self._size = state.serial, len(content)
        return state

    def journal(self, state: State) -> StoredJournal:
        """Return the journal that follows a saved state.

        When it outgrows the snapshot it is folded into a new one.
        """
        return StoredJournal(
            self.store,
            self.journal_name,
            state,
            compact=self._compact,
            snapshot_size=self._size,
            dear=isinstance(beneath(self.store), DearAppends),
        )

    def _compact(self, state: State) -> tuple[State, int]:
        """Write a snapshot while the journal goes on.

        Lines that cannot be removed do no harm: the new snapshot holds them.
        """
        saved = self._write(state)
        with contextlib.suppress(StateError):
            self.store.delete(self.journal_name)
        return saved, self._size

    def history(self) -> list[Generation]:
        """Return the snapshots that were replaced and are kept, newest first.

        Raises:
            StateError: the store cannot list.
        """
        return generations.kept(self.store, self.snapshot_name)

    def salvage(self) -> Iterator[tuple[int, Entry]]:
        """Yield what of the journal can still be understood, each with the serial it follows."""
        with contextlib.suppress(StateError):
            for line in self.store.entries(self.journal_name):
                with contextlib.suppress(*_MALFORMED):
                    tree = orjson.loads(line)
                    yield int(tree["serial"]), entry_from_tree(tree["entry"])

    def overwrite(self, state: State) -> State:
        """Save over whatever is there, readable or not; the store keeps that in its history.

        The journal goes into the history too, as it is: it may hold what nothing else does.

        Returns:
            the state with its new serial.

        Raises:
            StaleError: someone else wrote meanwhile.
        """
        raw = beneath(self.store)
        there = raw.read(self.snapshot_name)
        self._generation = there.generation if there else None
        if lines := tuple(raw.entries(self.journal_name)):
            content = b"".join(line + b"\n" for line in lines)
            generations.put_aside(raw, self.journal_name, content)
        return self.save(state)

    def _entries(self, lines: Iterable[bytes], serial: int) -> Iterator[Entry]:
        for number, line in enumerate(lines, start=1):
            try:
                tree = orjson.loads(line)
                if tree["serial"] > serial:
                    raise StaleError.of(
                        f"journal `{self.journal_name}` is newer than state `{self.snapshot_name}`",
                        hint="an older copy of the state was put in place; restore the newest one, "
                        "or rebuild it with `tunectl state repair`",
                        code="state-older-than-journal",
                    )
                if tree["serial"] == serial:
                    yield entry_from_tree(tree["entry"])
            except _MALFORMED as error:
                raise StateError.of(
                    f"journal `{self.journal_name}` line {number} cannot be understood: {error}",
                    hint="do not delete it: it records what was created last; "
                    "`tunectl state repair` uses what can still be read",
                    code="journal-damaged",
                ) from error
