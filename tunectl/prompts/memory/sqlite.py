"""SQLite as what keeps a memory: one file, which any number of threads and processes may share.

Laws: only its owner can read the file; what is deleted is overwritten at once, and after `scrub` it
stands neither in the file nor beside it; a file that is not ours is never written to.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tunectl.prompts.memory.database import Pool, Row, T, Values, Work
from tunectl.prompts.memory.protocol import MemoryStoreError
from tunectl.prompts.memory.tables import STEPS, VERSION

BUSY_SECONDS = 10.0  # how long one waits for another's transaction
_PAUSE = 0.02  # seconds
APPLICATION = 0x74756E6D  # "tunm", at offset 68 of the file (SQLite file format, section 1.3)

_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Open:
    """A connection and the file it was opened on, which may be deleted while it is open."""

    connection: sqlite3.Connection
    file: tuple[int, int]

    def run(self, statement: str, values: Values) -> list[Row]:
        return self.connection.execute(_written(statement), values).fetchall()


class SqliteDatabase:
    """A memory in a file."""

    space = ""

    def __init__(self, path: Path, label: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Describe it; the file is made with the first write.

        Args:
            path: the file.
            label: what messages call it.
            busy_seconds: how long to wait for another's transaction.
        """
        self.path = path
        self._label = label
        self._busy = busy_seconds
        self._pool: Pool[_Open] = Pool(self._connect, lambda one: one.connection.close())

    def read(self, work: Work[T], otherwise: T) -> T:
        """Do something that changes nothing; `otherwise` where there is no file.

        Raises:
            MemoryStoreError: the file cannot be used.
        """
        if not self.path.exists():
            return otherwise
        return self._within("begin", work)

    def write(self, work: Work[T]) -> T:
        """Change something in one transaction.

        Raises:
            MemoryStoreError: the file cannot be used; then nothing is changed.
        """
        return self._within("begin immediate", work)

    def scrub(self) -> None:
        """Rewrite the file without what was deleted, and empty the log beside it.

        Raises:
            MemoryStoreError: another process keeps it from that.
        """
        if not self.path.exists():
            return
        with self._foreign(), self._pool.use(self._is_current) as one:
            one.connection.execute("vacuum")
            busy, *_ = one.connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            if busy:
                raise MemoryStoreError(
                    f"what was deleted may still stand in `{self._label}-wal`: another process is "
                    "reading; run it again"
                )

    def close(self) -> None:
        """Close the connections; the memory can still be used."""
        self._pool.clear()

    def _within(self, begin: str, work: Work[T]) -> T:
        with self._foreign(), self._pool.use(self._is_current) as one:
            one.connection.execute(begin)
            found = work(one.run)
            one.connection.execute("commit")
            return found

    def _is_current(self, one: _Open) -> bool:
        try:
            return one.file == _identity(self.path)
        except FileNotFoundError:
            return False

    def _connect(self) -> _Open:
        _make(self.path)
        connection = sqlite3.connect(
            self.path, timeout=self._busy, isolation_level=None, check_same_thread=False
        )
        try:
            _refuse_foreign(connection, self._label)
            _keep_log(connection, self._busy)
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            _upgrade(connection, self._label)
            return _Open(connection, _identity(self.path))
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def _foreign(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MemoryStoreError(
                f"the memory in `{self._label}` cannot be used: {_said(error)}"
            ) from None
        except OSError as error:
            raise MemoryStoreError(
                f"the memory in `{self._label}` cannot be opened: {error.strerror or 'no access'}"
            ) from None


def _make(path: Path) -> None:
    """Make the file for its owner alone; SQLite gives those beside it the same mode.

    A file that is there is never opened here: closing it would drop the locks that SQLite holds on
    it in this process (sqlite.org, "How To Corrupt An SQLite Database File", 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _making, suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _keep_log(connection: sqlite3.Connection, seconds: float) -> None:
    """Write ahead to a log, so that readers and a writer do not wait for each other.

    For this change alone SQLite does not wait by itself while others open the file.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@lru_cache(maxsize=256)
def _written(statement: str) -> str:
    return statement.replace("SCHEMA.", "")


def _said(error: sqlite3.Error) -> str:
    """Return what SQLite says of it; it never repeats a value."""
    match getattr(error, "sqlite_errorcode", None):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_BUSY_SNAPSHOT:
            return "another process holds it; try again"
        case sqlite3.SQLITE_NOTADB:
            return "it is no database; name another file under `store:`"
        case _:
            return str(error)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, label: str) -> None:
    """Refuse a database that something else made, before anything of it is changed."""
    connection.execute("begin")  # one look: meanwhile another process may be making it
    made_by = int(connection.execute("pragma application_id").fetchone()[0])
    tables = int(connection.execute("select count(*) from sqlite_master").fetchone()[0])
    foreign = made_by != APPLICATION and (made_by or tables or _version(connection))
    connection.execute("commit")
    if foreign:
        raise MemoryStoreError(
            f"`{label}` is a database, and no memory; name another file under `store:`"
        )


def _upgrade(connection: sqlite3.Connection, label: str) -> None:
    """Bring the tables to this version; the first to come does it, the others wait."""
    if _version(connection) < VERSION:
        connection.execute("begin immediate")
        for step in STEPS[_version(connection) :]:
            for statement in step:
                connection.execute(_written(statement))
        connection.execute(f"pragma application_id = {APPLICATION}")
        connection.execute(f"pragma user_version = {max(VERSION, _version(connection))}")
        connection.execute("commit")
    if _version(connection) > VERSION:
        raise MemoryStoreError(
            f"the memory in `{label}` was made by a newer tunectl (version "
            f"{_version(connection)}; {VERSION} is known): upgrade tunectl"
        )
