"""Customization jobs. There is no operation that deletes one: its record and its name stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import tunectl.server.clouds.bedrock.foundation as foundation
from tunectl.catalog.bedrock_models import REINFORCEMENT, SUPERVISED, Family, HyperParameter
from tunectl.server.clouds.bedrock.custom_models import CustomModel
from tunectl.server.clouds.bedrock.refused import Refused, invalid
from tunectl.server.clouds.bedrock.rows import (
    BadFileError,
    Pair,
    loss_at,
    metrics,
    place,
    read,
)
from tunectl.server.clouds.bedrock.shelf import (
    Shelf,
    body_of,
    iso,
    matched,
    named,
    needed,
    page,
    tags_of,
)
from tunectl.server.clouds.wire import Asked

# botocore 1.44.5, service model `bedrock` 2023-04-20
_JOB = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*")
_MODEL = re.compile(r"([0-9a-zA-Z][_-]?){1,63}")
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
_URI = re.compile(
    r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?"
)
_LAMBDA = re.compile(r"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9-_.:$]+")
_OPERATION = "CreateModelCustomizationJob"
_METHODS = {"FINE_TUNING": SUPERVISED, "REINFORCEMENT_FINE_TUNING": REINFORCEMENT}
# What part of a job's time is behind when a phase ends.
_READING, _TRAINING = 0.2, 0.9
_STOP_SECONDS = 0.5


@dataclass
class Job:
    """One job. `asked` is the request that made it."""

    arn: str
    name: str
    asked: Mapping[str, Any]
    base: str
    facts: Family
    created: datetime
    seconds: float
    status: str = "InProgress"
    changed: datetime = field(init=False)
    ended: datetime | None = None
    stopping: datetime | None = None
    failure: str = ""
    model: str = ""
    pairs: list[Pair] | None = None

    def __post_init__(self) -> None:
        self.changed = self.created

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.ended is not None


def create(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer CreateModelCustomizationJob.

    Raises:
        Refused: a rule is broken, or a name is taken.
    """
    body = body_of(asked)
    before = shelf.again(_OPERATION, body)
    if before is not None:
        return {"jobArn": before}
    _check_names(shelf, body)
    base, facts = _base(shelf, body["baseModelIdentifier"])
    _check_training(facts, body)
    for which, part in ((shelf.jobs, "jobName"), (shelf.models, "customModelName")):
        if any(one.name == body[part] for one in which.values()):
            raise Refused("ConflictException", f"The provided {part} is already in use.")
    job = Job(
        arn=shelf.arn(f"model-customization-job/{base}/{shelf.new_id()}"),
        name=body["jobName"],
        asked=body,
        base=base,
        facts=facts,
        created=shelf.now(),
        seconds=shelf.world.job_seconds,
    )
    shelf.jobs[job.arn] = job
    shelf.tag(job.arn, tags_of(body, "jobTags"))
    shelf.remember(_OPERATION, body, job.arn)
    return {"jobArn": job.arn}


def _check_names(shelf: Shelf, body: Mapping[str, Any]) -> None:
    needed(
        body,
        *("jobName", "customModelName", "roleArn", "baseModelIdentifier"),
        *("trainingDataConfig", "outputDataConfig"),
    )
    matched("jobName", body["jobName"], _JOB, 63)
    matched("customModelName", body["customModelName"], _MODEL, 63)
    role = matched("roleArn", body["roleArn"], _ROLE, 2048)
    if f"::{shelf.account}:" not in role:
        raise invalid(f"Cross-account pass role is not allowed: {role}")
    for uri in _uris(body):
        matched("s3Uri", uri, _URI, 1024)
    _check_network(body.get("vpcConfig"))
    for which in ("jobTags", "customModelTags"):
        tags_of(body, which)


def _uris(body: Mapping[str, Any]) -> Iterator[Any]:
    yield body["trainingDataConfig"].get("s3Uri")
    yield body["outputDataConfig"].get("s3Uri")
    yield from _validators(body)


def _validators(body: Mapping[str, Any]) -> list[str]:
    return [one["s3Uri"] for one in (body.get("validationDataConfig") or {}).get("validators", ())]


def _base(shelf: Shelf, identifier: str) -> tuple[str, Family]:
    """Return what is tuned; of a model that was tuned already, its base."""
    if ":custom-model/" in identifier:
        found: CustomModel = named("the custom model", shelf.models, identifier)
        return found.base, found.facts
    return foundation.base(shelf, identifier)


def _check_network(network: Mapping[str, Any] | None) -> None:
    if network is None:
        return
    needed(network, "subnetIds", "securityGroupIds")
    for name, most in (("subnetIds", 16), ("securityGroupIds", 5)):
        if not 1 <= len(network[name]) <= most:
            raise invalid(f"{name} must have 1 to {most} members")


def method_of(body: Mapping[str, Any]) -> str:
    """Return the method of a request; empty for one that is not simulated."""
    return _METHODS.get(str(body.get("customizationType", "FINE_TUNING")), "")


def _check_training(facts: Family, body: Mapping[str, Any]) -> None:
    method = method_of(body)
    if method not in facts.formats:
        raise invalid("This customization type is not supported for the base model.")
    known = facts.training(method).hyperparameters
    rules = {one.name: one for one in (known or {}).values()}
    if method == SUPERVISED:
        if body.get("customizationConfig"):
            raise invalid("customizationConfig is not supported for this customization type.")
        if known is not None:
            _check_numbers(rules, body.get("hyperParameters") or {})
        return
    config = (body.get("customizationConfig") or {}).get("rftConfig") or {}
    grader = (config.get("graderConfig") or {}).get("lambdaGrader") or {}
    if not _LAMBDA.fullmatch(str(grader.get("lambdaArn") or "")):
        raise invalid("A grader is required for reinforcement fine-tuning.")
    for name, value in (config.get("hyperParameters") or {}).items():
        if name in rules and not rules[name].least <= value <= rules[name].most:
            raise invalid(f"Value at '{name}' is out of range.")


def _check_numbers(known: Mapping[str, HyperParameter], numbers: Mapping[str, str]) -> None:
    for name, text in numbers.items():
        rule = known.get(name)
        if rule is None:
            raise invalid(f"The hyperparameter {name} is not supported for the base model.")
        if not isinstance(text, str):
            raise invalid(f"The value of the hyperparameter {name} must be a string.")
        try:
            value = float(text)
        except ValueError:
            raise invalid(f"The value of the hyperparameter {name} is no number.") from None
        if not rule.least <= value <= rule.most or (rule.whole and not value.is_integer()):
            raise invalid(
                f"The value {text} of the hyperparameter {name} is not between {rule.least:g} "
                f"and {rule.most:g}."
            )


def get(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer GetModelCustomizationJob.

    Raises:
        Refused: there is none.
    """
    job: Job = named("the customization job", shelf.jobs, identifier)
    body = job.asked
    shown: dict[str, Any] = {
        "jobArn": job.arn,
        "jobName": job.name,
        "outputModelName": body["customModelName"],
        "roleArn": body["roleArn"],
        "status": job.status,
        "statusDetails": _details(shelf, job),
        "creationTime": iso(job.created),
        "lastModifiedTime": iso(job.changed),
        "baseModelArn": foundation.arn(shelf, job.base),
        "hyperParameters": _numbers(job),
        "trainingDataConfig": body["trainingDataConfig"],
        "validationDataConfig": body.get("validationDataConfig") or {"validators": []},
        "outputDataConfig": body["outputDataConfig"],
        "customizationType": body.get("customizationType", "FINE_TUNING"),
    }
    for name in ("clientRequestToken", "vpcConfig", "customizationConfig"):
        if name in body:
            shown[name] = body[name]
    if job.ended:
        shown["endTime"] = iso(job.ended)
    if job.failure:
        shown["failureMessage"] = job.failure
    if job.model:
        shown["outputModelArn"] = job.model
    if job.status == "Completed":
        shown |= _losses(job)
    return shown


def _losses(job: Job) -> dict[str, Any]:
    loss = loss_at(_steps(job) - 1)
    found: dict[str, Any] = {"trainingMetrics": {"trainingLoss": loss}}
    if count := len(_validators(job.asked)):
        found["validationMetrics"] = [{"validationLoss": loss + 0.1}] * count
    return found


def _numbers(job: Job) -> dict[str, str]:
    rules = job.facts.training(method_of(job.asked)).hyperparameters or {}
    usual = {o.name: f"{o.default:g}" for o in rules.values() if o.default is not None}
    return usual | dict(job.asked.get("hyperParameters") or {})


def _steps(job: Job) -> int:
    numbers = _numbers(job)
    batch, epochs = int(numbers.get("batchSize", "8")), int(numbers.get("epochCount", "2"))
    return max(1, len(job.pairs or ()) * epochs // batch)


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListModelCustomizationJobs."""
    status = asked.param("statusEquals")
    jobs = [job for job in shelf.jobs.values() if not status or job.status == status]

    def shown(job: Job) -> dict[str, Any]:
        summary = {
            "jobArn": job.arn,
            "baseModelArn": foundation.arn(shelf, job.base),
            "jobName": job.name,
            "status": job.status,
            "statusDetails": _details(shelf, job),
            "creationTime": iso(job.created),
            "lastModifiedTime": iso(job.changed),
            "customModelName": job.asked["customModelName"],
            "customizationType": job.asked.get("customizationType", "FINE_TUNING"),
        }
        if job.ended:
            summary["endTime"] = iso(job.ended)
        if job.model:
            summary["customModelArn"] = job.model
        return summary

    return page(asked, "modelCustomizationJobSummaries", jobs, shown)


def stop(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer StopModelCustomizationJob: a stopped job has no model and cannot go on.

    Raises:
        Refused: there is none, or it is over.
    """
    job: Job = named("the customization job", shelf.jobs, identifier)
    if job.over:
        raise Refused("ConflictException", f"The job is in the {job.status} state.")
    if job.stopping is None:
        job.status, job.stopping = "Stopping", shelf.now()
        job.changed = job.stopping
    return {}


def _details(shelf: Shelf, job: Job) -> dict[str, Any]:
    """Return how far each phase is."""
    share = _share(shelf, job)
    phases = (
        ("dataProcessingDetails", 0.0, _READING),
        ("trainingDetails", _READING, _TRAINING),
        ("validationDetails", _TRAINING, 1.0),
    )
    found = {}
    for name, start, end in phases:
        if share < start or (job.failure and start > 0):
            found[name] = {"status": "NotStarted"}
            continue
        status = "Completed" if share >= end and not job.failure else job.status
        begun = job.created + timedelta(seconds=job.seconds * start)
        found[name] = {
            "status": status,
            "creationTime": iso(begun),
            "lastModifiedTime": iso(max(begun, job.changed)),
        }
    return found


def _share(shelf: Shelf, job: Job) -> float:
    until = job.stopping or job.ended or shelf.now()
    return min(1.0, (until - job.created).total_seconds() / (job.seconds or 1e-9))


def move_on(shelf: Shelf) -> None:
    """Let time pass for every job."""
    for job in shelf.jobs.values():
        if not job.over:
            _move(shelf, job)


def _move(shelf: Shelf, job: Job) -> None:
    now = shelf.now()
    if job.stopping is not None:
        if (now - job.stopping).total_seconds() >= min(_STOP_SECONDS, job.seconds):
            job.status, job.ended, job.changed = "Stopped", now, now
        return
    share = _share(shelf, job)
    if share >= _READING and job.pairs is None:
        try:
            method, training = method_of(job.asked), job.asked["trainingDataConfig"]["s3Uri"]
            job.pairs = read(shelf.buckets, training, job.facts, method)
            for uri in _validators(job.asked):
                read(shelf.buckets, uri, job.facts, method, trains=False)
            if place(job.asked["outputDataConfig"]["s3Uri"]).bucket not in shelf.buckets.names:
                raise BadFileError("Unable to write to the output location: no such bucket")
        except BadFileError as error:
            job.status, job.failure, job.ended, job.changed = "Failed", str(error), now, now
            return
        job.changed = now
    if share >= 1:
        _complete(shelf, job)


def _complete(shelf: Shelf, job: Job) -> None:
    now = job.created + timedelta(seconds=job.seconds)
    number = job.arn.rpartition("/")[2]
    model = CustomModel(
        arn=shelf.arn(f"custom-model/{job.base}/{shelf.new_id()}"),
        name=job.asked["customModelName"],
        base=job.base,
        facts=job.facts,
        job=job.arn,
        job_name=job.name,
        created=now,
        asked=job.asked,
        pairs=job.pairs or [],
    )
    shelf.models[model.arn] = model
    shelf.tag(model.arn, tags_of(job.asked, "customModelTags"))
    job.model, job.status, job.ended, job.changed = model.arn, "Completed", now, now
    steps, epochs = _steps(job), int(_numbers(job).get("epochCount", "2"))
    at = place(job.asked["outputDataConfig"]["s3Uri"].rstrip("/") + "/")
    folder = f"{at.key}model-customization-job-{number}"
    tables = {"training_artifacts/step_wise_training_metrics.csv": "training_loss"}
    if _validators(job.asked):
        name = "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
        tables[name] = "validation_loss"
    for name, what in tables.items():
        content = metrics(steps, epochs, what)
        shelf.buckets.put(at.bucket, f"{folder}/{name}", content, {}, "text/csv")
