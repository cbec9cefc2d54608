"""What became of a job: settled on every read, by whoever reads.

A status file is a claim, a held lock is life. Where the claim says that a job is not over and no
lock is held, the job is started again from its last checkpoint, or its end is written down.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import time
from collections.abc import Callable
from typing import Any

from tunectl.server.executor import GRACE, KILL_AFTER, Ending, Executor, Life
from tunectl.server.files import FileStore
from tunectl.server.folder import locked, take_lock
from tunectl.server.jobs import TERMINAL, JobFolder

ATTEMPTS = 3
ACKNOWLEDGE = 3.0  # seconds that a request to stop waits for the trainer's answer
_COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")


class Reconciler:
    """Settles jobs; safe to use from many threads and many processes at once."""

    def __init__(self, executor: Executor, files: FileStore) -> None:
        self._executor = executor
        self._files = files

    def settle(self, job: JobFolder) -> dict[str, Any]:
        """Return the status of `job` after making it true; starts a dead job again."""
        status = job.status()
        if status["state"] in TERMINAL:
            if not job.meta().get("finalised"):
                with locked(job.reconcile_lock):
                    self._finalise(job, job.status())
            return status
        if _rests(job, status) or not self._is_dead(job):
            return job.status()
        mine = take_lock(job.reconcile_lock)
        if mine is None:
            return job.status()  # somebody else is settling it
        try:
            return self._revive(job)
        finally:
            os.close(mine)

    def cancel(self, job: JobFolder) -> dict[str, Any]:
        """Ask the job to end, and wait a moment for it; a job that is over stays as it is."""
        job.ask("cancel")
        return self._await(job, lambda state: state in TERMINAL)

    def pause(self, job: JobFolder) -> dict[str, Any]:
        """Ask the job to stand still after its current step."""
        job.ask("pause")
        return self._await(job, lambda state: state == "paused" or state in TERMINAL)

    def resume(self, job: JobFolder) -> dict[str, Any]:
        """Let a job that stands still go on from its checkpoint."""
        job.withdraw("pause")
        return self._await(job, lambda state: state != "paused")

    def insist(self, job: JobFolder, now: float) -> None:
        """Let the executor end what does not answer to `cancel` or `pause`."""
        status = job.status()
        asked = "cancel" if job.wants_cancel() else "pause" if job.wants_pause() else ""
        if not asked or status["state"] in TERMINAL or _rests(job, status):
            return
        mine = take_lock(job.reconcile_lock)
        if mine is None:
            return
        try:
            with contextlib.suppress(FileNotFoundError):  # what was asked has just been taken back
                waited = now - (job.path / asked).stat().st_mtime
                self._executor.insist(job, asked, waited)
        finally:
            os.close(mine)

    def _is_dead(self, job: JobFolder) -> bool:
        """Tell whether nobody works on the job.

        Where that cannot be told, a job is given up only when it was asked to end, has had all its
        time to do so, and nobody holds its lock: that starts nothing.
        """
        life = self._executor.life(job)
        if life is not Life.UNKNOWN or not job.wants_cancel():
            return life is Life.DEAD
        with contextlib.suppress(FileNotFoundError):
            waited = time.time() - (job.path / "cancel").stat().st_mtime
            return waited > GRACE + KILL_AFTER and not job.alive()
        return False

    def _await(self, job: JobFolder, settled: Callable[[str], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + ACKNOWLEDGE
        while True:
            status = self.settle(job)
            if settled(status["state"]) or time.monotonic() > deadline:
                return status
            time.sleep(0.05)

    def _revive(self, job: JobFolder) -> dict[str, Any]:
        own = take_lock(job.lock)
        if own is None:
            return job.status()
        try:
            status = job.status()  # it may have just ended
            if status["state"] not in TERMINAL:
                status = self._decide(job, status)
            if status["state"] in TERMINAL:
                self._finalise(job, status)
                return status
            if _rests(job, status):
                return status
        finally:
            os.close(own)
        self._executor.start(job)
        return job.status()

    def _decide(self, job: JobFolder, status: dict[str, Any]) -> dict[str, Any]:
        """Write down what a job is whose lock is free; the caller holds both locks."""
        if job.wants_cancel():
            job.finish("cancelled")
            job.event("Fine-tuning job cancelled")
            return job.status()
        if job.wants_pause():
            if status["state"] != "paused":
                job.event("Fine-tuning job paused")
            return job.write_status(state="paused")
        ending = self._executor.ending(job)
        if ending.stopped:
            job.finish("cancelled")
            job.event(f"Fine-tuning job cancelled: {ending.words}", level="warn")
            return job.status()
        meta = job.meta()
        reached = max((step for step, _ in job.checkpoints()), default=0)
        resumed = status["state"] == "paused"
        fresh = resumed or meta.get("reached") != reached
        attempts = 0 if fresh else int(meta.get("attempts", 0))
        if ending.hopeless or attempts >= ATTEMPTS:
            return _failed(job, attempts, ending)
        again = int(meta.get("attempts", 0)) > 0
        if resumed:
            job.event("Fine-tuning job resumed")
        elif again and not ending.counts:
            job.event(f"The job is given to the cluster again: {ending.words}", level="warn")
        elif again:
            said = f" ({ending.words})" if ending.words else ""
            text = f"The trainer ended unexpectedly{said}; starting again from step {reached}"
            job.event(text, level="warn")
        counted = attempts + 1 if ending.counts else max(attempts, 1)
        job.update_meta(attempts=counted, reached=reached)
        return job.write_status(state="queued" if status.get("validated") else "validating_files")

    def _finalise(self, job: JobFolder, status: dict[str, Any]) -> None:
        """Do once what follows the end of a job; the caller holds the reconcile lock."""
        meta = job.meta()
        if meta.get("finalised"):
            return
        results: list[str] = []
        if status["state"] == "succeeded":
            results.append(self._write_results(job))
            told = {event["message"] for event in job.events()}
            for message in (
                f"New fine-tuned model created: {job.recipe()['fine_tuned_model']}",
                "The job has successfully completed",
            ):
                if message not in told:
                    job.event(message)
        job.update_meta(finalised=True, result_files=results)

    def _write_results(self, job: JobFolder) -> str:
        table = io.StringIO()
        writer = csv.DictWriter(table, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for event in job.events():
            if event["type"] == "metrics":
                data = event["data"]
                writer.writerow({"train_accuracy": data.get("train_mean_token_accuracy"), **data})
        content = table.getvalue().encode()
        path = self._files.incoming()
        path.write_bytes(content)
        meta = self._files.keep(
            path,
            filename="step_metrics.csv",
            purpose="fine-tune-results",
            sha256=hashlib.sha256(content).hexdigest(),
            file_id="file-" + hashlib.sha256(job.id.encode()).hexdigest()[:24],
        )
        return str(meta["id"])


def _rests(job: JobFolder, status: dict[str, Any]) -> bool:
    """Tell whether the job stands still on purpose; without `pause` it shall go on."""
    return status["state"] == "paused" and job.wants_pause() and not job.wants_cancel()


def _failed(job: JobFolder, attempts: int, ending: Ending) -> dict[str, Any]:
    """Write down that no further attempt is made; the caller holds both locks."""
    message = "The job failed due to an internal error: "
    if ending.hopeless:
        job.event(message + ending.words, level="error")
        text = message + ending.words
    else:
        message += f"the trainer ended {attempts} times"
        job.event(message, level="error")
        tail = job.log_tail()
        said = [ending.words, f"The end of its log:\n{tail}" if tail else ""]
        text = ". ".join([message, *filter(None, said)])
    job.finish("failed", error={"code": "server_error", "message": text, "param": None})
    return job.status()
