"""The daemon: one server per folder, on the loopback interface, gone when nobody needs it.

It takes the folder's lock, binds, writes `server.json`, answers until it is told to stop or has
been idle, and removes `server.json` again. Trainers are detached and outlive it.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

import tunectl
from tunectl.server.api import Activity, build_app
from tunectl.server.executor import Executor
from tunectl.server.folder import Root, read_json, take_lock, write_json
from tunectl.server.jobs import TERMINAL, JobFolder, NoSuchJobError
from tunectl.server.service import Service, Settings, make_service

if TYPE_CHECKING:
    from starlette.middleware import Middleware

_LOOPBACK = "127.0.0.1"
_TICK = 0.5
_SWEEP = 60.0
_GRACE = 5  # seconds that open answers get when the server is told to stop
_LOG = logging.getLogger("tunectl.server")


class ServeError(Exception):
    """The server cannot start; the text says why and what to do."""


@dataclass(frozen=True)
class Listen:
    """Where to listen: port 0 picks a free one; another host than loopback needs TLS."""

    host: str = _LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None

    def checked(self) -> Listen:
        """Return itself.

        Raises:
            ServeError: for a host that other machines reach, without TLS; for a certificate or
                key that cannot be used.
        """
        if (self.certificate is None) != (self.key is None):
            raise ServeError("`--tls-cert` and `--tls-key` belong together\nhint: give both")
        if self.certificate is not None:
            self._usable(self.certificate)
            return self
        if not self.public():
            return self
        raise ServeError(
            f"refusing to listen on `{self.host}` without TLS: the token would cross the network "
            "in the clear\nhint: give `--tls-cert` and `--tls-key`, or listen on `127.0.0.1`"
        )

    def _usable(self, certificate: Path) -> None:
        """Read both files now: later a fault of theirs would look like one of the folder."""
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                certificate, self.key, password=""
            )
        except OSError as error:
            raise ServeError(
                f"cannot use `{certificate}` with `{self.key}`: {error.strerror or error}\n"
                "hint: a certificate chain and its private key without a password, both PEM"
            ) from error

    def public(self) -> bool:
        """Tell whether other machines can reach it."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    def url(self, port: int) -> str:
        """Return the base URL for a client; one that listens everywhere is named by this host."""
        scheme = "http" if self.certificate is None else "https"
        host = socket.gethostname() if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"


def serve(
    settings: Settings,
    listen: Listen | None = None,
    *,
    foreground: bool = False,
    middleware: Sequence[Middleware] = (),
    executor: Executor | None = None,
) -> None:
    """Run a server until it is told to stop (SIGTERM, SIGINT, shutdown route) or is idle.

    Args:
        settings: folder, trainer, idle time.
        listen: where; loopback and a free port when not given.
        foreground: log to the terminal instead of `server.log` in the folder.
        middleware: see `build_app`.
        executor: what starts trainers; processes of this machine when not given.

    Raises:
        ServeError: another server has the folder, the port is taken, the folder cannot be
            written, or listening there would be unsafe.
    """
    listen = (listen or Listen()).checked()
    with _writable(settings.root):
        root = Root(settings.root.expanduser().resolve()).prepare()
        lock = take_lock(root.server_lock)
    if lock is None:
        raise ServeError(_second(root))
    try:
        with _writable(root.path), _bound(listen) as listener:
            _log_to(None if foreground else root.path / "server.log")
            service = make_service(settings, executor)
            port = int(listener.getsockname()[1])
            try:
                _announce(root, listen.url(port), port, settings)
                if foreground:
                    print(f"listening on {listen.url(port)}", flush=True)
                _run(service, listener, listen, middleware)
            finally:
                root.server_file.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _run(
    service: Service, listener: socket.socket, listen: Listen, middleware: Sequence[Middleware]
) -> None:
    import uvicorn

    activity = Activity()
    config = uvicorn.Config(
        build_app(service, activity, middleware),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=None if listen.certificate is None else str(listen.certificate),
        ssl_keyfile=None if listen.key is None else str(listen.key),
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    service.stop = stop
    keeper = threading.Thread(target=_keep, args=(service, activity), daemon=True, name="keeper")
    keeper.start()
    with _quiet_signals():
        server.run(sockets=[listener])
    service.stopping.set()
    keeper.join(timeout=_GRACE)


def _keep(service: Service, activity: Activity) -> None:
    """Look after jobs and files, and stop the server when nobody needs it."""
    swept, settled = 0.0, set[str]()
    while not service.stopping.wait(_TICK):
        try:
            service.executor.reap()
            for path in service.root.job_folders():
                if path.name not in settled and _look_after(service, JobFolder(path)):
                    settled.add(path.name)
            if time.monotonic() - swept > _SWEEP:
                service.files.sweep(time.time())
                swept = time.monotonic()
            idle = service.settings.idle_seconds
            if idle and activity.idle() > idle and not service.busy():
                _LOG.info("idle for %d s, stopping", idle)
                service.stop()
        except OSError:
            _LOG.exception("looking after jobs failed; trying again")


def _look_after(service: Service, job: JobFolder) -> bool:
    """Settle one job; returns True when it needs no more looking after."""
    try:
        service.catalogue.recipe(job)
        state = service.reconciler.settle(job)["state"]
        service.reconciler.insist(job, time.time())
    except NoSuchJobError:
        return True
    return state in TERMINAL


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """Swallow the signal that uvicorn raises again after its graceful end: we still tidy up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, lambda *_: None) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(root: Root, url: str, port: int, settings: Settings) -> None:
    value = {
        "pid": os.getpid(),
        "port": port,
        "url": url,
        "version": tunectl.__version__,
        "started_at": int(time.time()),
        "trainer": settings.trainer,
    }
    write_json(root.server_file, value)


def _second(root: Root) -> str:
    other = read_json(root.server_file)
    if other is None:
        return f"another server is starting on `{root.path}`\nhint: use that one"
    return (
        f"a server already runs on `{root.path}`: pid {other.get('pid')}, {other.get('url')}\n"
        "hint: use that one, or stop it first"
    )


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            text = f"no space left for `{path}`\nhint: free some, or choose another `--root`"
        else:
            text = (
                f"cannot use the folder `{path}`: {error.strerror or error}\n"
                "hint: make it writable, or choose another `--root`"
            )
        raise ServeError(text) from error


@contextlib.contextmanager
def _bound(listen: Listen) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    # Only of a socket that says it is TCP does asyncio turn Nagle's delay off: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((listen.host, listen.port))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "it is taken" if taken else str(error)
            raise ServeError(
                f"cannot listen on `{listen.host}:{listen.port}`: {reason}\n"
                "hint: choose another port, or leave it out for a free one"
            ) from error
        # From here on clients may connect: they wait in the backlog until the loop runs.
        listener.listen(128)
        yield listener
    finally:
        listener.close()


def _log_to(path: Path | None) -> None:
    handler: logging.Handler = (
        logging.StreamHandler()
        if path is None
        else RotatingFileHandler(path, maxBytes=2_000_000, backupCount=1, encoding="utf-8")
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
