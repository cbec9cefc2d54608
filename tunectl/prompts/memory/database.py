"""One database as a memory uses it: statements in transactions, over connections that are shared.

Statements are written once for every database: values as `:name`, tables as `SCHEMA.table`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

Row = tuple[Any, ...]
Values = Mapping[str, Any]
T = TypeVar("T")
C = TypeVar("C")


class Run(Protocol):
    """Runs one statement in a transaction that is open."""

    def __call__(self, statement: str, values: Values, /) -> list[Row]:
        """Return its rows; none where it has none."""
        ...


Work = Callable[[Run], T]
"""What is done in one transaction; it may be done again where the transaction failed."""


class Database(Protocol):
    """What keeps a memory. Every method raises `MemoryStoreError` where it cannot be used."""

    @property
    def space(self) -> str:
        """The memory's own part of it."""
        ...

    def read(self, work: Work[T], otherwise: T) -> T:
        """Do something that changes nothing; `otherwise` where nothing was ever written."""
        ...

    def write(self, work: Work[T]) -> T:
        """Change something in one transaction; the tables are made where they are missing."""
        ...

    def scrub(self) -> None:
        """See to it that nothing of what was deleted can be read from its files."""
        ...

    def close(self) -> None:
        """Give its connections back."""
        ...


class Pool(Generic[C]):
    """Connections that are open and not in use. Thread-safe; a forked child begins anew."""

    def __init__(self, connect: Callable[[], C], close: Callable[[C], None], most: int = 8) -> None:
        self._connect = connect
        self._close = close
        self._most = most
        self._idle: list[C] = []
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._inherited: list[
            C
        ] = []  # a parent's: neither used nor closed, for it goes on with them

    @contextmanager
    def use(self, usable: Callable[[C], bool]) -> Iterator[C]:
        """Give a connection; after an error it is closed, for its state is not known."""
        connection = self._taken(usable)
        try:
            yield connection
        except BaseException:
            self._close(connection)
            raise
        self._put(connection)

    def clear(self) -> None:
        """Close what is idle."""
        with self._guard:
            idle, self._idle = self._idle, []
            ours = self._pid == os.getpid()
        for connection in idle if ours else ():
            self._close(connection)

    def _taken(self, usable: Callable[[C], bool]) -> C:
        while True:
            with self._guard:
                if self._pid != os.getpid():
                    self._inherited += self._idle
                    self._pid, self._idle = os.getpid(), []
                found = self._idle.pop() if self._idle else None
            if found is None:
                return self._connect()
            if usable(found):
                return found
            self._close(found)

    def _put(self, connection: C) -> None:
        with self._guard:
            if self._pid == os.getpid() and len(self._idle) < self._most:
                self._idle.append(connection)
                return
        self._close(connection)
