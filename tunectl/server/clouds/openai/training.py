"""Jobs trained in threads of this process: at once, but for the time that the world says."""

from __future__ import annotations

import os
import threading
import time

from tunectl.server.clouds.world import World
from tunectl.server.executor import Executor
from tunectl.server.jobs import JobFolder
from tunectl.server.runner import begin
from tunectl.server.trainers.simulated import SimulatedTraining

_LOOK = 0.01  # seconds between two looks at the clock


class Threads(Executor):
    """An executor: the path of a job is the real one, only the processes are threads."""

    def __init__(self, world: World) -> None:
        """Train for as long as `world.job_seconds` says, by its clock."""
        self._world = world
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()

    def start(self, job: JobFolder) -> None:
        """Start a thread on `job` and return when it holds the job's lock or has ended."""
        until = self._now() + self._world.job_seconds
        thread = threading.Thread(target=self._train, args=(job, until), daemon=True, name=job.id)
        self._threads.append(thread)
        thread.start()
        while thread.is_alive() and not job.alive():
            time.sleep(_LOOK / 10)

    def reap(self) -> None:
        """Let go of threads that have ended."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def close(self) -> None:
        """End what still trains; its folder is about to go."""
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _train(self, job: JobFolder, until: float) -> None:
        code, locks = begin(job)
        try:
            if code is None and self._waited(job, until):
                SimulatedTraining(job).run()
        finally:
            for descriptor in locks:
                os.close(descriptor)

    def _waited(self, job: JobFolder, until: float) -> bool:
        """Let the job run for its time, or until it is asked to stop; False when all ends."""
        while self._now() < until and not (job.wants_cancel() or job.wants_pause()):
            if self._ended.wait(_LOOK):
                return False
        return not self._ended.is_set()

    def _now(self) -> float:
        """The world's time, without its mutex: whoever holds that may be waiting for this job."""
        return self._world.clock() + self._world.ahead
