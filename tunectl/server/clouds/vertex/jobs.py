"""Tuning jobs: states by the world's clock, and what a finished one leaves behind.

Google has no call to change or delete one: a job is a record for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from tunectl.server.clouds.vertex import bases, endpoints, registry
from tunectl.server.clouds.vertex.asked_jobs import Wanted, wanted
from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.ledger import Kept, Ledger
from tunectl.server.clouds.vertex.refusals import Refused, invalid, missing, precondition
from tunectl.server.clouds.vertex.rows import Dataset, open_dataset, statistics_of
from tunectl.server.clouds.wire import Answered

ENDED = frozenset({"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})
DEFAULT_EPOCHS = 3  # the service chooses by the size of the data and does not say how
_BATCH = 16
_MOST_CHECKPOINTS = 10
# A job's parts of `job_seconds`: when it leaves PENDING, has read its data, and has trained.
_STARTED, _READ, _TRAINED = 0.1, 0.25, 0.9


@dataclass(slots=True)
class Job:
    """One job. `kept` is its TuningJob; its state there is final once it is one of `ENDED`.

    Attributes:
        parent: `projects/NUMBER/locations/LOCATION`.
        data: what was read when it was created, or why that failed.
        begins: when it got its place among those that run at once.
        cancelled: when it was cancelled.
    """

    kept: Kept
    parent: str
    wanted: Wanted
    data: Dataset | Refused
    created: datetime
    begins: datetime | None = None
    cancelled: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.kept.get("state") in ENDED

    @property
    def epochs(self) -> int:
        """How often the data are gone through."""
        chosen: int = self.wanted.spec.get("hyperParameters", {}).get("epochCount", DEFAULT_EPOCHS)
        return chosen

    @property
    def steps(self) -> int:
        """Steps of all epochs."""
        rows = len(self.data.examples) if isinstance(self.data, Dataset) else 0
        return max(1, math.ceil(rows / _BATCH)) * self.epochs


def create(call: Call) -> Answered:
    """`POST …/tuningJobs`: answered at once, and a second one makes a second job."""
    ledger, asked = call.ledger, wanted(call)
    behaviour = ledger.behaviour
    running = [job for job in ledger.jobs.values() if not job.ended]
    if behaviour.over_quota == "refuse" and len(running) >= behaviour.concurrent:
        raise Refused(
            "RESOURCE_EXHAUSTED",
            "The following quotas are exceeded: GlobalConcurrentTuningJobsPerProject",
        )
    name = f"{call.parent}/tuningJobs/{ledger.new_id()}"
    created = ledger.world.now()
    stamp = ledger.stamp(created)
    kept = {
        **asked.kept,
        "name": name,
        "state": "JOB_STATE_PENDING",
        "createTime": stamp,
        "updateTime": stamp,
        "tunedModelDisplayName": asked.name,
    }
    data = ledger.doom("tuningJob") or _data(ledger, asked)
    job = Job(kept, call.parent, asked, data, created)
    if behaviour.echoes_defaults:
        given = asked.spec.setdefault("hyperParameters", {})
        for key, value in (("epochCount", DEFAULT_EPOCHS), ("learningRateMultiplier", 1.0)):
            given.setdefault(key, value)
    ledger.jobs[name] = job
    return call.answer("TuningJob", shown(ledger, job))


def _data(ledger: Ledger, asked: Wanted) -> Dataset | Refused:
    shape = "open" if asked.base.is_open else asked.method
    try:
        training = open_dataset(ledger.buckets, asked.spec["trainingDatasetUri"], shape)
        if uri := asked.spec.get("validationDatasetUri"):
            open_dataset(ledger.buckets, uri, shape, training=False)
    except Refused as refused:
        return refused
    if not training.examples:
        return invalid("No example of the dataset is within the limit of tokens.")
    return training


def get(call: Call) -> Answered:
    """`GET …/tuningJobs/ID`."""
    return call.answer("TuningJob", shown(call.ledger, _find(call)))


def list_jobs(call: Call) -> Answered:
    """`GET …/tuningJobs`, the newest first."""
    filter_ = call.asked.param("filter")
    if "labels" in filter_ and not call.ledger.behaviour.filters_jobs:
        raise invalid(f"Invalid filter: {filter_}")
    found = [
        shown(call.ledger, job)
        for job in reversed(call.ledger.jobs.values())
        if job.parent == call.parent
    ]
    return call.listed("ListTuningJobsResponse", "tuningJobs", found, filter_)


def cancel(call: Call) -> Answered:
    """`POST …/tuningJobs/ID:cancel`: a wish; the job may still succeed."""
    call.body("CancelTuningJobRequest")
    job = _find(call)
    if job.ended:
        raise precondition(f"The TuningJob {call.name} is in {job.kept['state']}: it has ended.")
    if job.cancelled is None:
        job.cancelled = call.ledger.world.now()
        job.kept["updateTime"] = call.ledger.stamp()
    return Answered.of({})


def _find(call: Call) -> Job:
    job: Job | None = call.ledger.jobs.get(call.name)
    if job is None:
        raise missing(f"The TuningJob does not exist: {call.name}.")
    return job


def advance(ledger: Ledger) -> None:
    """Start, end and cancel what is due, in the order in which it falls due."""
    while _end_next(ledger):
        pass
    _begin(ledger, None)


def _begin(ledger: Ledger, freed: datetime | None) -> None:
    live = [job for job in ledger.jobs.values() if not job.ended]
    places = ledger.behaviour.concurrent - sum(job.begins is not None for job in live)
    for job in [job for job in live if job.begins is None][: max(places, 0)]:
        job.begins = max(job.created, freed or job.created)


def _end_next(ledger: Ledger) -> bool:
    _begin(ledger, None)
    now = ledger.world.now()
    ends = [(_end(ledger, job), job) for job in ledger.jobs.values() if not job.ended]
    due = sorted(((at, job) for (at, _), job in ends if at and at <= now), key=lambda each: each[0])
    if not due:
        return False
    at, job = due[0]
    _finish(ledger, job, at)
    _begin(ledger, at)
    return True


def _end(ledger: Ledger, job: Job) -> tuple[datetime | None, str]:
    """Return when a job ends and how, as far as that stands."""
    whole = ledger.world.job_seconds
    moments: list[tuple[datetime, str]] = []
    if job.begins is not None:
        failed = isinstance(job.data, Refused)
        part = _READ if failed else 1.0
        state = "JOB_STATE_FAILED" if failed else "JOB_STATE_SUCCEEDED"
        moments.append((job.begins + timedelta(seconds=whole * part), state))
    if job.cancelled is not None:
        over = job.cancelled + timedelta(seconds=ledger.world.operation_seconds)
        moments.append((over, "JOB_STATE_CANCELLED"))
    return min(moments, key=lambda each: each[0], default=(None, ""))


def _finish(ledger: Ledger, job: Job, at: datetime) -> None:
    _, state = _end(ledger, job)
    started = job.begins and job.begins + timedelta(seconds=ledger.world.job_seconds * _STARTED)
    job.kept.update(state=state, endTime=ledger.stamp(at), updateTime=ledger.stamp(at))
    if started and started <= at:
        job.kept["startTime"] = ledger.stamp(started)
    if state == "JOB_STATE_CANCELLED":
        job.kept["error"] = {"code": 1, "message": "The tuning job was cancelled."}
    elif isinstance(job.data, Refused):
        job.kept["error"] = job.data.status()
    elif job.wanted.base.is_open:
        _leave_weights(ledger, job, job.data)
    else:
        job.kept["experiment"] = _experiment(job)
        job.kept["tuningDataStats"] = _stats(job, job.data)
        job.kept["tunedModel"] = _leave_model(ledger, job, job.data)


def _experiment(job: Job) -> str:
    stamp = job.created.strftime("%Y%m%d%H%M%S%f")
    return f"{job.parent}/metadataStores/default/contexts/tuning-experiment-{stamp}"


def _stats(job: Job, data: Dataset) -> Kept:
    return statistics_of(data, job.steps, preference=job.wanted.method == "preference")


def _leave_weights(ledger: Ledger, job: Job, data: Dataset) -> None:
    """Put what tuning an open model leaves in the bucket; nothing is registered or deployed."""
    folder = f"{job.kept['outputUri'].rstrip('/')}/postprocess/node-0/checkpoints/final/"
    bucket, _, key = folder.removeprefix("gs://").partition("/")
    content = orjson.dumps({"base_model": job.wanted.base.id, "simulated": True})
    ledger.buckets.put(bucket, f"{key}config.json", content)
    ledger.weights[folder.rstrip("/")] = data.pairs


def _leave_model(ledger: Ledger, job: Job, data: Dataset) -> Kept:
    """Register the model and deploy it and its checkpoints, as the service does by itself."""
    asked, base = job.wanted, job.wanted.base
    labels = asked.kept.get("labels", {}) if ledger.behaviour.labels_reach else {}
    marks = {"google-vertex-llm-tuning-base-model-id": base.id.replace(".", "_")}
    checkpoints = _checkpoints(job)
    encryption = {k: v for k, v in asked.kept.items() if k == "encryptionSpec"}
    kept: Kept = {
        "displayName": asked.name,
        "labels": {**labels, **marks},
        "modelSourceInfo": {"sourceType": "GENIE"},
        "baseModelSource": {"genieSource": {"baseModelUri": base.name}},
        "checkpoints": checkpoints,
        "defaultCheckpointId": checkpoints[-1]["checkpointId"],
        **encryption,
    }
    region = job.parent.rpartition("/")[2]
    if region == "global":
        region = ledger.location
    model, version = registry.register(
        ledger,
        ledger.parent(region),
        kept,
        base=base.id,
        onto=asked.onto if _there(ledger, job) else "",
    )
    registry.learn(model, version, data.pairs)
    location = bases.serving_location(base, region) if ledger.behaviour.multi_region else region
    only_last = asked.spec.get("exportLastCheckpointOnly", False)
    made: list[Kept] = []
    for checkpoint in checkpoints[-1:] if only_last else checkpoints:
        name = endpoints.serve_tuned(
            ledger,
            ledger.parent(location),
            version,
            checkpoint="" if only_last else checkpoint["checkpointId"],
            extra={"labels": {**labels, **marks}, **encryption},
        )
        made.append({**checkpoint, "endpoint": name})
    tuned = {"model": f"{model.name}@{version['versionId']}", "endpoint": made[-1]["endpoint"]}
    return tuned if only_last else {**tuned, "checkpoints": made}


def _there(ledger: Ledger, job: Job) -> bool:
    return job.wanted.onto in ledger.models


def _checkpoints(job: Job) -> list[Kept]:
    """One an epoch below ten epochs, else about ten."""
    count = min(job.epochs, _MOST_CHECKPOINTS)
    return [
        {
            "checkpointId": str(number),
            "epoch": math.ceil(job.epochs * number / count),
            "step": math.ceil(job.steps * number / count),
        }
        for number in range(1, count + 1)
    ]


def shown(ledger: Ledger, job: Job) -> Kept:
    """Return a job as it is at this moment."""
    if job.ended:
        return dict(job.kept)
    state, detail, epochs = _now(ledger, job)
    kept: Kept = {**job.kept, "state": state}
    if detail:
        kept["tuningJobState"] = f"TUNING_JOB_STATE_{detail}"
    if epochs:
        kept["tuningJobMetadata"] = {"completedEpochCount": epochs}
    if job.begins is not None and state == "JOB_STATE_RUNNING":
        started = job.begins + timedelta(seconds=ledger.world.job_seconds * _STARTED)
        kept["startTime"] = kept["updateTime"] = ledger.stamp(started)
        kept["experiment"] = _experiment(job)
        if detail != "PROCESSING_DATASET" and isinstance(job.data, Dataset):
            kept["tuningDataStats"] = _stats(job, job.data)
    return kept


def _now(ledger: Ledger, job: Job) -> tuple[str, str, int]:
    """Return the state of a live job, the state within it, and the epochs behind it."""
    if job.cancelled is not None:
        return "JOB_STATE_CANCELLING", "", 0
    if job.begins is None:
        return "JOB_STATE_PENDING", "WAITING_FOR_QUOTA", 0
    whole = ledger.world.job_seconds or 1.0
    part = (ledger.world.now() - job.begins).total_seconds() / whole
    if part < _STARTED:
        return "JOB_STATE_PENDING", "", 0
    if part < _READ:
        return "JOB_STATE_RUNNING", "PROCESSING_DATASET", 0
    trained = min((part - _READ) / (_TRAINED - _READ), 1.0)
    detail = "TUNING" if trained < 1 else "POST_PROCESSING"
    return "JOB_STATE_RUNNING", detail, int(trained * job.epochs)
