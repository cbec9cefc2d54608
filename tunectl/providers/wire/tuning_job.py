"""Tuning jobs: a one-way, paid action. Nothing about a job can be changed, and its record stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
    UnknownOutcomeError,
)
from tunectl.core.ports import Found, JobEvent, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Plain
from tunectl.providers.instances import found, made, unchangeable
from tunectl.providers.wire.account import Account
from tunectl.providers.wire.alike import jobs_alike
from tunectl.providers.wire.client import Wire, fields, items
from tunectl.providers.wire.events import first_error, job_events, newest_events
from tunectl.providers.wire.job import (
    body,
    model_of,
    progress_of,
    reason_of,
    record_left,
    status_of,
)
from tunectl.providers.wire.limits import check_job
from tunectl.providers.wire.listed_job import as_listed
from tunectl.providers.wire.listing import pages
from tunectl.providers.wire.naming import OP, carries, mark_of
from tunectl.providers.wire.results import job_results
from tunectl.providers.wire.told import introduced

if TYPE_CHECKING:
    from openai import OpenAI

# A model may be listed a little later than its job ends (reports of users, openai-python#69).
_LISTED_WITHIN = 600.0
_CANCEL_SECONDS = 30.0
_CANCEL_STEP = 0.25


def _same(base: str) -> str:
    return base


@dataclass(frozen=True, slots=True)
class TuningJobs:
    """Handler of kind `tuning_job`.

    Attributes:
        prepare: makes a base model ready and returns the name by which the service knows it.
        cancel_seconds: how long a delete waits for a live job to end.
    """

    wire: Wire
    account: Account
    prepare: Callable[[str], str] = _same
    cancel_seconds: float = _CANCEL_SECONDS

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say what the service's published limits refuse."""
        return check_job(self.wire.profile, self.wire.provider, resource)

    def read(self, instance: Instance) -> Instance | None:
        """Return the job as it is now; None when its record, or its finished model, is gone.

        A job that failed or was cancelled never had a model, so its record is all there is. Of an
        instance without settings, such as one to import, the job's own are told.
        """
        try:
            job = self._job(instance.id)
        except NotFoundError:
            return None
        now = self._shown(instance if instance.spec else introduced(instance, job), job)
        if now.status is not Status.READY or self._listed(job):
            return now
        if instance.status is Status.PENDING and _ended_lately(job):
            return replace(now, status=Status.PENDING, progress=_UNLISTED, outputs=instance.outputs)
        return None

    def create(self, request: Request) -> Instance:
        """Start the job; it is pending."""
        account = self.account.id()
        arguments = body(self.wire.profile, request.spec, request.mark)
        arguments["model"] = self.prepare(str(arguments["model"]))
        extra = {**self.wire.profile.extra_body, **self.wire.extra_body}
        job = self.wire.tell(
            "create a tuning job",
            lambda c: fields(
                c.fine_tuning.jobs.create(**arguments, extra_body=extra or None), "id"
            ),
        )
        blank = made(request, account=account, id=job["id"], outputs={}, status=Status.PENDING)
        return self._shown(blank, job)

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return self.wire.profile.list_lag

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the jobs whose metadata carries the operation.

        Raises:
            UnknownOutcomeError: none does, and the service may have dropped that of some.
        """
        kept = self.wire.profile.metadata_kept
        jobs = self._every({OP: mark.op} if kept else {})
        mine = [job for job in jobs if carries(job.get("metadata"), OP, mark.op)]
        bare = [job["id"] for job in jobs if OP not in (job.get("metadata") or {})]
        if not mine and kept is None and bare:
            raise UnknownOutcomeError.of(
                f"provider `{self.wire.provider}` cannot tell whether a job for `{mark.address}` "
                f"was created: {len(bare)} of its jobs carry no mark, the newest `{bare[0]}`",
                hint="look at the jobs there; cancel the one that is yours, then allow another: "
                f"`tunectl apply --retry-unknown {mark.address}`",
                address=str(mark.address),
            )
        yield from self._adoptable(mark, mine)

    def alike(self, mark: Mark, spec: Mapping[str, Plain], since: datetime) -> Iterable[Instance]:
        """Yield the jobs without metadata that name the very files; see `jobs_alike`.

        Raises:
            UnknownOutcomeError: it cannot be told whether there is one.
        """
        if not self.wire.profile.told_by_files:
            return self.find(mark)
        jobs = jobs_alike(self.wire, self._every({}), mark, spec, since)
        return self._adoptable(mark, jobs)

    def _every(self, filtered: Mapping[str, str]) -> list[Any]:
        def listed(client: OpenAI) -> list[Any]:
            jobs = client.fine_tuning.jobs
            return items(lambda: jobs.list(limit=100, metadata=dict(filtered)), "id")

        return self.wire.ask("list the tuning jobs", listed)

    def _adoptable(self, mark: Mark, jobs: Iterable[Mapping[str, Any]]) -> Iterable[Instance]:
        account = self.account.id()
        for job in jobs:
            blank = found(
                mark, provider=self.wire.provider, account=account, id=job["id"], outputs={}
            )
            yield self._shown(blank, job)

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the job's metadata holds, if any."""
        return mark_of(self._job(instance.id).get("metadata"))

    def list(self) -> Iterable[Found]:
        """Yield every job of the account, the newest first, marked or not.

        Asks for no job by itself, so that of a job that is not ready its status is all that can be
        relied on. One that succeeded and whose model does not exist counts as failed: its record
        is all that is left.
        """
        account = self.account.id()
        models: frozenset[str] | None = None
        jobs = pages(
            self.wire,
            "list the tuning jobs",
            lambda c, after: c.fine_tuning.jobs.list(limit=100, after=after),
        )
        for job in jobs:
            if models is None:
                models = self._usable()
            yield as_listed(job, self.wire, account, models)

    def _usable(self) -> frozenset[str]:
        """Return the models there are; none where the service does not tell of tuned ones."""
        if not self.wire.profile.lists_tuned_models:
            return frozenset()
        every = self.wire.ask("list the models", lambda c: items(c.models.list, "id"))
        return frozenset(model["id"] for model in every)

    def poll(self, instance: Instance) -> Instance:
        """Return the job's progress.

        Raises:
            NotFoundError: the record is gone.
        """
        job = self._job(instance.id)
        now = self._shown(instance, job)
        if now.status is not Status.READY or self._listed(job):
            return now
        if _ended_lately(job):
            return replace(now, status=Status.PENDING, progress=_UNLISTED, outputs=instance.outputs)
        reason = f"the job succeeded, but its model `{model_of(job)}` does not exist"
        return replace(now, status=Status.FAILED, reason=reason)

    def update(self, request: Request) -> Instance:
        """Refuse: a job cannot be changed after it was created.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("a tuning job", request, "the change takes effect at the next training")

    def delete(self, instance: Instance) -> Instance | None:
        """End the job and delete its model and checkpoints; returns the record that stays.

        Raises:
            ConflictError: it is still running although it was cancelled; try again later.
        """
        try:
            job = self._ended(instance)
        except NotFoundError:
            model = instance.outputs.get("model_id")
            if self.wire.profile.lists_tuned_models and isinstance(model, str):
                self._delete_model(model)
            return None
        models = self._checkpoints(instance.id) if self.wire.profile.checkpoint_models else []
        model = model_of(job)
        for name in (*models, *([model] if model else [])):
            self._delete_model(name)
        for file_id in job.get("result_files") or ():
            self._delete_result(str(file_id))
        return replace(
            instance,
            status=self._status(job),
            outputs={"job_id": instance.id},
            progress="",
            reason=record_left(instance.id),
        )

    def events(self, instance: Instance, since: str | None = None) -> Iterable[JobEvent]:
        """Yield events in order, those after the id `since` only."""
        return job_events(self.wire, instance.id, since)

    def results(self, instance: Instance) -> Iterable[JobEvent]:
        """Yield what a job that is over leaves: losses by step, and its checkpoints."""
        job = self._job(instance.id)
        return job_results(self.wire, job, self._points(instance.id))

    def cancel(self, instance: Instance) -> Instance:
        """Ask the job to end; one that has ended already is fine."""
        job_id = instance.id
        try:
            job = self.wire.tell(
                f"cancel the job `{job_id}`",
                lambda c: fields(c.fine_tuning.jobs.cancel(job_id), "id"),
            )
        except InvalidRequestError:
            job = self._job(job_id)
            if not self._status(job).settled:
                raise
        return self._shown(instance, job)

    def pause(self, instance: Instance) -> Instance:
        """Ask for a pause; the job keeps what it has learnt."""
        return self._shown(
            instance,
            self.wire.tell(
                f"pause the job `{instance.id}`",
                lambda c: fields(c.fine_tuning.jobs.pause(instance.id), "id"),
            ),
        )

    def resume(self, instance: Instance) -> Instance:
        """Let a paused job go on."""
        return self._shown(
            instance,
            self.wire.tell(
                f"resume the job `{instance.id}`",
                lambda c: fields(c.fine_tuning.jobs.resume(instance.id), "id"),
            ),
        )

    def _job(self, job_id: str) -> dict[str, Any]:
        return self.wire.ask(
            f"read the job `{job_id}`",
            lambda c: fields(c.fine_tuning.jobs.retrieve(job_id), "id", "status"),
        )

    def _status(self, job: Mapping[str, Any]) -> Status:
        return status_of(job, self.wire.profile)

    def _shown(self, instance: Instance, job: Mapping[str, Any]) -> Instance:
        """Return the instance with what the job says about itself."""
        status, reason, progress = self._status(job), "", ""
        outputs: dict[str, Plain] = {"job_id": str(job["id"])}
        if status is Status.READY:
            model = model_of(job) if self.wire.profile.model_from_job else self._newest(job["id"])
            if model:
                outputs["model_id"] = model
            else:
                status, reason = Status.FAILED, reason_of(job) or self._last_words(job["id"])
                reason = f"the job ended without a usable model: {reason}"
        elif status is Status.PENDING:
            events = newest_events(self.wire, job) if job.get("status") == "running" else ()
            progress = progress_of(job, events, time.time())
        elif status is Status.FAILED:
            reason = reason_of(job) or self._last_words(job["id"])
        else:
            reason = "the job was cancelled"
        return replace(instance, status=status, outputs=outputs, reason=reason, progress=progress)

    def _last_words(self, job_id: str) -> str:
        return first_error(self.wire, job_id) or "the provider gives no reason"

    def _newest(self, job_id: str) -> str | None:
        """Return what a service that names no model registers one from: job and last checkpoint."""
        ids = self._points(job_id)
        last = max(ids, key=lambda point: point.get("step_number") or 0, default=None)
        return f"{job_id}:{last['id']}" if last else None

    def _listed(self, job: Mapping[str, Any]) -> bool:
        """Tell whether the job's model exists, as far as the service lets one know."""
        model = model_of(job)
        if not self.wire.profile.lists_tuned_models or model is None:
            return True
        try:
            self.wire.ask(f"read the model `{model}`", lambda c: fields(c.models.retrieve(model)))
        except NotFoundError:
            return False
        return True

    def _ended(self, instance: Instance) -> dict[str, Any]:
        """Return the job once it is over, cancelling it first when it is live."""
        job = self._job(instance.id)
        if self._status(job).settled:
            return job
        self.cancel(instance)
        deadline = time.monotonic() + self.cancel_seconds
        while not self._status(job := self._job(instance.id)).settled:
            if time.monotonic() >= deadline:
                raise ConflictError.of(
                    f"the job `{instance.id}` was cancelled and is still `{job['status']}`",
                    hint="run the same command again in a minute",
                    address=str(instance.address),
                )
            time.sleep(_CANCEL_STEP)
        return job

    def _points(self, job_id: str) -> Sequence[Any]:
        return self.wire.ask(
            f"list the checkpoints of `{job_id}`",
            lambda c: items(lambda: c.fine_tuning.jobs.checkpoints.list(job_id, limit=100), "id"),
        )

    def _checkpoints(self, job_id: str) -> Sequence[str]:
        points = self._points(job_id)
        names = (point.get("fine_tuned_model_checkpoint") for point in points)
        return [name for name in names if isinstance(name, str) and name]

    def _delete_model(self, name: str) -> None:
        try:
            self.wire.tell(f"delete the model `{name}`", lambda c: fields(c.models.delete(name)))
        except NotFoundError:
            return

    def _delete_result(self, file_id: str) -> None:
        """Delete a file of metrics that the job wrote; where the service keeps it, it stays."""
        try:
            self.wire.tell(
                f"delete the result file `{file_id}`", lambda c: fields(c.files.delete(file_id))
            )
        except (NotFoundError, InvalidRequestError):
            return


_UNLISTED = "trained; waiting until the model can be used"


def _ended_lately(job: Mapping[str, Any]) -> bool:
    ended = job.get("finished_at")
    return isinstance(ended, int | float) and time.time() - ended < _LISTED_WITHIN
