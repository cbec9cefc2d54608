"""Executors: who gives a job folder to a machine that trains it.

An executor only starts the runner on a folder; it never reads results. Everything that is known
about a job afterwards is in its folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Protocol

from tunectl.server.jobs import JobFolder

_PATIENCE = 20.0


class Executor(Protocol):
    """Starts runners."""

    def start(self, job: JobFolder) -> None:
        """Start a runner on `job` and return when it holds the job's lock or has ended already."""

    def reap(self) -> None:
        """Let go of runners and trainers that have ended."""


class ProcessExecutor:
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
                env={**os.environ, "PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "passive"},
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
