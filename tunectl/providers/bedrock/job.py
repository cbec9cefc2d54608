"""A customization job in words: settings to a request, an answer to a status. Nothing is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tunectl.catalog.bedrock_models import REINFORCEMENT, SUPERVISED, family, plain_id
from tunectl.core.ports import Mark, Request
from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.bedrock.naming import (
    TAG,
    as_tags,
    content_hash,
    encoded,
    job_name,
    mark_pairs,
)
from tunectl.providers.bedrock.places import Place

# What ends; whatever else the service says, now or in future, is not over yet.
_ENDS = {"Completed": Status.READY, "Failed": Status.FAILED, "Stopped": Status.CANCELLED}
_PHASES = (
    ("dataProcessingDetails", "reading the rows"),
    ("trainingDetails", "training"),
    ("validationDetails", "validating"),
)
# Where no base model says its own: the names that most of them share.
_USUAL = {
    "epochs": "epochCount",
    "batch_size": "batchSize",
    "learning_rate": "learningRate",
    "learning_rate_multiplier": "learningRateMultiplier",
    "warmup_steps": "learningRateWarmupSteps",
    "early_stopping_threshold": "earlyStoppingThreshold",
    "early_stopping_patience": "earlyStoppingPatience",
}


_REINFORCEMENT = "REINFORCEMENT_FINE_TUNING"
# botocore 1.44.5, service model `bedrock`, RFTHyperParameters
_REWARDED = {
    "epochs": "epochCount",
    "batch_size": "batchSize",
    "learning_rate": "learningRate",
    "max_prompt_tokens": "maxPromptLength",
    "samples_per_prompt": "trainingSamplePerPrompt",
    "max_answer_tokens": "inferenceMaxTokens",
    "reasoning_effort": "reasoningEffort",
    "eval_interval": "evalInterval",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every job of a provider is made with.

    Attributes:
        role_arn: the role that the service takes on to read rows and write metrics.
        output: where metrics go; each job has a folder of its own there.
        kms_key: encrypts the custom model; the service's own key where it is None.
        subnet_ids: of the network in which a job reads and writes; none for the open network.
        security_group_ids: what may be reached from there.
    """

    role_arn: str
    output: Place
    kms_key: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()


def body(setting: Setting, request: Request) -> dict[str, Any]:
    """Return the arguments of a create."""
    spec, mark = request.spec, request.mark
    suffix = spec.get("suffix")
    name = job_name(mark, content_hash(request.resource), str(suffix) if suffix else None)
    tags = as_tags({**_own_tags(request), **mark_pairs(mark)})
    made: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "roleArn": setting.role_arn,
        "clientRequestToken": mark.op,
        "baseModelIdentifier": str(spec["base_model"]),
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": str(spec["training_file"])},
        "outputDataConfig": {"s3Uri": f"{setting.output.below(name)}/"},
    }
    if spec.get("validation_file"):
        made["validationDataConfig"] = {"validators": [{"s3Uri": str(spec["validation_file"])}]}
    if setting.kms_key:
        made["customModelKmsKeyId"] = setting.kms_key
    if setting.subnet_ids:
        made["vpcConfig"] = {
            "subnetIds": list(setting.subnet_ids),
            "securityGroupIds": list(setting.security_group_ids),
        }
    return made | _taught(str(spec["base_model"]), spec.get("method"))


def _taught(base_model: str, method: Plain) -> dict[str, Any]:
    """Return the type of customization and what belongs to it."""
    said = dict(method) if isinstance(method, Mapping) else {}
    if said.get("type") == REINFORCEMENT:
        return {
            "customizationType": _REINFORCEMENT,
            "customizationConfig": {"rftConfig": reinforcement_config(said)},
        }
    numbers = hyper_parameters(base_model, method)
    return {"customizationType": "FINE_TUNING", **({"hyperParameters": numbers} if numbers else {})}


def reinforcement_config(method: Mapping[str, Plain]) -> dict[str, Any]:
    """Return what a reinforcement is made with: the grader, and its numbers as numbers."""
    grader = method.get("grader")
    told = grader.get("lambda") if isinstance(grader, Mapping) else None
    arn = told.get("function") if isinstance(told, Mapping) else None
    found: dict[str, Any] = {"graderConfig": {"lambdaGrader": {"lambdaArn": str(arn)}}}
    numbers = {theirs: method[ours] for ours, theirs in _REWARDED.items() if ours in method}
    return {**found, "hyperParameters": numbers} if numbers else found


def _own_tags(request: Request) -> dict[str, str]:
    """Return the user's labels and metadata; letters that no tag takes are encoded."""
    metadata = request.spec.get("metadata")
    pairs = {
        **request.resource.labels,
        **({k: str(v) for k, v in metadata.items()} if isinstance(metadata, Mapping) else {}),
    }
    return {_taggable(key): _taggable(value) for key, value in pairs.items()}


def _taggable(text: str) -> str:
    return text if TAG.fullmatch(text) else encoded(text)


def hyper_parameters(base_model: str, method: Plain) -> dict[str, str]:
    """Return the numbers that a job sets, under the service's names, as the texts it wants."""
    said = dict(method) if isinstance(method, Mapping) else {}
    names = _names(base_model)
    return {names[key]: _text(value) for key, value in said.items() if key in names}


def _names(base_model: str) -> Mapping[str, str]:
    facts = family(base_model)
    known = facts.training(SUPERVISED).hyperparameters if facts is not None else None
    return {key: rule.name for key, rule in known.items()} if known is not None else _USUAL


def _text(value: Plain) -> str:
    """Return a number as text: never `1e-05`, which not every reader of numbers takes.

    >>> _text(2), _text(0.00001), _text(0.1)
    ('2', '0.00001', '0.1')
    """
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)


def settings_of(job: Mapping[str, Any]) -> dict[str, Plain]:
    """Return what a job tells of its own settings, in the words of a declaration.

    The service says which numbers it used, not which of them were asked for.
    """
    base = plain_id(str(job.get("baseModelArn") or ""))
    found: dict[str, Plain] = {"base_model": base, "method": _method(base, job)}
    rows = (job.get("trainingDataConfig") or {}).get("s3Uri")
    if rows:
        found["training_file"] = str(rows)
    for one in (job.get("validationDataConfig") or {}).get("validators") or ():
        found["validation_file"] = str(one["s3Uri"])
    return found


def _method(base: str, job: Mapping[str, Any]) -> dict[str, Plain]:
    if job.get("customizationType") == _REINFORCEMENT:
        return _rewarded((job.get("customizationConfig") or {}).get("rftConfig") or {})
    told = job.get("hyperParameters") or {}
    found: dict[str, Plain] = {"type": SUPERVISED}
    for ours, theirs in _names(base).items():
        try:
            value = float(told[theirs])
        except (KeyError, ValueError):
            continue
        found[ours] = int(value) if value.is_integer() else value
    return found


def _rewarded(config: Mapping[str, Any]) -> dict[str, Plain]:
    arn = ((config.get("graderConfig") or {}).get("lambdaGrader") or {}).get("lambdaArn")
    told = config.get("hyperParameters") or {}
    return {
        "type": REINFORCEMENT,
        **({"grader": {"type": "lambda", "lambda": {"function": str(arn)}}} if arn else {}),
        **{ours: told[theirs] for ours, theirs in _REWARDED.items() if theirs in told},
    }


def status_of(job: Mapping[str, Any]) -> Status:
    """Return the status of a job."""
    return _ENDS.get(str(job.get("status")), Status.PENDING)


def progress_of(job: Mapping[str, Any]) -> str:
    """Return a short text on a job that is not over: the service tells phases, no percentage."""
    if job.get("status") == "Stopping":
        return "stopping"
    details = job.get("statusDetails") or {}
    under_way = [
        words for name, words in _PHASES if (details.get(name) or {}).get("status") == "InProgress"
    ]
    return under_way[-1] if under_way else "queued"


def phases(job: Mapping[str, Any]) -> Iterable[tuple[str, str, str, datetime]]:
    """Yield key, words, status and time of every phase that has begun."""
    details = job.get("statusDetails") or {}
    for name, words in _PHASES:
        told = details.get(name) or {}
        at = told.get("lastModifiedTime") or told.get("creationTime")
        if told.get("status") not in {None, "NotStarted"} and isinstance(at, datetime):
            yield name, words, str(told["status"]), at


def moment(at: object) -> str:
    """Return a time as ISO 8601, UTC; empty where it is none."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if isinstance(at, datetime) else ""


def record_left(name: str) -> str:
    """Return what people are told of a job that is destroyed: its record cannot be deleted."""
    return f"job record {name} stays at the provider and bills nothing"


def is_ours(job: Mapping[str, Any], mark: Mark | str) -> bool:
    """Tell whether a job was made by an operation."""
    op = mark if isinstance(mark, str) else mark.op
    return bool(op) and (job.get("clientRequestToken") == op or op in str(job.get("jobName")))
