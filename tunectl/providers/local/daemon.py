"""The local server as a process: found, asked whether it is well, started, replaced."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import tunectl
from tunectl.core.errors import ConflictError, ProviderError, TunectlError, UnavailableError
from tunectl.providers.local.health import Health, answers, ask_health, ask_shutdown
from tunectl.providers.local.ray import NEEDED_BY_RAY, executor_of, reached_cluster
from tunectl.providers.local.root import Announced, preferred_port, read_announced
from tunectl.providers.wire.client import Reached

START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_STEP = 0.05
_TAIL = 2000
_WORKED = ("token", "jobs")  # what every server leaves in its folder
_LIVE = frozenset({"validating_files", "queued", "loading", "running"})
_NEEDED = ("starlette", "uvicorn", "python_multipart")
_NEEDED_TO_TRAIN = ("torch", "transformers", "peft")
INSTALL = "pip install 'tunectl[local]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """The channel to the server of one folder; starts it when there is none.

    Attributes:
        provider: the name under `providers:`, for messages.
        root: the server's folder.
        trainer: `lora` or `simulated`.
        idle_seconds: after which a server that is started here stops; 0 is never.
        ray: the settings of the cluster that trains, as words for the server; empty to train here.
    """

    provider: str
    root: Path
    trainer: str
    idle_seconds: float
    ray: tuple[str, ...] = ()
    _known: list[Announced] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def base_url(self) -> str:
        """Return the base URL: what the running server says, else where it will be."""
        said = read_announced(self.root)
        return said.url if said else f"http://127.0.0.1:{preferred_port(self.root)}/v1"

    def reach(self) -> Reached:
        """Return how to call the server, which runs when this returns.

        Raises:
            ProviderError: it cannot be started; the message says why.
            ConflictError: a server with another trainer is at work in this folder.
        """
        with self._mutex:
            said = read_announced(self.root)
            if said is None or said not in self._known:
                said = self._running(said)
                self._known[:] = [said]
        return Reached(base_url=said.url, key=said.token, direct=True)

    def credentials(self) -> str:
        """Say that nothing is needed: the server's token lies in its folder."""
        return "none needed: it runs on this machine"

    def executor(self) -> str:
        """Return what cluster trains, empty without one.

        Raises:
            UnavailableError: it does not answer.
        """
        return reached_cluster(self.provider, self.ray) if self.ray else ""

    @property
    def untouched(self) -> bool:
        """Whether no server has ever worked in this folder."""
        return not any((self.root / name).exists() for name in _WORKED)

    def revive(self) -> bool:
        """Start the server again when it does not answer any more."""
        with self._mutex:
            self._known.clear()
        return True

    def _running(self, said: Announced | None) -> Announced:
        health = ask_health(said) if said else None
        if said is None or health is None:
            return self._start()
        wanted = (self.trainer, tunectl.__version__, executor_of(self.ray))
        if (health.trainer, health.version, health.executor) == wanted:
            return said
        self._stop(said, health)
        return self._start()

    def _stop(self, said: Announced, health: Health) -> None:
        """End a server that is not the wanted one, when it has nothing to do."""
        if _LIVE & health.jobs.keys():
            raise ConflictError.of(
                f"a local server with trainer `{health.trainer}`, version {health.version}, "
                f"{_in_words(health.executor)} is at work in `{self.root}`",
                hint=f"wait until its jobs are done, or give provider `{self.provider}` "
                "another `root:`",
            )
        ask_shutdown(said)
        deadline = time.monotonic() + _STOP_SECONDS
        while read_announced(self.root) == said:
            if time.monotonic() > deadline:
                raise UnavailableError.of(
                    f"the local server of `{self.root}` (pid {said.pid}) does not stop",
                    hint=f"end process {said.pid}, then try again",
                )
            time.sleep(_STEP)

    def _start(self) -> Announced:
        """Start a server and wait until it is well; one that another process starts will do."""
        check_installed(self.provider, self.trainer, ray=bool(self.ray))
        log = self.root / "server.log"
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            begin = log.stat().st_size if log.exists() else 0
            child = self._spawn(log, free_port(self.root))
        except OSError as error:
            raise unusable_folder(self.root, error) from error
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            said = read_announced(self.root)
            if said is not None and answers(said):
                return said
            if child.poll() is not None and not self._another(log, begin):
                self._failed(log, begin, f"ended with code {child.returncode}")
            time.sleep(_STEP)
        return self._failed(log, begin, f"does not answer after {START_SECONDS:.0f} seconds")

    def _spawn(self, log: Path, port: int) -> subprocess.Popen[bytes]:
        command = [
            sys.executable, "-P", "-m", "tunectl.server",
            "--root", str(self.root),
            "--trainer", self.trainer,
            "--idle", f"{self.idle_seconds:g}",
            "--port", str(port),
            "--executor", executor_of(self.ray)[0],
            *(text for word in self.ray for text in ("--ray", word)),
        ]  # fmt: skip
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                cwd=self.root,  # not the project: a file there must not shadow a module
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # Reaps the server should it end before this process does.
        threading.Thread(target=child.wait, daemon=True, name="local-server").start()
        return child

    def _another(self, log: Path, begin: int) -> bool:
        """Tell whether the child gave way to a server that another process started."""
        text = _tail(log, begin)
        return "already runs on" in text or "another server is starting" in text

    def _failed(self, log: Path, begin: int, words: str) -> NoReturn:
        tail = _tail(log, begin)
        reasons = [
            line.removeprefix("error: ") for line in tail.splitlines() if line.startswith("error: ")
        ]
        hints = [
            line.removeprefix("hint: ") for line in tail.splitlines() if line.startswith("hint: ")
        ]
        reason = reasons[-1] if reasons else words
        raise UnavailableError.of(
            f"the local server of `{self.root}` could not be started: {reason}",
            hint=hints[-1] if hints else f"see `{log}`",
            detail=tail,
        )


def unusable_folder(root: Path, error: OSError) -> TunectlError:
    """Return the error of a folder that cannot be written."""
    return ProviderError.of(
        f"cannot use the folder of the local server, `{root}`: {error.strerror or error}",
        hint="free some space, make it writable, or choose another with `root:`",
    )


def _in_words(executor: tuple[str, ...]) -> str:
    name, *settings = executor
    return f"executor `{name}` ({', '.join(settings)})," if settings else f"executor `{name}`,"


def check_installed(provider: str, trainer: str, *, ray: bool = False) -> None:
    """Refuse to start what cannot run; `ray`: jobs go to a cluster.

    Raises:
        ProviderError: naming the packages that are missing.
    """
    needed = (*_NEEDED, *(_NEEDED_TO_TRAIN if trainer == "lora" else ()))
    needed += NEEDED_BY_RAY if ray else ()
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise ProviderError.of(
            f"provider `{provider}` needs packages that are not installed: {names}",
            hint=INSTALL if not ray else "pip install 'tunectl[local,ray]'",
            code="not-installed",
        )


def free_port(root: Path) -> int:
    """Return the folder's own port when it is free, else 0, which means any."""
    port = preferred_port(root)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _tail(log: Path, begin: int) -> str:
    """Return the end of what was written to the log since it had `begin` bytes."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(begin if begin <= size else 0, size - _TAIL))
            return stream.read().decode("utf-8", errors="replace").strip()
    except OSError:
        return ""
