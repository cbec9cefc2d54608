"""PostgreSQL as a store: `postgresql://[user@]host[:port]/database[/prefix][?schema=tunectl]`.

Objects are rows that are changed by one statement each, on the generation they replace; the journal
is a row a batch, in the order of a sequence. What a statement writes carries a token of ours, so a
commit whose reply was lost is recognised when the statement is sent again.

A lock is a row that its holder writes anew, judged by the database's clock, and no advisory lock:
those belong to a session, which a pooler between us and the server may give to others, and they are
gone with a connection that breaks while its holder works on.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from tunectl.core.errors import StaleError
from tunectl.core.ports import Blob, Holder, Lease
from tunectl.stores.database import PAUSES, Database, location
from tunectl.stores.generations import KEPT
from tunectl.stores.lease import LeaseLock, Seen, Terms


class PostgresStore:
    """State in a schema of a database."""

    def __init__(
        self, address: str, *, terms: Terms | None = None, pauses: Sequence[float] = PAUSES
    ) -> None:
        """Describe the store; nothing is asked yet, and tables are made with the first write.

        Args:
            address: the `postgresql://` address.
            terms: of the locks.
            pauses: seconds before each repetition of a statement.

        Raises:
            ConfigError: the address cannot be used.
        """
        self.at = location(address)
        self._database = Database(self.at, pauses)
        # A long statement must not keep the lock's holder from writing.
        self._beating = Database(self.at, pauses)
        self._terms = terms or Terms()

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist.

        Raises:
            StateError: the database cannot be reached or used.
        """
        rows = self._database.read(_READ, self._values(name))
        return Blob(bytes(rows[0][0]), rows[0][1]) if rows else None

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
            StateError: the database cannot be reached or used.
        """
        token = uuid.uuid4().hex
        values = self._values(
            name,
            content=content,
            token=token,
            expected=expected,
            history=f"history/{name}.",
            most=KEPT - 1,
        )
        changed = self._database.write(_INSERT if expected is None else _REPLACE, values)
        if not changed and not self._is_ours(name, token):
            raise StaleError.of(
                f"state `{name}` was changed by someone else meanwhile",
                hint="run `tunectl plan` again",
            )
        return token

    def _is_ours(self, name: str, token: str) -> bool:
        """Whether a statement that changed nothing was sent before, and its reply lost."""
        rows = self._database.read(_GENERATION, self._values(name))
        return bool(rows) and rows[0][0] == token

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines durably.

        Raises:
            StateError: the database cannot be reached or used.
        """
        batch = b"".join(line + b"\n" for line in lines)
        self._database.write(_APPEND, self._values(name, token=uuid.uuid4().hex, content=batch))

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a log; batches are whole or not there."""
        for (batch,) in self._database.read(_LINES, self._values(name)):
            yield from bytes(batch).split(b"\n")[:-1]

    def list(self, prefix: str) -> list[str]:
        """Return the names that begin so, sorted."""
        rows = self._database.read(_LIST, self._values(prefix))
        return sorted(name for (name,) in rows)

    def delete(self, name: str) -> None:
        """Remove it; missing is fine.

        Raises:
            StateError: the database cannot be reached or used.
        """
        self._database.read(_DELETE, self._values(name))

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
            StateError: the database cannot be reached or used.
        """
        return self._lock(name).hold(operation, timeout)

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now, None when it is free.

        Raises:
            StateError: the database cannot be reached or used.
        """
        return self._lock(name).holder()

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
            StateError: the database cannot be reached or used.
        """
        self._lock(name).break_(lock_id)

    def close(self) -> None:
        """Give the connections back; the store can still be used."""
        self._database.close()
        self._beating.close()

    def _lock(self, name: str) -> LeaseLock:
        return LeaseLock(_LockRow(self._beating, self._values(name)), name, self._terms)

    def _values(self, name: str, **more: object) -> dict[str, object]:
        return {"prefix": self.at.prefix, "name": name, **more}


class _LockRow:
    """The place of one lock's record, as one client sees it."""

    def __init__(self, database: Database, values: dict[str, object]) -> None:
        self._database = database
        self._values = values
        self._unsure: set[str] = set()  # tokens of writes of ours that may have landed

    def read(self) -> Seen | None:
        """Return the record with its age by the database's clock, None when there is none."""
        rows = self._database.read(_LOOK, self._values)
        return Seen(bytes(rows[0][0]), rows[0][1], float(rows[0][2])) if rows else None

    def write(self, content: bytes, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: it is not.
            StateError: it may or may not be written.
        """
        token = uuid.uuid4().hex
        values = {**self._values, "content": content, "token": token, "expected": expected}
        self._unsure.add(token)
        if not self._database.write(_TAKE if expected is None else _BEAT, values):
            seen = self.read()
            now = seen.generation if seen else None
            if now != token and now in self._unsure:
                return self.write(content, now)
            if now != token:
                raise _written()
        self._unsure.clear()
        return token

    def remove(self, expected: str) -> None:
        """Remove when the generation is still `expected`; missing is fine.

        Raises:
            StaleError: it is not.
            StateError: it may or may not be removed.
        """
        values = {**self._values, "mine": [expected, *self._unsure]}
        if not self._database.write(_FREE, values) and self.read() is not None:
            raise _written()


def _written() -> StaleError:
    return StaleError.of("the lock was written by someone else meanwhile")


_READ = """
select content, generation from SCHEMA.files where prefix = %(prefix)s and name = %(name)s
"""
_GENERATION = """
select generation from SCHEMA.files where prefix = %(prefix)s and name = %(name)s
"""
_INSERT = """
insert into SCHEMA.files (prefix, name, generation, content)
values (%(prefix)s, %(name)s, %(token)s, %(content)s)
on conflict do nothing returning name
"""
# One statement: of two at once the second waits for the row, sees that its generation has gone,
# and leaves neither a change nor history.
_REPLACE = """
with old as (
    select generation, content from SCHEMA.files
    where prefix = %(prefix)s and name = %(name)s and generation = %(expected)s for update),
changed as (
    update SCHEMA.files set generation = %(token)s, content = %(content)s,
        written = clock_timestamp()
    where prefix = %(prefix)s and name = %(name)s
    and generation = (select generation from old) returning name),
kept as (
    insert into SCHEMA.files (prefix, name, generation, content)
    select %(prefix)s, %(history)s
        || to_char(clock_timestamp() at time zone 'utc', 'YYYYMMDD"T"HH24MISSUS') || '.'
        || left(old.generation, 8), old.generation, old.content
    from old, changed on conflict do nothing),
pruned as (
    delete from SCHEMA.files where exists (select from changed) and prefix = %(prefix)s
    and starts_with(name, %(history)s) and name not in (
        select name from SCHEMA.files
        where prefix = %(prefix)s and starts_with(name, %(history)s)
        order by name collate "C" desc limit %(most)s))
select name from changed
"""
_LINES = """
select content from SCHEMA.batches where prefix = %(prefix)s and name = %(name)s order by id
"""
_APPEND = """
insert into SCHEMA.batches (prefix, name, token, content)
values (%(prefix)s, %(name)s, %(token)s, %(content)s) on conflict do nothing
"""
_LIST = """
select name from SCHEMA.files where prefix = %(prefix)s and starts_with(name, %(name)s)
union
select name from SCHEMA.batches where prefix = %(prefix)s and starts_with(name, %(name)s)
"""
_DELETE = """
with lines as (delete from SCHEMA.batches where prefix = %(prefix)s and name = %(name)s)
delete from SCHEMA.files where prefix = %(prefix)s and name = %(name)s
"""
_LOOK = """
select content, generation, extract(epoch from clock_timestamp() - written)
from SCHEMA.locks where prefix = %(prefix)s and name = %(name)s
"""
_TAKE = """
insert into SCHEMA.locks (prefix, name, generation, content, written)
values (%(prefix)s, %(name)s, %(token)s, %(content)s, clock_timestamp())
on conflict do nothing returning name
"""
_BEAT = """
update SCHEMA.locks set generation = %(token)s, content = %(content)s, written = clock_timestamp()
where prefix = %(prefix)s and name = %(name)s and generation = %(expected)s returning name
"""
_FREE = """
delete from SCHEMA.locks
where prefix = %(prefix)s and name = %(name)s and generation = any(%(mine)s) returning name
"""
