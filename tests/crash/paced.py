"""Trainers that keep step with the questions: a job is over when it was asked after three times.

So a recording and its repetitions see the same number of questions, however busy the machine is.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tunectl.server import runner
from tunectl.server.executor import Executor
from tunectl.server.folder import take_lock
from tunectl.server.jobs import JobFolder
from tunectl.server.trainers.simulated import SimulatedTraining

_ASKED = re.compile(r"/v1/fine_tuning/jobs/(ftjob-\w+)")
_PATIENCE = 30.0  # seconds; a bound for what takes milliseconds
_STEP = 0.003
_OVER = 3  # questions


class PacedExecutor(Executor):
    """Trains within the server's process, in a thread a job, a phase further at each question.

    At the first question a job is queued, at the second it runs, at the third it is over.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked: Counter[str] = Counter()
        self._phase: dict[str, int] = {}

    def start(self, job: JobFolder) -> None:
        """Take the job's lock and wait for questions."""
        lock = take_lock(job.lock, wait=2.0)
        if lock is not None:
            self._phase[job.id] = 0
            threading.Thread(target=self._train, args=(job, lock), daemon=True).start()

    def reap(self) -> None:
        """Nothing to collect."""

    def asked(self, job_id: str) -> None:
        """Count one question; returns when the job is as far as it should be."""
        with self._changed:
            self._asked[job_id] += 1
            self._changed.notify_all()
            due = min(self._asked[job_id], _OVER)
            self._changed.wait_for(lambda: self._phase.get(job_id, _OVER) >= due, _PATIENCE)

    def _reached(self, job: JobFolder, phase: int) -> None:
        with self._changed:
            self._phase[job.id] = phase
            self._changed.notify_all()

    def _until(self, job: JobFolder, questions: int) -> None:
        with self._changed:
            while self._asked[job.id] < questions and not job.wants_cancel():
                self._changed.wait(_STEP)

    def _train(self, job: JobFolder, lock: int) -> None:
        try:
            if not job.status().get("validated") and runner._validate(job) is not None:
                return
            job.write_status(state="queued", pid=0)
            self._reached(job, 1)
            self._until(job, 2)
            job.write_status(state="loading", started_at=1)
            self._reached(job, 2)
            self._until(job, _OVER)
            if runner.stopped_early(job) is None:
                SimulatedTraining(job).run()
        finally:
            os.close(lock)
            self._reached(job, _OVER)


class Questions:
    """ASGI middleware that tells the executor of each question after a job."""

    def __init__(self, app: Callable[..., Awaitable[None]], executor: PacedExecutor) -> None:
        self._app = app
        self._executor = executor

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Count, then serve."""
        found = _ASKED.fullmatch(scope.get("path", ""))
        if found is not None and scope.get("method") == "GET":
            from starlette.concurrency import run_in_threadpool

            await run_in_threadpool(self._executor.asked, found.group(1))
        await self._app(scope, receive, send)
