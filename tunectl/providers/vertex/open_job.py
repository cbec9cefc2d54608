"""A tuning job of an open model in words. No request is made here.

Such a job registers and deploys nothing: it leaves weights in Cloud Storage, which Model Garden
deploys. Only the REST resource of v1beta1 knows its fields (google-cloud-aiplatform 2.7.0,
`TuningJob.output_uri`, `custom_base_model`, `SupervisedTuningSpec.tuning_mode`); where the weights
are below the output is said by Google's own walk from a job to an endpoint ("Tune an open model",
2026-09-25; google/skills, agent-platform-tuning, 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.catalog.open_models import Weights, open_model
from tunectl.core.ports import Mark
from tunectl.core.value import Plain
from tunectl.providers.vertex.marks import OP, description_of, labels_of
from tunectl.providers.vertex.staging import Place

FINAL = "postprocess/node-0/checkpoints/final"
SIZES: Mapping[int, str] = {
    1: "ADAPTER_SIZE_ONE", 4: "ADAPTER_SIZE_FOUR", 8: "ADAPTER_SIZE_EIGHT",
    16: "ADAPTER_SIZE_SIXTEEN", 32: "ADAPTER_SIZE_THIRTY_TWO",
}  # fmt: skip
_SPEC = "supervisedTuningSpec"
_MODES = {True: "TUNING_MODE_PEFT_ADAPTER", False: "TUNING_MODE_FULL"}
_NUMBERS = {"epochs": "epochCount", "learning_rate": "learningRate", "batch_size": "batchSize"}


def is_open(job: Mapping[str, Any]) -> bool:
    """Tell whether a job tunes an open model."""
    found = open_model(str(job.get("baseModel") or ""))
    return found is not None and found.weights is Weights.GARDEN


def open_body(
    spec: Mapping[str, Plain],
    mark: Mark,
    labels: Mapping[str, str],
    *,
    base: str,
    before: str,
    output: str,
) -> dict[str, Any]:
    """Return the job to create, as the REST route of v1beta1 takes it.

    Args:
        spec: the settled settings.
        mark: carried in labels and description.
        labels: the user's own.
        base: the open model that the line of jobs began with.
        before: the weights to train further, `gs://…`; empty for the model's own.
        output: the folder for what the job leaves, `gs://…`.
    """
    method = spec.get("method")
    method = method if isinstance(method, Mapping) else {}
    numbers: dict[str, Any] = {
        theirs: method[ours] for ours, theirs in _NUMBERS.items() if method.get(ours) is not None
    }
    rank = method.get("lora_r")
    if isinstance(rank, int):
        numbers["adapterSize"] = SIZES.get(rank, str(rank))
    inner: dict[str, Any] = {
        "trainingDatasetUri": spec["training_file"],
        "tuningMode": _MODES[bool(method.get("lora"))],
    }
    if spec.get("validation_file"):
        inner["validationDatasetUri"] = spec["validation_file"]
    if numbers:
        inner["hyperParameters"] = numbers
    known = open_model(base)
    return {
        "baseModel": known.short if known is not None else base,
        **({"customBaseModel": before} if before else {}),
        _SPEC: inner,
        "outputUri": output,
        "description": description_of(mark),
        "labels": labels_of(mark, labels),
    }


def output_of(staging: str, op: str) -> str:
    """Return the folder that a job writes to: one of its own beside the training data."""
    place = Place.of(staging)
    return f"gs://{place.bucket}/{place.prefix.removesuffix('tunectl/')}tunectl-tuned/{op}"


def weights_of(job: Mapping[str, Any]) -> str:
    """Return where the tuned weights are; empty where the job does not tell its output."""
    output = str(job.get("outputUri") or "").rstrip("/")
    return f"{output}/{FINAL}" if output else ""


def own_output(job: Mapping[str, Any]) -> str:
    """Return the folder of a job's output where it is one that we chose; empty where it is not."""
    op = str((job.get("labels") or {}).get(OP, ""))
    output = str(job.get("outputUri") or "").rstrip("/")
    return output if op and output.endswith(f"/tunectl-tuned/{op}") else ""


def settings_of_open(job: Mapping[str, Any]) -> dict[str, Plain]:
    """Return a job's settings in the words of a declaration, without its files."""
    inner = job.get(_SPEC) or {}
    numbers = inner.get("hyperParameters") or {}
    method: dict[str, Plain] = {"type": "supervised"}
    modes = {word: adapter for adapter, word in _MODES.items()}
    if inner.get("tuningMode") in modes:
        method["lora"] = modes[inner["tuningMode"]]
    for ours, theirs in (("epochs", "epochCount"), ("batch_size", "batchSize")):
        if str(numbers.get(theirs, "")).isdigit() and int(numbers[theirs]):
            method[ours] = int(numbers[theirs])
    if numbers.get("learningRate"):
        method["learning_rate"] = numbers["learningRate"]
    sizes = {word: size for size, word in SIZES.items()}
    if numbers.get("adapterSize") in sizes:
        method["lora_r"] = sizes[numbers["adapterSize"]]
    return {
        "base_model": str(job.get("customBaseModel") or job.get("baseModel") or ""),
        "method": method,
    }
