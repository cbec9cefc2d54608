"""What a job tells of its own settings, in the words of a declaration: for one made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from tunectl.core.resource import Instance
from tunectl.core.value import Plain
from tunectl.providers.wire.job import HYPERPARAMETERS, model_of
from tunectl.providers.wire.listing import moment
from tunectl.providers.wire.naming import MARK_KEYS, OP

_AUTO = "auto"
_PARTS = 5  # `ft:BASE:ORGANISATION:SUFFIX:ID`, OpenAI API reference, fine-tuning jobs, 2026-08


def settings_of(job: Mapping[str, Any]) -> dict[str, Plain]:
    """Return base model, method, seed, suffix, metadata and the ids of the files, where told.

    The service says which numbers it used, not which of them were asked for.
    """
    found: dict[str, Plain] = {}
    for ours, theirs in (
        ("base_model", "model"),
        ("training_file", "training_file"),
        ("validation_file", "validation_file"),
    ):
        if isinstance(job.get(theirs), str) and job[theirs]:
            found[ours] = job[theirs]
    found["method"] = _method(job)
    seed = job.get("seed")
    if isinstance(seed, int) and not isinstance(seed, bool):
        found["seed"] = seed
    if suffix := _suffix(job):
        found["suffix"] = suffix
    if metadata := _metadata(job.get("metadata")):
        found["metadata"] = metadata
    return found


def _method(job: Mapping[str, Any]) -> dict[str, Plain]:
    method = job.get("method")
    method = method if isinstance(method, Mapping) else {}
    kind = str(method.get("type") or "supervised")
    inner = method.get(kind)
    numbers = inner.get("hyperparameters") if isinstance(inner, Mapping) else None
    # Services that know methods may still tell the numbers in the older place only.
    told = {**_pairs(job.get("hyperparameters")), **_pairs(numbers)}
    found: dict[str, Plain] = {"type": kind}
    for ours, theirs in HYPERPARAMETERS.items():
        value = told.get(theirs)
        if isinstance(value, int | float) or (isinstance(value, str) and value != _AUTO):
            found[ours] = value
    grader = inner.get("grader") if isinstance(inner, Mapping) else None
    if isinstance(grader, Mapping):
        found["grader"] = _frozen(grader)
    return found


def _frozen(value: Any) -> Plain:  # noqa: ANN401  # a JSON tree
    if isinstance(value, Mapping):
        return {str(key): _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else cast("Plain", value)


def _pairs(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _suffix(job: Mapping[str, Any]) -> str | None:
    for key in ("suffix", "user_provided_suffix"):
        if isinstance(job.get(key), str) and job[key]:
            return str(job[key])
    parts = (model_of(job) or "").split(":")
    return parts[3] or None if parts[0] == "ft" and len(parts) == _PARTS else None


def _metadata(value: object) -> dict[str, Plain]:
    """Return the pairs that are the user's: those of an owner mark are not."""
    pairs = _pairs(value)
    return {k: v for k, v in pairs.items() if k not in MARK_KEYS and isinstance(v, str)}


def introduced(instance: Instance, job: Mapping[str, Any]) -> Instance:
    """Return an instance of which only the id is known with all that its job tells of it."""
    metadata = _pairs(job.get("metadata"))
    return replace(
        instance,
        spec=settings_of(job),
        op=str(metadata.get(OP) or ""),
        created_at=moment(job.get("created_at")),
    )
