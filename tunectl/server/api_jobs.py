"""Fine-tuning jobs on the wire: create, list, retrieve, stop and go on, events, checkpoints."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import time
from pathlib import Path
from typing import Any

from tunectl.server.executor import ExecutorError
from tunectl.server.folder import new_id
from tunectl.server.hyperparameters import method_of, requested, resolved, seed_of
from tunectl.server.jobs import TERMINAL, JobFolder, create_job
from tunectl.server.manners import Manner
from tunectl.server.models import Model
from tunectl.server.service import Service
from tunectl.server.wire import ApiError, Call, Reply, checked_metadata, page

_CREATE_KEYS = frozenset(
    {
        "model", "training_file", "validation_file", "hyperparameters", "method", "suffix",
        "seed", "metadata", "integrations", "tunectl",
    }
)  # fmt: skip
_OPTIONS: dict[str, tuple[type, ...]] = {
    "device": (str,),
    "dtype": (str,),
    "threads": (int,),
    "max_tokens": (int,),
    "checkpoint_steps": (int,),
    "step_seconds": (int, float),
}
_DEFAULTS = {"device": None, "dtype": None, "threads": None, "max_tokens": 512}
_MAX_SUFFIX = 64
_METRICS = (
    "train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy",
    "full_valid_loss", "full_valid_mean_token_accuracy",
)  # fmt: skip


def create(service: Service, call: Call) -> Reply:
    """POST /fine_tuning/jobs; `tunectl` in the body holds options of our own trainers."""
    manner = service.settings.manner
    body = call.body(_CREATE_KEYS | manner.more_keys.keys())
    method, wanted = method_of(body, manner), requested(body, manner)
    suffix = _suffix(body.get("suffix"), manner)
    metadata = checked_metadata(body.get("metadata"))
    options = _options(body.get("tunectl"))
    integrations = _integrations(body.get("integrations"), manner)
    _check_more(body, manner)
    training = _file(service, body.get("training_file"), "training_file")
    validation = None
    if body.get("validation_file") is not None:
        validation = _file(service, body["validation_file"], "validation_file")
    model = _model(service, body.get("model"))
    _check_executor(service)
    rows = int(training.get("rows") or 0)
    now, job_id = time.time_ns(), new_id("ftjob-")
    recipe = {
        "id": job_id,
        "created_at": now // 10**9,
        "created_ns": now,
        "model": model.id,
        "base": _base(model),
        "trainer": "simulated" if model.simulated else "lora",
        "method": method,
        "hyperparameters": resolved(wanted, rows),
        "seed": seed_of(body.get("seed"), training["sha256"], model.id),
        "suffix": suffix,
        "training_sha256": training["sha256"],
        "validation_sha256": validation["sha256"] if validation else None,
        "fine_tuned_model": tuned_name(model.id, suffix, job_id if manner.named_after_job else ""),
        "least_rows": manner.least_rows,
        "byte_order_mark": manner.byte_order_mark,
        **_DEFAULTS,
        **options,
    }
    meta = {
        "metadata": metadata,
        "requested": wanted,
        "suffix": suffix,
        "integrations": integrations,
        "training_file": training["id"],
        "validation_file": validation["id"] if validation else None,
    }
    return Reply(service.shown(_made(service, recipe, meta)))


def list_jobs(service: Service, call: Call) -> Reply:
    """GET /fine_tuning/jobs, newest first; `metadata[k]=v` filters, `metadata=null` takes none."""
    wanted = call.metadata_filter()
    jobs = []
    for job in service.catalogue.jobs():
        metadata = job.meta().get("metadata") or {}
        if not metadata if wanted is None else wanted.items() <= metadata.items():
            jobs.append(job)
    return page(jobs, lambda job: job.id, service.shown, call, (20, 1000))


def retrieve(service: Service, call: Call) -> Reply:
    """GET /fine_tuning/jobs/{id}."""
    return Reply(service.shown(service.job(call.path["job_id"])))


def cancel(service: Service, call: Call) -> Reply:
    """POST /fine_tuning/jobs/{id}/cancel; repeating it while it takes effect is fine."""
    job = service.job(call.path["job_id"])
    _refuse_terminal(service, job, "cancelled")
    return Reply(service.shown(job, service.reconciler.cancel(job)))


def pause(service: Service, call: Call) -> Reply:
    """POST /fine_tuning/jobs/{id}/pause."""
    job = service.job(call.path["job_id"])
    _refuse_terminal(service, job, "paused")
    return Reply(service.shown(job, service.reconciler.pause(job)))


def resume(service: Service, call: Call) -> Reply:
    """POST /fine_tuning/jobs/{id}/resume; the job goes on from its checkpoint."""
    job = service.job(call.path["job_id"])
    state = _refuse_terminal(service, job, "resumed")
    if state != "paused" and not job.wants_pause():
        raise ApiError(
            400, f"Job {job.id} is not paused: its status is '{state}'.", code="invalid_job_status"
        )
    return Reply(service.shown(job, service.reconciler.resume(job)))


def events(service: Service, call: Call) -> Reply:
    """GET /fine_tuning/jobs/{id}/events, newest first."""
    job = service.job(call.path["job_id"])
    service.reconciler.settle(job)
    return page(
        job.events()[::-1],
        lambda event: str(event["id"]),
        lambda event: {"object": "fine_tuning.job.event", **event},
        call,
        (20, 1000),
    )


def checkpoints(service: Service, call: Call) -> Reply:
    """GET /fine_tuning/jobs/{id}/checkpoints, newest first: those that exist and answer."""
    job = service.job(call.path["job_id"])
    service.reconciler.settle(job)
    metrics = {
        event["data"].get("step"): event["data"]
        for event in job.events()
        if event["type"] == "metrics"
    }
    name = str(service.catalogue.recipe(job)["fine_tuned_model"])

    def show(item: tuple[int, Path]) -> dict[str, Any]:
        step, path = item
        data = metrics.get(step, {})
        return {
            "object": "fine_tuning.job.checkpoint",
            "id": checkpoint_id(job, step),
            "created_at": int((path / "ok").stat().st_mtime),
            "fine_tuning_job_id": job.id,
            "fine_tuned_model_checkpoint": f"{name}:ckpt-step-{step}",
            "step_number": step,
            "metrics": {"step": step}
            | {key: data[key] for key in _METRICS if isinstance(data.get(key), int | float)},
        }

    items = job.checkpoints()[::-1]
    return page(items, lambda item: checkpoint_id(job, item[0]), show, call, (10, 1000))


def _made(service: Service, recipe: dict[str, Any], meta: dict[str, Any]) -> JobFolder:
    validation = meta["validation_file"]
    try:
        return create_job(
            service.root,
            recipe,
            meta,
            service.root.file_data(meta["training_file"]),
            service.root.file_data(validation) if validation else None,
        )
    except FileNotFoundError:
        raise ApiError(
            400, f"invalid training_file: {meta['training_file']}", "training_file"
        ) from None


def _refuse_terminal(service: Service, job: JobFolder, what: str) -> str:
    state = str(service.reconciler.settle(job)["state"])
    if state in TERMINAL:
        raise ApiError(
            400,
            f"Job {job.id} cannot be {what}: it has already {_past(state)}.",
            code="invalid_job_status",
        )
    return state


def _past(state: str) -> str:
    return "been cancelled" if state == "cancelled" else state


def _file(service: Service, file_id: object, param: str) -> dict[str, Any]:
    if not isinstance(file_id, str) or not file_id:
        raise ApiError(
            400, f"Missing required parameter: '{param}'.", param, code="missing_required_parameter"
        )
    try:
        meta = service.files.get(file_id, param)
    except ApiError:
        raise ApiError(400, f"invalid {param}: {file_id}", param, code="invalid_file") from None
    if meta["purpose"] != "fine-tune":
        raise ApiError(
            400,
            f"File '{file_id}' has purpose '{meta['purpose']}'; a {param} needs 'fine-tune'.",
            param,
            code="invalid_file_purpose",
        )
    return meta


def _model(service: Service, name: object) -> Model:
    if not isinstance(name, str) or not name:
        raise ApiError(
            400, "Missing required parameter: 'model'.", "model", code="missing_required_parameter"
        )
    model = service.catalogue.trainable(name)
    if not model.simulated and importlib.util.find_spec("torch") is None:
        raise ApiError(
            400,
            "The trainer `lora` needs torch, transformers and peft, which are not installed here: "
            "pip install 'tunectl[local]'.",
            "model",
            code="trainer_not_available",
        )
    return model


def _check_executor(service: Service) -> None:
    """Refuse a job that nobody could start now: it would be queued for nobody knows how long."""
    try:
        service.executor.check()
    except ExecutorError as error:
        raise ApiError(400, str(error), code="executor_not_available") from error


def _base(model: Model) -> dict[str, Any]:
    if model.base is None:
        sha = hashlib.sha256(f"simulated {model.id}".encode()).hexdigest()
        return {"name": model.id, "sha256": sha, "path": None}
    base = model.base
    return {"name": base.name, "sha256": base.sha256, "path": str(base.path)}


def tuned_name(base: str, suffix: str | None, job_id: str = "") -> str:
    """Return the name of a tuned model.

    It is `ft:<base>:<org>:<suffix>:<id>`, of which no part holds a colon; `<base>.ft-<id of the
    job>` where the job's id is given.
    """
    if job_id:
        return f"{base}.ft-{job_id.removeprefix('ftjob-')}"
    clean = re.sub(r"[^\w.\-]", "-", suffix or "")
    return f"ft:{base.replace(':', '-')}:local:{clean}:{new_id('', 8)}"


def _suffix(value: object, manner: Manner) -> str | None:
    if value is None:
        return None
    if not manner.suffix:
        raise ApiError(400, "Unknown parameter: 'suffix'.", "suffix", code="unknown_parameter")
    if manner.dotless and isinstance(value, str) and "." in value:
        raise ApiError(400, "Invalid 'suffix': dots are not allowed.", "suffix")
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_SUFFIX:
        raise ApiError(
            400,
            f"Invalid 'suffix': expected a string of 1 to {_MAX_SUFFIX} characters.",
            "suffix",
            code="string_above_max_length" if isinstance(value, str) and value else None,
        )
    return value


def _integrations(value: object, manner: Manner) -> list[Any]:
    if not value:
        return []
    if not manner.integrations:
        raise ApiError(
            400, "Integrations are not supported by this server.", "integrations",
            code="unsupported_value",
        )  # fmt: skip
    kinds = [one.get("type") if isinstance(one, dict) else None for one in _listed(value)]
    if kinds != ["wandb"] * len(kinds):
        raise ApiError(400, "Invalid 'integrations': expected type 'wandb'.", "integrations")
    return _listed(value)


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ApiError(400, "'integrations' must be a list.", "integrations")
    return value


def _check_more(body: dict[str, Any], manner: Manner) -> None:
    for key, allowed in manner.more_keys.items():
        if key in body and allowed is not None and body[key] not in allowed:
            raise ApiError(400, f"Invalid value for '{key}'.", key)


def _options(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(400, "'tunectl' must be an object.", "tunectl")
    for name, item in value.items():
        if name not in _OPTIONS:
            raise ApiError(
                400, f"Unknown parameter: 'tunectl.{name}'.", f"tunectl.{name[:64]}",
                code="unknown_parameter",
            )  # fmt: skip
        right = isinstance(item, _OPTIONS[name]) and not isinstance(item, bool)
        least = 0 if name == "step_seconds" else 1
        if not right or (isinstance(item, int | float) and item < least):
            raise ApiError(400, f"Invalid value for 'tunectl.{name}'.", f"tunectl.{name}")
    return value


def checkpoint_id(job: JobFolder, step: int) -> str:
    """Return the id of the checkpoint at a step, which says nothing by itself."""
    return "ftckpt_" + hashlib.sha256(f"{job.id} {step}".encode()).hexdigest()[:24]
