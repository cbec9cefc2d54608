"""A real PostgreSQL server for the tests, and a wire to it that can be cut.

The server is the one that `scripts/postgres` starts: nothing has to be configured beforehand. The
tests are passed over only where it is not installed, cannot be, and this is not CI.
"""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

NOT_INSTALLED = 3  # the script's exit code
SCRIPT = Path(__file__).parents[2] / "scripts" / "postgres"

_numbers = itertools.count(1)
_CHANGING = re.compile(rb"\b(insert|update|delete)\b", re.IGNORECASE)


class AbsentError(RuntimeError):
    """There is no PostgreSQL on this machine."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server and yield its DSN; it ends with this process, however that ends."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        dsn = process.stdout.readline().strip()
        if not dsn:
            absent = process.wait() == NOT_INSTALLED and not os.environ.get("CI")
            raise (AbsentError if absent else RuntimeError)(process.stderr.read().strip())
        yield dsn
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The DSN of a server of this session; its user may do everything."""
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(postgres_server())
        except AbsentError as error:
            pytest.skip(str(error))
        yield dsn


@pytest.fixture
def postgres_address(postgres_dsn) -> str:
    """The address of a schema of the test's own."""
    return f"{postgres_dsn}?schema=test_{next(_numbers)}"


class Wire:
    """A loopback proxy in front of the server that can lose a reply or refuse a request."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._fault = ""
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def lose_next_reply(self) -> None:
        self._fault = "lost reply"

    def refuse_next(self) -> None:
        self._fault = "refused"

    def cut(self) -> None:
        """Break every connection now."""
        with self._guard:
            for each in self._sockets:
                _shut(each)
            self._sockets.clear()

    def close(self) -> None:
        _shut(self._listener)
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                with self._guard:
                    self._sockets += [client, server]
                ends = threading.Event()
                for act in (self._forth, self._back):
                    threading.Thread(target=act, args=(client, server, ends), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, ends: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._fault and _CHANGING.search(data):
                    fault, self._fault = self._fault, ""
                    if fault == "refused":
                        break
                    ends.set()  # the next the server says is its answer to this
                server.sendall(data)
        _shut(client)
        _shut(server)

    def _back(self, client: socket.socket, server: socket.socket, ends: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if ends.is_set():
                    break
                client.sendall(data)
        _shut(client)
        _shut(server)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@pytest.fixture
def wire(postgres_dsn) -> Iterator[Wire]:
    parts = urlsplit(postgres_dsn)
    made = Wire((parts.hostname, parts.port))
    yield made
    made.close()


@pytest.fixture
def wired_address(postgres_address, wire) -> str:
    """The same schema through the wire."""
    port = urlsplit(postgres_address).port
    return postgres_address.replace(f":{port}/", f":{wire.port}/")
