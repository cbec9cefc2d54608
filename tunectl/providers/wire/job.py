"""A tuning job in words: settings to a request, an answer to a status. No request is made here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tunectl.core.ports import JobEvent, Mark
from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.wire.naming import derived_suffix, mark_metadata
from tunectl.providers.wire.profile import ADAPTER, Profile

HYPERPARAMETERS: Mapping[str, str] = {
    "epochs": "n_epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
    "beta": "beta",
    "compute_multiplier": "compute_multiplier",
    "eval_interval": "eval_interval",
    "eval_samples": "eval_samples",
    "reasoning_effort": "reasoning_effort",
    **{name: name for name in sorted(ADAPTER)},
}
SAFETY = "moderation_checks"
_LONGEST = 2000
_MINUTE, _HOUR = 60, 3600
_ENDS = {
    "succeeded": Status.READY,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
}
_WORDS = {
    "validating_files": "checking the files",
    "queued": "queued",
    "running": "running",
    "paused": "paused",
}


def body(profile: Profile, spec: Mapping[str, Plain], mark: Mark) -> dict[str, Any]:
    """Return the arguments of a create.

    Args:
        profile: of the service.
        spec: the settled settings of the job.
        mark: carried in the metadata.
    """
    request: dict[str, Any] = {
        "model": spec["base_model"],
        "training_file": spec["training_file"],
        "metadata": {**_texts(spec.get("metadata")), **mark_metadata(mark)},
    }
    for key in ("validation_file", "seed"):
        if spec.get(key) is not None:
            request[key] = spec[key]
    if spec.get("integrations"):
        request["integrations"] = unfrozen(spec["integrations"])
    suffix = spec.get("suffix") or derived_suffix(
        mark.project, mark.address, profile.suffix.derived
    )
    if suffix:
        request["suffix"] = suffix
    return request | _method(profile, spec.get("method"))


def _method(profile: Profile, given: Plain) -> dict[str, Any]:
    """Return the method and its hyper-parameters, in the place where the service reads them."""
    settings = dict(given) if isinstance(given, Mapping) else {}
    kind = str(settings.pop("type", "supervised"))
    numbers = {
        HYPERPARAMETERS[key]: settings.pop(key) for key in list(settings) if key in HYPERPARAMETERS
    }
    if profile.top_level_hyperparameters:
        return {"hyperparameters": numbers} if numbers else {}
    # A plain supervised job says nothing: that is the default everywhere.
    if kind == "supervised" and not numbers and not settings:
        return {}
    inner: dict[str, Any] = {key: unfrozen(value) for key, value in settings.items()}
    if numbers:
        inner["hyperparameters"] = numbers
    return {"method": {"type": kind, kind: inner}}


def unfrozen(value: Plain) -> Any:  # noqa: ANN401  # a JSON tree
    """Return a plain value with lists and dicts, as the SDK wants them."""
    match value:
        case tuple():
            return [unfrozen(item) for item in value]
        case Mapping():
            return {key: unfrozen(item) for key, item in value.items()}
        case _:
            return value


def _texts(metadata: Plain) -> dict[str, str]:
    if not isinstance(metadata, Mapping):
        return {}
    return {key: value if isinstance(value, str) else str(value) for key, value in metadata.items()}


def status_of(job: Mapping[str, Any], profile: Profile) -> Status:
    """Return the status of a job as it came over the wire.

    Whatever a service says beyond what its profile names, now or in future, is not over yet.
    """
    said = profile.statuses.get(str(job.get("status")), "")
    return _ENDS.get(said, Status.PENDING)


def model_of(job: Mapping[str, Any]) -> str | None:
    """Return the id of the tuned model, None while there is none."""
    model = job.get("fine_tuned_model")
    return model if isinstance(model, str) and model else None


def reason_of(job: Mapping[str, Any]) -> str:
    """Return why a job failed in the provider's words; a healthy one has `error: {}`.

    The form is `code: message (parameter)`.
    """
    error = job.get("error")
    if not isinstance(error, Mapping):
        return ""
    code, message, parameter = (error.get(key) for key in ("code", "message", "param"))
    text = ": ".join(str(part) for part in (code, message) if part)
    return f"{text} ({parameter})" if text and parameter else text


def progress_of(job: Mapping[str, Any], events: Iterable[JobEvent], now: float) -> str:
    """Return a short text on a job that is not over: `62%, step 31/50, loss 0.41, 2 min left`.

    Args:
        job: as it came over the wire.
        events: some of the newest, oldest first.
        now: Unix time, seconds.
    """
    state = str(job.get("status") or "pending")
    words = _WORDS.get(state, state)
    if state != "running":
        return words
    metrics = [event.data for event in events if event.data.get("step") is not None]
    if not metrics:
        return words
    last = metrics[-1]
    parts = [*_steps(last)]
    for key, name in (("train_loss", "loss"), ("valid_loss", "valid loss")):
        told = (_number(data.get(key)) for data in reversed(metrics))
        value = next((number for number in told if number is not None), None)
        if value is not None:
            parts.append(f"{name} {value:.3g}")
    left = _number(last.get("seconds_left"))
    end = _number(job.get("estimated_finish"))
    if left is None and end and end > now:
        left = end - now
    if left is not None:
        parts.append(f"{_duration(left)} left")
    return ", ".join(parts) or words


def _steps(data: Mapping[str, Plain]) -> Iterable[str]:
    step, total = _number(data.get("step")), _number(data.get("total_steps"))
    if step is None:
        return
    if total:
        yield f"{min(100, int(100 * step / total))}%"
        yield f"step {int(step)}/{int(total)}"
    else:
        yield f"step {int(step)}"


def _number(value: Plain) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{round(seconds / _HOUR)} h"


def event_of(event: Mapping[str, Any]) -> JobEvent:
    """Return an event of a job as it came over the wire.

    That of the safety checks says by category how they went; its form is not documented (guide to
    supervised fine-tuning, 2026), so all of it is told.
    """
    data = event.get("data")
    if event.get("type") == SAFETY and isinstance(data, Mapping) and data:
        told = json.dumps(dict(data), ensure_ascii=False)[:_LONGEST]
        event = {**event, "message": f"{event.get('message') or 'safety checks'} {told}"}
    return JobEvent(
        id=str(event.get("id", "")),
        at=float(event.get("created_at") or 0),
        level=str(event.get("level") or "info"),
        message=str(event.get("message") or ""),
        data=dict(data) if isinstance(data, Mapping) else {},
    )


def record_left(job_id: str) -> str:
    """Return what people are told of a job that is destroyed: its record cannot be deleted."""
    return f"job record {job_id} stays at the provider and bills nothing"
