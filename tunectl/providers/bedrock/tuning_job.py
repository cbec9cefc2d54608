"""Tuning jobs: a one-way, paid action. Nothing about a job can be changed, and its record stays."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
)
from tunectl.core.ports import Found, JobEvent, Mark, Model, Request
from tunectl.core.resource import Instance, Need, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.client import CONTROL, Cloud, fields, pages
from tunectl.providers.bedrock.events import job_events
from tunectl.providers.bedrock.job import (
    Setting,
    body,
    moment,
    progress_of,
    record_left,
    settings_of,
    status_of,
)
from tunectl.providers.bedrock.limits import check_job
from tunectl.providers.bedrock.naming import mark_of, op_in_name, pairs_of
from tunectl.providers.bedrock.places import Place
from tunectl.providers.bedrock.upload import objects, remove
from tunectl.providers.instances import found, made, unchangeable

LIST_LAG = 15.0  # seconds; AWS documents none for lists of Bedrock (2026-11)


@dataclass(frozen=True, slots=True)
class TuningJobs:
    """Handler of kind `tuning_job`.

    Attributes:
        setting: what every job is made with.
        stop_seconds: how long a delete waits for a live job to end.
    """

    cloud: Cloud
    identity: Identity
    setting: Setting
    stop_seconds: float = 60.0

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say what the service's published limits refuse."""
        return check_job(self.cloud.provider, self.cloud.region, resource)

    def read(self, instance: Instance) -> Instance | None:
        """Return the job as it is now; None when its record, or its finished model, is gone.

        A job that failed or was stopped never had a model, so its record is all there is. Of an
        instance without settings, such as one to import, the job's own are told.
        """
        self.identity.check(instance)
        try:
            job = self._job(instance.id)
        except NotFoundError:
            return None
        now = _shown(instance if instance.spec else _introduced(instance, job), job)
        return now if now.status is not Status.READY or self._exists(now) else None

    def create(self, request: Request) -> Instance:
        """Start the job; it is pending."""
        account, asked = self.identity.id(), body(self.setting, request)
        answer = self.cloud.tell(
            CONTROL,
            "create a tuning job",
            lambda c: fields(c.create_model_customization_job(**asked), "jobArn"),
        )
        arn = str(answer["jobArn"])
        return made(
            request,
            account=account,
            id=arn,
            outputs={"job_id": arn},
            status=Status.PENDING,
            progress="queued",
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return 0.0 if self.cloud.rehearsed else LIST_LAG

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the jobs whose name carries the operation."""
        account = self.identity.id()
        for job in self._jobs(nameContains=mark.op):
            blank = found(
                mark,
                provider=self.cloud.provider,
                account=account,
                id=str(job["jobArn"]),
                outputs={},
            )
            yield _shown(blank, job)

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the job's tags, if any."""
        self.identity.check(instance)
        return mark_of(tags_of(self.cloud, instance.id))

    def list(self) -> Iterable[Found]:
        """Yield every job of the account in the region, the newest first.

        A list tells no tags, so its marks are never whole: a name holds the operation. A job that
        succeeded and whose model does not exist counts as failed: its record is all that is left.
        """
        account = self.identity.id()
        models: frozenset[str] | None = None
        for job in self._jobs():
            if models is None:
                models = frozenset(str(one["modelArn"]) for one in self._models())
            yield self._listed(job, account, models)

    def _listed(self, job: Mapping[str, Any], account: str, models: frozenset[str]) -> Found:
        arn = str(job["jobArn"])
        blank = Instance(
            address=Address.of("tuning_job", str(job["jobName"])),
            provider=self.cloud.provider,
            account=account,
            id=arn,
            spec={},
            needs=(Need(Address.of("model", "base_model"), str(job["baseModelArn"])),),
            op=op_in_name(str(job["jobName"])),
        )
        now = _shown(blank, job)
        if now.status is Status.READY and now.outputs.get("model_id") not in models:
            now = replace(
                now,
                status=Status.FAILED,
                outputs={"job_id": arn},
                reason="its model does not exist",
            )
        return Found(instance=now, created_at=moment(job.get("creationTime")))

    def poll(self, instance: Instance) -> Instance:
        """Return the job's progress.

        Raises:
            NotFoundError: the record is gone.
        """
        self.identity.check(instance)
        now = _shown(instance, self._job(instance.id))
        if now.status is not Status.READY or self._exists(now):
            return now
        reason = f"the job succeeded, but its model `{now.outputs['model_id']}` does not exist"
        return replace(now, status=Status.FAILED, reason=reason)

    def update(self, request: Request) -> Instance:
        """Refuse: a job cannot be changed after it was created.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("a tuning job", request, "the change takes effect at the next training")

    def delete(self, instance: Instance) -> Instance | None:
        """End the job, delete its model and what it wrote; returns the record that stays.

        Raises:
            ConflictError: it is still running although it was stopped, or something serves its
                model; try again later.
        """
        self.identity.check(instance)
        try:
            job = self._ended(instance)
        except NotFoundError:
            return None
        model = job.get("outputModelArn")
        if isinstance(model, str) and model:
            self._delete_model(model)
        self._delete_outputs(job, instance)
        return replace(
            instance,
            status=status_of(job),
            outputs={"job_id": instance.id},
            progress="",
            reason=record_left(str(job["jobName"])),
        )

    def events(self, instance: Instance, since: str | None = None) -> Iterable[JobEvent]:
        """Yield phases and, when it is over, the losses of the steps; those after `since` only."""
        self.identity.check(instance)
        job = self._job(instance.id)
        every = list(job_events(self.cloud, job))
        ids = [event.id for event in every]
        return every[ids.index(since) + 1 :] if since in ids else every

    def cancel(self, instance: Instance) -> Instance:
        """Ask the job to end; one that has ended already is fine.

        It cannot go on afterwards, trained tokens are charged, and no model comes of it (user
        guide, model-customization-stop).
        """
        self.identity.check(instance)
        try:
            self.cloud.tell(
                CONTROL,
                f"stop the job `{instance.id}`",
                lambda c: c.stop_model_customization_job(jobIdentifier=instance.id),
            )
        except (ConflictError, InvalidRequestError):
            now = _shown(instance, self._job(instance.id))
            if not now.status.settled:
                raise
            return now
        return _shown(instance, self._job(instance.id))

    def models(self) -> Iterable[Model]:
        """Yield the custom models of the account in the region."""
        for one in self._models():
            made_at = one.get("creationTime")
            yield Model(
                id=str(one["modelArn"]),
                owned_by=self.identity.id().partition("/")[0],
                created=int(made_at.timestamp()) if isinstance(made_at, datetime) else 0,
            )

    def _models(self) -> Iterator[Mapping[str, Any]]:
        return pages(self.cloud, "list the custom models", "list_custom_models", "modelSummaries")

    def _job(self, arn: str) -> Mapping[str, Any]:
        return self.cloud.ask(
            CONTROL,
            f"read the job `{arn}`",
            lambda c: fields(
                c.get_model_customization_job(jobIdentifier=arn), "jobArn", "jobName", "status"
            ),
        )

    def _jobs(self, **asked: str) -> Iterator[Mapping[str, Any]]:
        for job in pages(
            self.cloud,
            "list the tuning jobs",
            "list_model_customization_jobs",
            "modelCustomizationJobSummaries",
            **asked,
        ):
            yield fields(job, "jobArn", "jobName", "status")

    def _exists(self, instance: Instance) -> bool:
        model = str(instance.outputs.get("model_id"))
        try:
            self.cloud.ask(
                CONTROL,
                f"read the model `{model}`",
                lambda c: fields(c.get_custom_model(modelIdentifier=model), "modelArn"),
            )
        except NotFoundError:
            return False
        return True

    def _ended(self, instance: Instance) -> Mapping[str, Any]:
        """Return the job once it is over, stopping it first when it is live."""
        job = self._job(instance.id)
        if status_of(job).settled:
            return job
        self.cancel(instance)
        deadline = time.monotonic() + self.stop_seconds
        while not status_of(job := self._job(instance.id)).settled:
            if time.monotonic() >= deadline:
                raise ConflictError.of(
                    f"the job `{job['jobName']}` was stopped and is still `{job['status']}`",
                    hint="run the same command again in a few minutes",
                    address=str(instance.address),
                )
            time.sleep(self.cloud.pause)
        return job

    def _delete_model(self, arn: str) -> None:
        try:
            self.cloud.tell(
                CONTROL,
                f"delete the model `{arn}`",
                lambda c: c.delete_custom_model(modelIdentifier=arn),
            )
        except NotFoundError:
            return

    def _delete_outputs(self, job: Mapping[str, Any], instance: Instance) -> None:
        """Delete what the job wrote into its own folder; one that is not ours is left alone."""
        place = Place.parse(str((job.get("outputDataConfig") or {}).get("s3Uri") or ""))
        if place is None or not instance.op or not place.key.endswith(str(job["jobName"])):
            return
        for one in objects(self.cloud, Place(place.bucket, f"{place.key}/")):
            remove(self.cloud, Place(place.bucket, str(one["Key"])))


def tags_of(cloud: Cloud, arn: str) -> dict[str, str]:
    """Return the tags of something.

    Raises:
        NotFoundError: it is gone.
    """
    answer = cloud.ask(
        CONTROL,
        f"read the tags of `{arn}`",
        lambda c: fields(c.list_tags_for_resource(resourceARN=arn)),
    )
    return pairs_of(answer.get("tags") or ())


def _introduced(instance: Instance, job: Mapping[str, Any]) -> Instance:
    """Return an instance of which only the id is known with all that its job tells of it."""
    return replace(
        instance,
        spec=settings_of(job),
        op=op_in_name(str(job["jobName"])),
        created_at=moment(job.get("creationTime")),
    )


def _shown(instance: Instance, job: Mapping[str, Any]) -> Instance:
    """Return the instance with what the job, or a list of jobs, says about it."""
    status, reason, progress = status_of(job), "", ""
    outputs: dict[str, Plain] = {"job_id": str(job["jobArn"])}
    if status is Status.READY:
        model = job.get("outputModelArn") or job.get("customModelArn")
        if model:
            outputs["model_id"] = str(model)
        else:
            status, reason = Status.FAILED, "the job ended and names no model"
    elif status is Status.PENDING:
        progress = progress_of(job)
    elif status is Status.FAILED:
        reason = str(job.get("failureMessage") or "the provider gives no reason")
    else:
        reason = "the job was stopped"
    return replace(instance, status=status, outputs=outputs, reason=reason, progress=progress)
