"""The executor: submissions of jobs to one cluster, and what became of them."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from tunectl.server.executor import (
    GRACE,
    ON_RAY,
    Ending,
    Executor,
    ExecutorError,
    Life,
)
from tunectl.server.jobs import JobFolder
from tunectl.server.on_ray.cluster import Cluster, RefusedError, Seen
from tunectl.server.on_ray.entrypoint import entrypoint, hopeless, reserved
from tunectl.server.on_ray.settings import RaySettings

REFUSALS = 3
"""So often a cluster may refuse to take a submission before the job fails."""

_SUBMIT_WAIT = 3.0  # seconds that a request waits for its submission to be taken
_FRESH = 1.0  # seconds that an answer of the cluster is good for
_AFTER_FAILURE = 5.0  # seconds that a cluster which did not answer is left alone
_NEVER_BEGAN = frozenset(
    {"JOB_SUPERVISOR_ACTOR_START_TIMEOUT", "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"}
)
_LOG = logging.getLogger("tunectl.server")


class RayExecutor(Executor):
    """Gives jobs to a Ray cluster; safe to use from many threads.

    A job's notes keep, under `ray`, {"address", "number", "id"}: where and as what it was submitted
    last. That is written before anything is sent.

    A submission that waits in Ray's queue cannot be taken out of it (a stop takes effect only when
    it starts; Ray 2.60). So a queued job that is to end, or to stand still, is written down as such
    at once: the runner, when its turn comes, sees that before anything else, and ends. A job that
    goes on meanwhile keeps its place in the queue.
    """

    def __init__(self, settings: RaySettings) -> None:
        self._settings = settings
        self._mutex = threading.Lock()
        self._clusters: dict[str, Cluster] = {}
        self._under_way: set[str] = set()
        self._refused: dict[str, list[str]] = {}
        self._answers: dict[tuple[str, str], tuple[float, Seen | ExecutorError | None]] = {}

    def warm(self) -> None:
        """Import Ray's client, which takes seconds, before somebody waits for it."""
        threading.Thread(target=self.check_quietly, daemon=True, name="ray").start()

    def check_quietly(self) -> None:
        """Ask the cluster once; whether it answers is told to those who need it."""
        try:
            self.check()
        except ExecutorError as error:
            _LOG.warning("%s", error)

    def describe(self) -> dict[str, object]:
        """Return the cluster and what each job takes of it."""
        return {"executor": "ray", "ray": self._settings.words()}

    def check(self) -> None:
        """Make sure that the cluster answers."""
        self._cluster(self._settings.address).version()

    def reap(self) -> None:
        """Forget old answers of the cluster."""
        oldest = time.monotonic() - 2 * _AFTER_FAILURE
        with self._mutex:
            self._answers = {k: v for k, v in self._answers.items() if v[0] > oldest}

    def start(self, job: JobFolder) -> None:
        """Submit the job, unless its last submission may still be alive."""
        record = dict(job.meta().get(ON_RAY) or {})
        if record:
            try:
                seen = self._cluster(record["address"]).look(record["id"])
            except ExecutorError as error:
                self._remember(record, error)
                return
            if seen is not None and not seen.over:
                return
            if seen is not None or record["address"] != self._settings.address:
                record = {"number": record["number"] + 1}
        number = int(record.get("number", 1))
        record |= {
            "address": self._settings.address,
            "number": number,
            "id": f"{job.id}-{number}",
        }
        job.update_meta(**{ON_RAY: record})
        self._submit(job, record)

    def life(self, job: JobFolder) -> Life:
        """Tell what the cluster says; without a submission, what the lock says."""
        record = job.meta().get(ON_RAY)
        if not record:
            return super().life(job)
        with self._mutex:
            if record["id"] in self._under_way:
                return Life.ALIVE
        seen = self._look(record)
        if isinstance(seen, ExecutorError):
            return Life.UNKNOWN
        if seen is not None and not seen.over:
            return super().life(job) if self._stands(job, seen) else Life.ALIVE
        # Over for Ray, but somebody holds the lock: on a node that Ray has lost, a trainer ends.
        return super().life(job)

    @staticmethod
    def _stands(job: JobFolder, seen: Seen) -> bool:
        """Tell whether a job that waits in Ray's queue is to be settled by us meanwhile."""
        asked = job.wants_cancel() or job.wants_pause()
        return seen.status == "PENDING" and (asked or job.status()["state"] == "paused")

    def ending(self, job: JobFolder) -> Ending:
        """Tell how the last submission ended; one that never ran was no attempt."""
        record = job.meta().get(ON_RAY)
        if not record:
            return Ending()
        seen = self._look(record)
        if isinstance(seen, ExecutorError):
            return Ending(str(seen).splitlines()[0])
        if seen is None:
            with self._mutex:
                refused = list(self._refused.get(record["id"], ()))
            if len(refused) >= REFUSALS:
                return Ending(refused[-1], hopeless=True)
            words = refused[-1] if refused else "the cluster does not know it (any more)"
            return Ending(words, counts=False)
        if not seen.over:
            return Ending(counts=False)  # it stood still in the queue, and keeps its place
        if seen.status == "STOPPED":
            return Ending("it was stopped in the Ray cluster", stopped=True)
        why = hopeless(seen.exit_code, job.path, self._settings)
        if why:
            return Ending(why, hopeless=True)
        words = seen.message.strip().splitlines()[0] if seen.message.strip() else seen.status
        return Ending(_short(words), counts=seen.kind not in _NEVER_BEGAN)

    def insist(self, job: JobFolder, asked: str, waited: float) -> None:
        """Stop what runs and has not answered to `cancel` for long; Ray kills it soon after."""
        record = job.meta().get(ON_RAY)
        if not record or asked != "cancel" or waited < GRACE:
            return
        seen = self._look(record)
        if not isinstance(seen, Seen) or seen.status != "RUNNING":
            return
        try:
            self._cluster(record["address"]).stop(record["id"])
        except ExecutorError as error:
            self._remember(record, error)

    def note(self, job: JobFolder) -> str | None:
        """Tell what the job waits for."""
        record = job.meta().get(ON_RAY)
        if not record:
            return None
        seen = self._look(record)
        if isinstance(seen, ExecutorError):
            return f"{str(seen).splitlines()[0]}; nothing is started until it answers"
        if seen is not None and seen.status == "PENDING":
            taken = ", ".join(self._settings.words()[2:4])
            return f"queued by the Ray cluster at {record['address']} ({taken})"
        return None

    def _submit(self, job: JobFolder, record: dict[str, Any]) -> None:
        """Submit, without letting those who ask us wait for a cluster that is slow to answer.

        A lost reply leaves the record, which the next look at the cluster settles.
        """
        submission = str(record["id"])
        with self._mutex:
            if submission in self._under_way:
                return
            self._under_way.add(submission)
        sending = threading.Thread(
            target=self._send, args=(job, record), daemon=True, name=submission
        )
        sending.start()
        sending.join(_SUBMIT_WAIT)

    def _send(self, job: JobFolder, record: dict[str, Any]) -> None:
        submission = str(record["id"])
        try:
            self._cluster(record["address"]).submit(
                submission,
                entrypoint(job.path, self._settings),
                metadata={"tunectl_job": job.id, "tunectl_account": job.root.account()},
                **reserved(self._settings),
            )
            self._forget(record)
        except ExecutorError as error:
            _LOG.warning("submitting %s: %s", submission, error)
            if isinstance(error, RefusedError):
                with self._mutex:
                    words = str(error).splitlines()[0]
                    self._refused.setdefault(submission, []).append(words)
            self._remember(record, error)
        finally:
            with self._mutex:
                self._under_way.discard(submission)

    def _look(self, record: dict[str, Any]) -> Seen | ExecutorError | None:
        """Return what the cluster says of a submission, not older than a moment."""
        key = (str(record["address"]), str(record["id"]))
        with self._mutex:
            at, said = self._answers.get(key, (-_AFTER_FAILURE, None))
            fresh = _AFTER_FAILURE if isinstance(said, ExecutorError) else _FRESH
            if key in self._answers and time.monotonic() - at < fresh:
                return said
        try:
            said = self._cluster(key[0]).look(key[1])
        except ExecutorError as error:
            said = error
        with self._mutex:
            self._answers[key] = (time.monotonic(), said)
        return said

    def _remember(self, record: dict[str, Any], error: ExecutorError) -> None:
        with self._mutex:
            self._answers[record["address"], record["id"]] = (time.monotonic(), error)

    def _forget(self, record: dict[str, Any]) -> None:
        with self._mutex:
            self._answers.pop((record["address"], record["id"]), None)

    def _cluster(self, address: str) -> Cluster:
        with self._mutex:
            return self._clusters.setdefault(address, Cluster(address))


def _short(words: str) -> str:
    """Return a first line that fits into an event."""
    return words.split(", last available logs", 1)[0][:300]
