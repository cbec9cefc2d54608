"""Terraform's `http` protocol as a store: GitLab-managed state, Gitea, and whoever speaks it.

The protocol keeps one document at an address, so one document holds everything, the journal too.
What that costs: every write and every batch of the journal is a GET and a POST of the whole; and
one lock covers all environments of the address. What it cannot do is said in `httplock`: a lock has
no lease, so a killed holder keeps it until somebody breaks it by its id.

Compare-and-swap is: hold the lock (the caller's, or a brief one), read, compare, POST with the
serial one higher under the lock's id. A reply that is lost is settled by reading back: the document
carries the token of the write that made it.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import LockError, StaleError, StateError
from tunectl.core.ports import Blob, Holder, Lease
from tunectl.stores.document import Document, Files, decode, encode
from tunectl.stores.holders import lost, not_the_holder, who
from tunectl.stores.httplock import HELD, HttpLock, Waiting, brief, named
from tunectl.stores.httpwire import PASSING, PAUSES, NoAnswerError, Wire, endpoint
from tunectl.stores.journal import DearAppends

_BRIEFLY = 30.0  # seconds that a write waits for the lock, and a lock for a brief one

_Edit = Callable[[Document, str], Files]


@dataclass()
class _Hold:
    """The address's lock while we have it; several environments may share it.

    Attributes:
        token: of the document as we know it; None while nothing was read under the lock.
    """

    holder: Holder
    names: set[str]
    token: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class _HttpLease:
    """A lock on a server that has no leases: nothing runs out, and nothing has to be renewed."""

    holder: Holder
    store: HttpStore
    hold: _Hold
    name: str

    def check(self) -> None:
        """Ask the server who holds the lock: one small request.

        Raises:
            LockError: not we: it was broken.
            StateError: that cannot be told.
        """
        self.store.confirm(self.hold, self.name)


class HttpStore(DearAppends):
    """State behind one address."""

    def __init__(
        self,
        address: str,
        environ: Mapping[str, str],
        *,
        pauses: Sequence[float] = PAUSES,
        patience: float = _BRIEFLY,
    ) -> None:
        """Describe the store; nothing is asked yet.

        Args:
            address: the `http(s)://` address of the document.
            environ: where credentials and the lock's address and methods are looked up.
            pauses: seconds before each repetition of a request.
            patience: seconds that a write outside a lock waits for it.

        Raises:
            ConfigError: the address cannot be used.
        """
        self._to = endpoint(address, environ)
        self._wire = Wire(self._to, pauses)
        self._lock = HttpLock(self._wire)
        self._patience = patience
        self._guard = threading.RLock()
        self._hold: _Hold | None = None
        self._seen = Document()

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist.

        Raises:
            StateError: the server cannot be reached, or what is there is no document of ours.
        """
        return self._get().files.get(name)

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
            StateError: it cannot be written.
        """
        return self._change(
            lambda document, token: document.written(
                name, content, expected=expected, generation=token
            )
        )

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines durably: one GET and one POST of the whole document a batch.

        Raises:
            StateError: they cannot be written.
        """
        batch = b"".join(line + b"\n" for line in lines)
        self._change(lambda document, token: document.appended(name, batch, generation=token))

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the complete lines of a log."""
        blob = self.read(name)
        if blob is not None:
            yield from blob.content.split(b"\n")[:-1]

    def list(self, prefix: str) -> list[str]:
        """Return the names that begin so, sorted."""
        return sorted(name for name in self._get().files if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove it; missing is fine.

        Raises:
            StateError: it cannot be removed.
        """
        if name in self._get().files:
            self._change(lambda document, _: document.without(name))

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the address's lock for the life of the context: nobody else applies meanwhile.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds, or the
                server has no locks.
            StateError: that cannot be told.
        """
        return self._locked(name, operation, timeout)

    @contextlib.contextmanager
    def _locked(self, name: str, operation: str, timeout: float) -> Iterator[Lease]:
        hold = self._enter(name, named(who(operation)), timeout)
        try:
            yield _HttpLease(hold.holder, self, hold, name)
        except BaseException:
            with contextlib.suppress(StateError):
                self._leave(hold, name)
            raise
        self._leave(hold, name)

    def _enter(self, name: str, mine: Holder, timeout: float) -> _Hold:
        """Take the address's lock, or share it where another environment of ours has it."""
        waiting = Waiting(timeout, self._patience)
        while True:
            with self._guard:
                hold = self._hold
                if hold is None:
                    ours, holder = self._lock.take(mine) if self._to.locking else (True, mine)
                    if ours:
                        self._hold = _Hold(holder or mine, {name})
                        return self._hold
                elif name not in hold.names:
                    hold.names.add(name)
                    return hold
                else:
                    holder = hold.holder
            waiting.pause(holder)

    def _leave(self, hold: _Hold, name: str) -> None:
        with self._guard:
            hold.names.discard(name)
            if hold.names or hold.lost:
                return
            self._lose(hold)
            if self._to.locking:
                # Some servers free whoever holds it: never send an id that is not the holder's.
                taken, holder = self._lock.look()
                if taken and (holder is None or holder.id == hold.holder.id):
                    self._lock.free(hold.holder)

    def confirm(self, hold: _Hold, name: str) -> None:
        """Return when a lock is ours for certain.

        Raises:
            LockError: it was lost.
            StateError: that cannot be told.
        """
        with self._guard:
            if not hold.lost:
                taken, holder = self._lock.look() if self._to.locking else (True, None)
                if not taken or (holder is not None and holder.id != hold.holder.id):
                    self._lose(hold)
                elif holder is None and hold.token not in {None, self._get().token}:
                    # Where nobody tells who holds it, another's write is the sign of a lost lock.
                    self._lose(hold)
            if hold.lost:
                raise lost(name)

    def _lose(self, hold: _Hold) -> None:
        hold.lost = True
        if self._hold is hold:
            self._hold = None

    def holder(self, name: str) -> Holder | None:
        """Return who holds the address's lock now, whichever environment it is for.

        Raises:
            StateError: that cannot be told.
        """
        del name
        if not self._to.locking:
            return self._hold.holder if self._hold is not None else None
        taken, holder = self._lock.look()
        unknown = Holder(id="", who="somebody", operation="another operation", created="")
        return (holder or unknown) if taken else None

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
            StateError: that cannot be told.
        """
        del name
        if not self._to.locking:
            raise not_the_holder(lock_id, None)
        self._lock.force(lock_id)

    def _get(self) -> Document:
        """Read the document; a new one, not yet written, where there is none."""
        with self._guard:
            answer = self._wire.ask("GET", self._to.address, "read the state")
            if answer.status in {204, 404}:
                self._absent(answer.content)
                document = Document()
            elif answer.status == 200:
                document = decode(answer.content, self._to.place)
            else:
                raise self._wire.refusal(answer, "read the state")
            self._follows(document)
            self._seen = document
            if self._hold is not None and self._hold.token is None:
                self._hold.token = document.token
            return document

    def _absent(self, content: bytes) -> None:
        """Tell "no state" from "no such project", where the server does (GitLab's 404)."""
        try:
            tree = orjson.loads(content)
        except orjson.JSONDecodeError:
            return
        said = tree.get("message") if isinstance(tree, dict) else None
        if isinstance(said, str) and "project not found" in said.lower():
            raise StateError.of(
                f"there is no place for a state at `{self._to.place}`",
                detail=said,
                hint="check the project in the `state:` address, and that the user may see it",
                code="state-address",
            )

    def _follows(self, document: Document) -> None:
        """Refuse a document that cannot be a successor of what we saw before."""
        seen = self._seen
        if not seen.serial or (document.lineage == seen.lineage and document.serial >= seen.serial):
            return
        what = "was replaced by another one" if document.serial else "is gone"
        if document.lineage == seen.lineage:
            what = f"went back from serial {seen.serial} to {document.serial}"
        raise StateError.of(
            f"the state at `{self._to.place}` {what} while it was in use",
            hint="restore the newest version at the server; run `tunectl plan` to see where "
            "things stand",
            code="state-replaced",
        )

    def _change(self, edit: _Edit) -> str:
        """Make the next document from the present one; return its token."""
        with self._guard:
            if self._hold is not None:
                try:
                    return self._edited(edit, self._hold.holder.id if self._to.locking else "")
                except LockError:
                    # What is under way is still recorded, behind whoever has the lock now.
                    self._lose(self._hold)
            if not self._to.locking:
                return self._edited(edit, "")
            mine = brief()
            waiting = Waiting(self._patience, self._patience)
            while True:
                ours, holder = self._lock.take(mine)
                if ours:
                    break
                waiting.pause(holder)
            try:
                return self._edited(edit, mine.id)
            finally:
                # What was written is written; a lock that stays names itself to the next one.
                with contextlib.suppress(StateError):
                    self._lock.free(mine)

    def _edited(self, edit: _Edit, lock_id: str) -> str:
        token = uuid.uuid4().hex
        before = self._get()
        after = before.next(edit(before, token), token)
        self._post(before, after, lock_id)
        if not self._to.locking and self._get().token != token:
            raise _overtaken()
        return token

    def _post(self, before: Document, after: Document, lock_id: str) -> None:
        """Write a document; whatever the answer, the document itself tells whether it is there.

        Raises:
            LockError: the server says that the lock is not ours.
            StaleError: somebody else wrote.
            StateError: it is not written.
        """
        content, to = encode(after), self._to
        for pause in (*self._wire.pauses, None):
            try:
                answer = self._wire.once(
                    to.update_method, to.address, "write the state", content, lock=lock_id
                )
            except NoAnswerError as error:
                problem: StateError = error
                final = False
            else:
                if answer.good:
                    self._wrote(after)
                    return
                problem = self._wire.refusal(answer, "write the state")
                if answer.status in HELD:
                    problem = lost(to.place)
                final = answer.status not in PASSING
            there = self._get()
            if there.token == after.token:
                self._wrote(after)
                return
            if there.token != before.token:
                raise _overtaken()
            if final or pause is None:
                raise self._explained(problem, lock_id)
            time.sleep(pause)

    def _wrote(self, document: Document) -> None:
        self._seen = document
        if self._hold is not None:
            self._hold.token = document.token

    def _explained(self, problem: StateError, lock_id: str) -> StateError:
        """GitLab answers 500 to a write under a lock that was broken: see whose it is."""
        if lock_id and self._to.locking and not isinstance(problem, LockError):
            with contextlib.suppress(StateError):
                taken, holder = self._lock.look()
                if not taken or (holder is not None and holder.id != lock_id):
                    return lost(self._to.place)
        return problem


def _overtaken() -> StaleError:
    return StaleError.of(
        "the state was changed by someone else meanwhile", hint="run `tunectl plan` again"
    )
