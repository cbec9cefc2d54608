"""Tuning jobs: a one-way, paid action. Nothing about a job can be changed, and its record stays.

A create answers at once and carries no request id: sent twice, it is two paid jobs. Whether one was
made is told by the labels in the list of all jobs; how filters on labels are written for jobs is
not documented, so none is used: a filter that is misread would hide the job that was paid for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
)
from tunectl.core.ports import Found, JobEvent, Mark, Request
from tunectl.core.resource import Instance, Need, Resource, Status
from tunectl.core.value import Address, Ref
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.instances import found, made, unchangeable
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.client import MODELS, TUNING, Cloud, as_json
from tunectl.providers.vertex.events import events_of
from tunectl.providers.vertex.job import (
    body,
    ended_lately,
    endpoint_of,
    endpoints_of,
    is_preference,
    made_at,
    model_of,
    outputs_of,
    progress_of,
    reason_of,
    record_left,
    settings_of,
    status_of,
)
from tunectl.providers.vertex.limits import check_job
from tunectl.providers.vertex.marks import OP, mark_of
from tunectl.providers.vertex.open_job import (
    is_open,
    open_body,
    output_of,
    own_output,
    weights_of,
)
from tunectl.providers.vertex.places import Name, location_of
from tunectl.providers.vertex.teardown import model_named, remove
from tunectl.providers.vertex.weights import are_there, remove_all

_PAGE = 100
_CANCEL_SECONDS = 30.0
_CANCEL_STEP = 0.25
_UNDEPLOYED = "trained; waiting for its endpoint"
_LAG = 15.0  # seconds; no bound is documented for the list of jobs


@dataclass(frozen=True, slots=True)
class TuningJobs:
    """Handler of kind `tuning_job`.

    Attributes:
        at_once: jobs of the project that may run at once; the rest waits for its turn.
        cancel_seconds: how long a delete waits for a live job to end.
    """

    cloud: Cloud
    account: ProjectAccount
    at_once: int = 1
    cancel_seconds: float = _CANCEL_SECONDS

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say what the service's published limits refuse."""
        return check_job(self.cloud.provider, self.cloud.location, resource)

    def read(self, instance: Instance) -> Instance | None:
        """Return the job as it is now; None when its record, or its finished model, is gone."""
        try:
            job = self._job(instance.id)
        except NotFoundError:
            return None
        known = instance if instance.spec else _introduced(instance, job)
        now = self._shown(known, job)
        return None if now.status is Status.READY and not self._is_there(job) else now

    def _is_there(self, job: Mapping[str, Any]) -> bool:
        if is_open(job):
            return are_there(self.cloud, weights_of(job))
        return model_named(self.cloud, model_of(job)) is not None

    def create(self, request: Request) -> Instance:
        """Start the job; it is pending."""
        account = self.account.id()
        wanted = self._wanted(request)
        newer = is_preference(request.spec) or is_open(wanted)
        send = self._newly if newer else self._supervise
        job = self.cloud.tell("create a tuning job", lambda: _named(send(wanted)))
        blank = made(request, account=account, id=job["name"], outputs={}, status=Status.PENDING)
        return self._shown(blank, job)

    def _supervise(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        from google.cloud.aiplatform_v1 import TuningJob

        client = self.cloud.service(TUNING, self.cloud.location, once=True)
        return as_json(
            client.create_tuning_job(
                parent=self.cloud.parent,
                tuning_job=TuningJob.from_json(json.dumps(wanted)),
                **self.cloud.plain,
            )
        )

    def _newly(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Send what no service client knows a word for (google-cloud-aiplatform 2.7.0)."""
        path = f"v1beta1/{self.cloud.parent}/tuningJobs"
        return self.cloud.post_json(self.cloud.location, path, wanted)

    def _wanted(self, request: Request) -> dict[str, Any]:
        """Return the job to create; one that trains on begins with what the other job made."""
        said = request.resource.spec.get("base_model")
        before = request.dependencies.get(said.address) if isinstance(said, Ref) else None
        told = before.outputs if before is not None else {}
        base = str(told.get("model") or request.spec["base_model"])
        root = str(told.get("base") or base)
        spec, mark, labels = request.spec, request.mark, request.resource.labels
        if not is_open({"baseModel": root}):
            return body(spec, mark, labels, base)
        return open_body(
            spec,
            mark,
            labels,
            base=root,
            before="" if base == root else base,
            output=output_of(self.cloud.staging, mark.op),
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return _LAG if self.cloud.endpoint is None else 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the jobs whose labels carry the operation."""
        account = self.account.id()
        for job in self._all():
            if (job.get("labels") or {}).get(OP) == mark.op:
                blank = found(
                    mark,
                    provider=self.cloud.provider,
                    account=account,
                    id=job["name"],
                    outputs={},
                )
                yield self._shown(blank, self._whole(job))

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the job carries, if any."""
        return _mark(self._job(instance.id))

    def list(self) -> Iterable[Found]:
        """Yield every job of the location, the newest first, marked or not.

        One that succeeded and whose model does not exist counts as failed: its record is all that
        is left.
        """
        account = self.account.id()
        models: dict[str, frozenset[str]] = {}
        for listed in self._all():
            job, mark = self._whole(listed), _mark(listed)
            shown = self._shown(
                Instance(
                    address=mark.address if mark else Address.of("tuning_job", job["name"]),
                    provider=self.cloud.provider,
                    account=account,
                    id=str(job["name"]),
                    spec={},
                    needs=tuple(_sources(job)),
                    op=str((job.get("labels") or {}).get(OP, "")),
                ),
                job,
            )
            if shown.status is Status.READY and not self._exists(job, models):
                reason = f"its model `{shown.outputs.get('model')}` does not exist"
                shown = replace(shown, status=Status.FAILED, reason=reason)
            yield Found(instance=shown, mark=mark, created_at=made_at(job))

    def _exists(self, job: Mapping[str, Any], known: dict[str, frozenset[str]]) -> bool:
        """Tell whether a job's model exists, with one list for each location."""
        if is_open(job):
            return self._is_there(job)
        model = model_of(job)
        location = location_of(model)
        if location not in known:
            known[location] = frozenset(self._models(location))
        name = Name.of(model)
        return name is not None and name.id in known[location]

    def _models(self, location: str) -> Iterator[str]:
        parent = f"projects/{self.cloud.project}/locations/{location}"

        def listed() -> list[str]:
            client = self.cloud.service(MODELS, location)
            pager = client.list_models({"parent": parent, "page_size": _PAGE}, **self.cloud.plain)
            return [one.name for one in pager]

        for text in self.cloud.ask(f"list the models of `{parent}`", listed):
            name = Name.of(text)
            if name is not None:
                yield name.id

    def _all(self) -> Iterator[dict[str, Any]]:
        """Yield all jobs of the location, page by page: whoever has seen enough asks no more."""
        token = ""
        while True:
            page, following = self.cloud.ask(
                f"list the tuning jobs of `{self.cloud.parent}`",
                lambda token=token: self._page(token),  # type: ignore[misc]
            )
            yield from page
            if not following or following == token:
                return
            token = following

    def _page(self, token: str) -> tuple[Sequence[dict[str, Any]], str]:
        client = self.cloud.service(TUNING, self.cloud.location)
        asked = {"parent": self.cloud.parent, "page_size": _PAGE, "page_token": token}
        page = next(client.list_tuning_jobs(asked, **self.cloud.plain).pages)
        return [_named(as_json(job)) for job in page.tuning_jobs], page.next_page_token

    def poll(self, instance: Instance) -> Instance:
        """Return the job's progress.

        Raises:
            NotFoundError: the record is gone.
        """
        return self._shown(instance, self._telling(instance.id))

    def update(self, request: Request) -> Instance:
        """Refuse: a job cannot be changed after it was created.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("a tuning job", request, "the change takes effect at the next training")

    def delete(self, instance: Instance) -> Instance | None:
        """End the job and delete its model and all its endpoints; returns the record that stays.

        Raises:
            ConflictError: it is still running although it was cancelled; try again later.
        """
        try:
            job = self._ended(instance)
        except NotFoundError:
            return None
        reason = record_left(instance.id)
        if not is_open(job):
            remove(self.cloud, model_of(job), endpoints_of(job))
        elif output := own_output(job):
            remove_all(self.cloud, output)
        else:
            reason = f"{reason}; what it wrote to `{job.get('outputUri')}` stays: it chose that"
        return replace(
            instance,
            status=status_of(job),
            outputs={"job_id": instance.id},
            progress="",
            reason=reason,
        )

    def events(self, instance: Instance, since: str | None = None) -> Iterable[JobEvent]:
        """Yield events in order, those after the id `since` only."""
        return events_of(self._telling(instance.id), since)

    def cancel(self, instance: Instance) -> Instance:
        """Ask the job to end; one that has ended already is fine."""

        def ask() -> None:
            client = self.cloud.service(TUNING, location_of(instance.id), once=True)
            client.cancel_tuning_job(name=instance.id, **self.cloud.plain)

        try:
            self.cloud.tell(f"cancel the job `{instance.id}`", ask)
        except (ConflictError, InvalidRequestError):
            if not status_of(self._job(instance.id)).settled:
                raise
        return self._shown(instance, self._job(instance.id))

    def _job(self, name: str) -> dict[str, Any]:
        job = self.cloud.ask(
            f"read the job `{name}`",
            lambda: as_json(
                self.cloud.service(TUNING, location_of(name)).get_tuning_job(
                    name=name, **self.cloud.plain
                )
            ),
        )
        return self._whole(job)

    def _whole(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return a job with what only the newer route tells of an open model."""
        return self._telling(job["name"]) if is_open(job) and "outputUri" not in job else job

    def _telling(self, name: str) -> dict[str, Any]:
        """Return a job with what only the newer route tells: what it is doing at the moment."""
        return self.cloud.ask(
            f"read the job `{name}`",
            lambda: _named(self.cloud.get_json(location_of(name), f"v1beta1/{name}")),
        )

    def _shown(self, instance: Instance, job: Mapping[str, Any]) -> Instance:
        """Return the instance with what the job says about itself."""
        status, reason, progress, outputs = status_of(job), "", "", outputs_of(job)
        if status is Status.READY and not (weights_of(job) or endpoint_of(job)):
            if ended_lately(job, datetime.now(UTC)):
                status, progress = Status.PENDING, _UNDEPLOYED
                outputs = {"job_id": instance.id}
            else:
                status = Status.FAILED
                reason = "the job ended without a model that answers: " + (
                    reason_of(job) or "the provider gives no reason"
                )
        elif status is Status.PENDING:
            progress = progress_of(job)
        elif status is Status.FAILED:
            reason = reason_of(job) or "the provider gives no reason"
        elif status is Status.CANCELLED:
            reason = "the job was cancelled"
        return replace(instance, status=status, outputs=outputs, reason=reason, progress=progress)

    def _ended(self, instance: Instance) -> dict[str, Any]:
        """Return the job once it is over, cancelling it first when it is live."""
        job = self._job(instance.id)
        if status_of(job).settled:
            return job
        self.cancel(instance)
        deadline = time.monotonic() + self.cancel_seconds
        while not status_of(job := self._job(instance.id)).settled:
            if time.monotonic() >= deadline:
                raise ConflictError.of(
                    f"the job `{instance.id}` was cancelled and is still {progress_of(job)}",
                    hint="run the same command again in a minute",
                    address=str(instance.address),
                )
            time.sleep(_CANCEL_STEP)
        return job


def _named(job: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that is a job.

    Raises:
        SenselessAnswerError: it is something else.
    """
    if not isinstance(job.get("name"), str) or not job["name"]:
        raise SenselessAnswerError("`name` is missing")
    return job


def _mark(job: Mapping[str, Any]) -> Mark | None:
    return mark_of(job.get("labels") or {}, str(job.get("description") or ""))


def _introduced(instance: Instance, job: Mapping[str, Any]) -> Instance:
    """Return an instance of which only the id is known with all that its job tells of it."""
    return replace(
        instance,
        spec=settings_of(job),
        op=str((job.get("labels") or {}).get(OP, "")),
        created_at=made_at(job),
    )


def _sources(job: Mapping[str, Any]) -> Iterable[Need]:
    said = settings_of(job)
    for key, kind in (("training_file", "upload"), ("validation_file", "upload")):
        if said.get(key):
            yield Need(Address.of(kind, key), str(said[key]))
    if said.get("base_model"):
        yield Need(Address.of("model", "base_model"), str(said["base_model"]))
