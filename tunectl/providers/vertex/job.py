"""A tuning job in words: settings to a request, an answer to a status. No request is made here.

Field names as of the REST resource `tuningJobs` (google-cloud-aiplatform 2.7.0 and google-genai
2.34.0, 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tunectl.core.ports import Mark
from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.attempt import clean
from tunectl.providers.vertex.marks import description_of, display_name, labels_of
from tunectl.providers.vertex.open_job import is_open, settings_of_open, weights_of
from tunectl.providers.vertex.places import Name

SUPERVISED, PREFERENCE = "supervisedTuningSpec", "preferenceOptimizationSpec"
ADAPTER_SIZES: Mapping[int, str] = {
    1: "ADAPTER_SIZE_ONE", 2: "ADAPTER_SIZE_TWO", 4: "ADAPTER_SIZE_FOUR",
    8: "ADAPTER_SIZE_EIGHT", 16: "ADAPTER_SIZE_SIXTEEN",
}  # fmt: skip
_NUMBERS = {"epochs": "epochCount", "learning_rate_multiplier": "learningRateMultiplier"}
# What is done or dead; whatever else there is, now or in future, is not over yet.
_ENDS = {
    "JOB_STATE_SUCCEEDED": Status.READY,
    "JOB_STATE_PARTIALLY_SUCCEEDED": Status.READY,
    "JOB_STATE_FAILED": Status.FAILED,
    "JOB_STATE_EXPIRED": Status.FAILED,
    "JOB_STATE_CANCELLED": Status.CANCELLED,
}
# google-genai 2.34, `JobState` and `TuningJobState`: the second says why the first goes on.
_WORDS = {
    "JOB_STATE_QUEUED": "queued",
    "JOB_STATE_PENDING": "queued",
    "JOB_STATE_RUNNING": "running",
    "JOB_STATE_CANCELLING": "being cancelled",
    "JOB_STATE_PAUSED": "paused",
    "TUNING_JOB_STATE_WAITING_FOR_QUOTA": "waiting for quota",
    "TUNING_JOB_STATE_PROCESSING_DATASET": "reading the dataset",
    "TUNING_JOB_STATE_WAITING_FOR_CAPACITY": "waiting for capacity",
    "TUNING_JOB_STATE_TUNING": "tuning",
    "TUNING_JOB_STATE_POST_PROCESSING": "making the model",
}
DEPLOYED_WITHIN = 600.0  # seconds: caution; how long the endpoint may lag is not documented


def body(
    spec: Mapping[str, Plain], mark: Mark, labels: Mapping[str, str], base: str
) -> dict[str, Any]:
    """Return the job to create, as its REST route takes it.

    Args:
        spec: the settled settings.
        mark: carried in labels and description.
        labels: the user's own.
        base: a base model's id, or the name of a tuned model to train further.
    """
    method = spec.get("method")
    method = method if isinstance(method, Mapping) else {}
    numbers: dict[str, Any] = {
        theirs: method[ours] for ours, theirs in _NUMBERS.items() if method.get(ours) is not None
    }
    rank = method.get("lora_r")
    if isinstance(rank, int):
        numbers["adapterSize"] = ADAPTER_SIZES.get(rank, str(rank))
    if is_preference(spec) and method.get("beta") is not None:
        numbers["beta"] = method["beta"]
    inner: dict[str, Any] = {"trainingDatasetUri": spec["training_file"]}
    if spec.get("validation_file"):
        inner["validationDatasetUri"] = spec["validation_file"]
    if numbers:
        inner["hyperParameters"] = numbers
    suffix = spec.get("suffix")
    return {
        **_source(base),
        PREFERENCE if is_preference(spec) else SUPERVISED: inner,
        "tunedModelDisplayName": display_name(mark, suffix if isinstance(suffix, str) else None),
        "description": description_of(mark),
        "labels": labels_of(mark, labels),
    }


def is_preference(spec: Mapping[str, Plain]) -> bool:
    """Tell whether a job learns from preferences."""
    method = spec.get("method")
    return isinstance(method, Mapping) and method.get("type") == "dpo"


def _source(base: str) -> dict[str, Any]:
    name = Name.of(base)
    if name is not None and name.collection == "models":
        return {"preTunedModel": {"tunedModelName": base}}
    return {"baseModel": base}


def status_of(job: Mapping[str, Any]) -> Status:
    """Return the status of a job as it came over the wire."""
    return _ENDS.get(str(job.get("state")), Status.PENDING)


def reason_of(job: Mapping[str, Any]) -> str:
    """Return why a job failed, in the provider's words."""
    error = job.get("error")
    if not isinstance(error, Mapping):
        return ""
    return clean(str(error.get("message") or "")) or f"code {error.get('code')}"


def progress_of(job: Mapping[str, Any]) -> str:
    """Return a short text on a job that is not over."""
    state = str(job.get("state") or "JOB_STATE_PENDING")
    inner = str(job.get("tuningJobState") or "")
    words = _WORDS.get(inner) or _WORDS.get(state) or state.removeprefix("JOB_STATE_").lower()
    told = job.get("tuningJobMetadata")
    done = told.get("completedEpochCount") if isinstance(told, Mapping) else None
    return f"{words}, epoch {done} done" if done else words


def model_of(job: Mapping[str, Any]) -> str:
    """Return the name of the tuned model, with its version; empty while there is none."""
    tuned = job.get("tunedModel")
    return str(tuned.get("model") or "") if isinstance(tuned, Mapping) else ""


def endpoint_of(job: Mapping[str, Any]) -> str:
    """Return the endpoint that was made for the model; empty while there is none."""
    tuned = job.get("tunedModel")
    return str(tuned.get("endpoint") or "") if isinstance(tuned, Mapping) else ""


def checkpoints_of(job: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return epoch, step and endpoint of each checkpoint by its id."""
    tuned = job.get("tunedModel")
    points = tuned.get("checkpoints") if isinstance(tuned, Mapping) else None
    return {
        str(one["checkpointId"]): {
            key: str(one[key]) for key in ("epoch", "step", "endpoint") if one.get(key)
        }
        for one in points or ()
        if one.get("checkpointId")
    }


def endpoints_of(job: Mapping[str, Any]) -> list[str]:
    """Return every endpoint that was made for a job, each once."""
    points = (point.get("endpoint", "") for point in checkpoints_of(job).values())
    return [name for name in dict.fromkeys((endpoint_of(job), *points)) if name]


def outputs_of(job: Mapping[str, Any]) -> dict[str, Plain]:
    """Return what others may refer to.

    `model_id` is what callers name to get an answer: a tuned Gemini answers by its endpoint, not
    by the model's own name (google-genai issue 1679). Of a tuned open model there are weights and
    nothing that answers: they are what an endpoint deploys.
    """
    found: dict[str, Plain] = {"job_id": str(job["name"])}
    if is_open(job):
        weights = weights_of(job) if status_of(job) is Status.READY else ""
        base = str(job.get("baseModel") or "")
        told: dict[str, Plain] = {"model_id": weights, "model": weights, "base": base}
        return {**found, **told} if weights else found
    if status_of(job) is Status.READY and model_of(job):
        found["model"] = model_of(job)
        if endpoint_of(job):
            found |= {"model_id": endpoint_of(job), "endpoint": endpoint_of(job)}
        if points := checkpoints_of(job):
            found["checkpoints"] = {key: dict(value) for key, value in points.items()}
    return found


def made_at(job: Mapping[str, Any]) -> str:
    """Return when a job was created, ISO 8601, UTC; empty where that is not told."""
    try:
        moment = datetime.fromisoformat(str(job.get("createTime")))
    except ValueError:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def ended_lately(job: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a job ended so lately that what it made may not be shown yet."""
    try:
        ended = datetime.fromisoformat(str(job.get("endTime")))
    except ValueError:
        return False
    return (now - ended.astimezone(UTC)).total_seconds() < DEPLOYED_WITHIN


def settings_of(job: Mapping[str, Any]) -> dict[str, Plain]:
    """Return a job's settings in the words of a declaration, for one that was made elsewhere.

    The service may echo numbers that nobody asked for.
    """
    inner = job.get(SUPERVISED) or job.get(PREFERENCE) or {}
    numbers = inner.get("hyperParameters") or {}
    if is_open(job):
        return {**settings_of_open(job), **_files(inner)}
    method: dict[str, Plain] = {"type": "dpo" if job.get(PREFERENCE) else "supervised"}
    if str(numbers.get("epochCount", "")).isdigit() and int(numbers["epochCount"]):
        method["epochs"] = int(numbers["epochCount"])
    for ours, theirs in (("learning_rate_multiplier", "learningRateMultiplier"), ("beta", "beta")):
        if numbers.get(theirs):
            method[ours] = numbers[theirs]
    sizes = {word: size for size, word in ADAPTER_SIZES.items()}
    if numbers.get("adapterSize") in sizes:
        method["lora_r"] = sizes[numbers["adapterSize"]]
    before = job.get("preTunedModel") or {}
    found: dict[str, Plain] = {
        "base_model": str(job.get("baseModel") or before.get("tunedModelName") or ""),
        "method": method,
    }
    return {**found, **_files(inner)}


def _files(inner: Mapping[str, Any]) -> dict[str, Plain]:
    names = {"training_file": "trainingDatasetUri", "validation_file": "validationDatasetUri"}
    return {ours: str(inner[theirs]) for ours, theirs in names.items() if inner.get(theirs)}


def record_left(name: str) -> str:
    """Return what people are told of a job that is destroyed: its record cannot be deleted."""
    return f"job record {name} stays at the provider and bills nothing"
