"""Executors: who gives a job folder to a machine that trains it.

An executor starts the runner on a folder, knows whether it lives, and can end it; it never reads
results. Everything else that is known about a job is in its folder.
"""

from __future__ import annotations

import enum
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tunectl.server.jobs import JobFolder

GRACE = 90.0
"""Seconds from `cancel` to the end by force: longer than the slowest step seen on a busy CPU."""

KILL_AFTER = 30.0
"""Seconds from SIGTERM to SIGKILL."""

ON_RAY = "ray"
"""The key of a job's notes (`meta.json`) under which executor `ray` keeps what it has submitted."""

_PATIENCE = 20.0
# Who started the server may itself be a rank of something; its place is not that of a trainer.
_PLACES = frozenset({"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"})


class ExecutorError(Exception):
    """Jobs cannot be started; the text says why and what to do."""


class Life(enum.Enum):
    """Whether a job has a runner or trainer; where that cannot be told, nothing may be started."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Ending:
    """What an executor knows of the end of a job's last attempt.

    Attributes:
        words: in its own words; empty where it knows nothing.
        hopeless: another attempt would end the same way.
        stopped: somebody ended it on purpose, by other means than ours.
        counts: it was an attempt; one that never began, or was lost by the machines, is none.
    """

    words: str = ""
    hopeless: bool = False
    stopped: bool = False
    counts: bool = True


class Executor(Protocol):
    """Starts runners. The methods with a body are those of one whose jobs hold their locks here."""

    def start(self, job: JobFolder) -> None:
        """Start a runner on `job`; returns when it holds the job's lock, has ended, or is known.

        The caller holds the job's reconcile lock. Starting what was started already is no harm.
        """

    def reap(self) -> None:
        """Let go of runners and trainers that have ended."""

    def check(self) -> None:
        """Make sure that a job could be started now.

        Raises:
            ExecutorError: it could not.
        """
        return

    def life(self, job: JobFolder) -> Life:
        """Tell whether `job` has a runner or trainer."""
        return Life.ALIVE if job.alive() else Life.DEAD

    def ending(self, job: JobFolder) -> Ending:
        """Tell how the last attempt of `job`, which has no trainer any more, came to its end."""
        del job
        return Ending()

    def insist(self, job: JobFolder, asked: str, waited: float) -> None:
        """End a trainer that does not answer to `asked`, which is `cancel` or `pause`.

        The caller holds the job's reconcile lock. `waited`: seconds since it was asked.
        """
        del job, asked, waited

    def describe(self) -> dict[str, object]:
        """Return how jobs are run, for those who must know whether it is what they want."""
        return {"executor": "process"}

    def note(self, job: JobFolder) -> str | None:
        """Return what people should know about a job that is not over; None where all is well."""
        del job
        return None


class ProcessExecutor(Executor):
    """Runs each job as a detached process of this machine: it outlives the server."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._mutex = threading.Lock()

    def start(self, job: JobFolder) -> None:
        """Start a runner in a session of its own, its output going to the job's log."""
        with job.log.open("ab") as log:
            # -P: the folder that holds the user's data is never a place to import code from.
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "tunectl.server.runner", str(job.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=job.path,
                env=_environment(os.environ),
            )
        with self._mutex:
            self._children.append(child)
        deadline = time.monotonic() + _PATIENCE
        while child.poll() is None and not job.alive() and time.monotonic() < deadline:
            time.sleep(0.02)

    def reap(self) -> None:
        """Collect the exit codes of ended children, so that none stays a zombie."""
        with self._mutex:
            self._children = [child for child in self._children if child.poll() is None]

    def life(self, job: JobFolder) -> Life:
        """Tell whether the job's lock is held; what runs on a cluster cannot be judged by it."""
        if job.alive():
            return Life.ALIVE
        return Life.UNKNOWN if job.meta().get(ON_RAY) else Life.DEAD

    def insist(self, job: JobFolder, asked: str, waited: float) -> None:
        """Send SIGTERM to the process group after the grace, then SIGKILL; never for a pause."""
        pid = job.status().get("pid")
        if asked != "cancel" or waited < GRACE or not isinstance(pid, int):
            return
        if job.alive() and _is_of(pid, job):
            os.killpg(pid, signal.SIGKILL if waited > GRACE + KILL_AFTER else signal.SIGTERM)

    def note(self, job: JobFolder) -> str | None:
        """Tell of a job that an earlier server gave to a cluster."""
        submitted = job.meta().get(ON_RAY)
        if not submitted or job.alive():
            return None
        return (
            f"it was given to the Ray cluster at {submitted.get('address')}, which this server "
            "does not use: set `executor: ray` again, or cancel the job"
        )


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in inherited.items() if name not in _PLACES}
    return {**kept, "PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "passive"}


def _is_of(pid: int, job: JobFolder) -> bool:
    """Tell whether process `pid` works on `job`: an id may have been given to another program."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return str(job.path).encode() in stream.read()
    except OSError:
        return False
