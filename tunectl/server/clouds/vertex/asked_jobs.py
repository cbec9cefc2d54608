"""What a new tuning job may ask for: judged when it is created, as far as the service does then."""

from __future__ import annotations

from dataclasses import dataclass

from tunectl.server.clouds.vertex import bases, registry
from tunectl.server.clouds.vertex.bases import Published
from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.labels import check_labels
from tunectl.server.clouds.vertex.ledger import Kept
from tunectl.server.clouds.vertex.refusals import invalid, missing

SPECS = {
    "supervisedTuningSpec": ("supervised", "supervised_tuning_spec"),
    "preferenceOptimizationSpec": ("preference", "preference_optimization_spec"),
}
_OTHERS = ("distillationSpec", "partnerModelTuningSpec", "veoTuningSpec", "veoLoraTuningSpec")
_OUTPUT = {
    "name", "state", "createTime", "startTime", "endTime", "updateTime", "error", "experiment",
    "tunedModel", "tuningDataStats", "pipelineJob", "evaluateDatasetRuns", "tuningJobState",
    "tuningJobMetadata",
}  # fmt: skip
_LONGEST_NAME = 128
_MOST_EPOCHS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A job that may be created.

    Attributes:
        kept: the TuningJob as asked, without output fields.
        method: `supervised` or `preference`.
        onto: the model that gets a new version; empty for a new model.
        name: the display name of what comes out.
    """

    kept: Kept
    method: str
    spec: Kept
    base: Published
    onto: str = ""
    name: str = ""


def wanted(call: Call) -> Wanted:
    """Judge the body of `tuningJobs.create`.

    Raises:
        Refused: the job cannot be created.
    """
    body = call.body("TuningJob", "tuning_job")
    kept = {key: value for key, value in body.items() if key not in _OUTPUT}
    field = next((name for name in SPECS if name in kept), "")
    if not field or sum(name in kept for name in (*SPECS, *_OTHERS)) != 1:
        told = "Exactly one tuning spec that this service simulates must be set."
        other = next((name for name in _OTHERS if name in kept), "")
        raise invalid(f"{told} {other} is not." if other else told, "tuning_job.tuning_spec")
    method, path = SPECS[field]
    display = kept.get("tunedModelDisplayName", "")
    if len(display) > _LONGEST_NAME:
        raise invalid(
            f"The display name can be up to {_LONGEST_NAME} characters long.",
            "tuning_job.tuned_model_display_name",
        )
    check_labels(kept.get("labels", {}), "tuning_job.labels")
    base, onto, inherited = _source(call, kept)
    _check_base(call, kept, base, method)
    _check_data(kept[field], f"tuning_job.{path}")
    _check_hyper_parameters(kept[field].get("hyperParameters", {}), base, f"tuning_job.{path}")
    name = display or inherited or f"tuned-model-{call.ledger.new_id()[:8]}"
    same = bool(onto) and name == inherited
    return Wanted(
        kept=kept,
        method=method,
        spec=kept[field],
        base=base,
        onto=onto if same else "",
        name=name,
    )


def _source(call: Call, kept: Kept) -> tuple[Published, str, str]:
    """Return the base, and for continuous tuning the model and its display name."""
    before = kept.get("preTunedModel")
    if before is not None:
        model, version = registry.find(call.ledger, before.get("tunedModelName", ""))
        wanted_one = before.get("checkpointId")
        known = {each["checkpointId"] for each in version.get("checkpoints", [])}
        if wanted_one and wanted_one not in known:
            raise missing(f"Checkpoint {wanted_one} of {model.name} does not exist.")
        base = bases.find(model.base)
        if base is None:
            raise invalid(
                f"The Model {model.name} is not a tuned model.", "tuning_job.source_model"
            )
        return base, model.name, version.get("displayName", "")
    asked = kept.get("baseModel", "")
    if not asked:
        raise invalid("Missing required field: base_model", "tuning_job.base_model")
    base = bases.find(asked)
    if base is None or base.retired(call.ledger.world.now().date()):
        plain = asked.rpartition("/")[2]
        raise missing(
            f"Publisher Model `projects/{call.ledger.project}/locations/{call.location}/publishers/"
            f"google/models/{plain}` was not found or your project does not have access to it. "
            "Please ensure you are using a valid model version. For more information, see: "
            f"{bases.VERSIONS_PAGE}"
        )
    return base, "", ""


def _check_base(call: Call, kept: Kept, base: Published, method: str) -> None:
    field = "tuning_job.base_model"
    if method not in base.tunes or base.closed(call.ledger.world.now().date()):
        raise invalid(f"Base model {base.id} is not supported for {method} tuning.", field)
    if base.regions and call.location not in base.regions:
        raise invalid(f"Tuning {base.id} is not supported in {call.location}.", field)
    if "encryptionSpec" in kept and not base.own_keys:
        raise invalid(
            f"Customer-managed encryption keys are not supported for {base.id}.",
            "tuning_job.encryption_spec",
        )
    if base.is_open and call.version == "v1":
        raise invalid(f"Base model {base.id} is not supported for {method} tuning.", field)
    if base.is_open and not kept.get("outputUri", "").startswith("gs://"):
        raise invalid("Missing required field: output_uri", "tuning_job.output_uri")


def _check_data(spec: Kept, path: str) -> None:
    if not spec.get("trainingDatasetUri"):
        field = f"{path}.training_dataset_uri"
        raise invalid(f"Missing required field: {field}", field)
    for name in ("training_dataset_uri", "validation_dataset_uri"):
        uri = spec.get("trainingDatasetUri" if name[0] == "t" else "validationDatasetUri", "")
        fits = uri.startswith("gs://") and uri.endswith(".jsonl") and uri.count("/") > 2
        if uri and not fits:
            said = f"{uri} should be a GCS object of type JSONL."
            raise invalid("Request contains an invalid argument.", f"{path}.{name}", said)


def _check_hyper_parameters(given: Kept, base: Published, path: str) -> None:
    size = given.get("adapterSize", "").removeprefix("ADAPTER_SIZE_")
    if size and size not in base.adapters:
        raise invalid("The adapter size is not supported for this base model.")
    epochs = given.get("epochCount", 1)
    if not 1 <= epochs <= _MOST_EPOCHS:
        field = f"{path}.hyper_parameters.epoch_count"
        raise invalid(f"The epoch count must be between 1 and {_MOST_EPOCHS}.", field)
    if given.get("learningRateMultiplier", 1) <= 0:
        field = f"{path}.hyper_parameters.learning_rate_multiplier"
        raise invalid("The learning rate multiplier must be positive.", field)
