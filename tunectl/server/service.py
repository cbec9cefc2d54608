"""What the handlers share: the parts of one running server, and jobs as the wire shows them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunectl.server.executor import Executor, ProcessExecutor
from tunectl.server.files import FileStore
from tunectl.server.folder import Root
from tunectl.server.jobs import TERMINAL, JobFolder
from tunectl.server.manners import MANNERS, Manner
from tunectl.server.models import Catalogue
from tunectl.server.reconcile import Reconciler
from tunectl.server.wire import ApiError


@dataclass(frozen=True)
class Settings:
    """How a server runs.

    Args:
        root: its folder.
        trainer: `lora`, or `simulated` for one that trains everything without weights.
        idle_seconds: stop after this long without a request and without a job; 0 = never.
        mimic: send what OpenAI really sends where that departs from its own specification
            (a healthy job's `error` is `{}`, not `null`).
        public: reachable from other hosts; then no path of this machine is a model name.
        token: what clients may send instead of the folder's own token.
        vllm: the address of a vLLM server that answers; None to answer here.
        profile: the service whose manners it has (`manners`); empty for its own.
    """

    root: Path
    trainer: str = "lora"
    idle_seconds: float = 900.0
    mimic: bool = False
    public: bool = False
    token: str | None = field(default=None, repr=False)
    vllm: str | None = None
    profile: str = ""

    @property
    def manner(self) -> Manner:
        """The manners it has."""
        return MANNERS[self.profile]


@dataclass
class Service:
    """One server's parts. The handlers are functions over it."""

    settings: Settings
    root: Root
    files: FileStore
    catalogue: Catalogue
    executor: Executor
    reconciler: Reconciler
    started_at: float = field(default_factory=time.time)
    stop: Callable[[], None] = lambda: None
    stopping: threading.Event = field(default_factory=threading.Event)

    def job(self, job_id: str) -> JobFolder:
        """Return the job called `job_id`; raises `ApiError` (404) when there is none."""
        path = self.root.jobs / job_id
        if not job_id.startswith("ftjob-") or not job_id[6:].isalnum() or not path.is_dir():
            raise ApiError(
                404,
                f"Could not find fine tune: {job_id}",
                "fine_tune_id",
                code="fine_tune_not_found",
            )
        return JobFolder(path)

    def shown(self, job: JobFolder, status: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a job as the wire shows it, settled first; keys beyond OpenAI's are ours."""
        status = self.reconciler.settle(job) if status is None else status
        recipe, meta = self.catalogue.recipe(job), job.meta()
        state = str(status["state"])
        started = bool(status.get("started_at"))
        numbers = recipe["hyperparameters"] if started else meta["requested"]
        named = state == "succeeded" and self.settings.manner.names_models
        return {
            "object": "fine_tuning.job",
            "id": job.id,
            "created_at": recipe["created_at"],
            "model": recipe["model"],
            "organization_id": self.root.account(),
            "status": "running" if state == "loading" else state,
            "training_file": meta["training_file"],
            "validation_file": meta["validation_file"],
            **_method(recipe, numbers, self.settings.manner),
            "seed": recipe["seed"],
            "metadata": meta["metadata"],
            "integrations": meta.get("integrations") or [],
            "fine_tuned_model": recipe["fine_tuned_model"] if named else None,
            "finished_at": status.get("finished_at") if state in TERMINAL else None,
            "estimated_finish": _estimate(state, status),
            "trained_tokens": status.get("trained_tokens") if state in TERMINAL else None,
            "result_files": meta.get("result_files") or [],
            "error": _error(status) or ({} if self.settings.mimic else None),
            "user_provided_suffix": meta["suffix"],
            "usage_metrics": None,
            "shared_with_openai": False,
            "tunectl": _progress(status)
            | {"trainer": recipe["trainer"], "note": self._note(job, state)},
        }

    def _note(self, job: JobFolder, state: str) -> str | None:
        """Return what people should know of a job that is not over, None where all is well."""
        return None if state in TERMINAL else self.executor.note(job)

    def busy(self) -> bool:
        """Tell whether a job is neither over nor paused: then the server stays."""
        return any(
            job.status()["state"] not in TERMINAL and not job.wants_pause()
            for job in self.catalogue.jobs()
        )


def make_service(settings: Settings, executor: Executor | None = None) -> Service:
    """Put the parts of a server together; raises `OSError` when its folder cannot be written."""
    root = Root(settings.root.expanduser().resolve()).prepare()
    files = FileStore(root, settings.manner.processing)
    executor = executor or ProcessExecutor()
    return Service(
        settings,
        root,
        files,
        Catalogue(root, settings.trainer, paths=not settings.public),
        executor,
        Reconciler(executor, files),
    )


def _method(recipe: dict[str, Any], numbers: dict[str, Any], manner: Manner) -> dict[str, Any]:
    method = recipe.get("method") or {}
    kind = str(method.get("type", "supervised"))
    inner = {"grader": method["grader"]} if "grader" in method else {}
    null = manner.null_numbers and kind != "supervised"
    return {
        "hyperparameters": None if null else numbers,
        "method": {"type": kind, kind: {**inner, "hyperparameters": numbers}},
    }


def _error(status: dict[str, Any]) -> dict[str, Any] | None:
    error = status.get("error")
    if status["state"] != "failed" or not isinstance(error, dict):
        return None
    return {
        "code": str(error.get("code") or "server_error"),
        "message": str(error.get("message") or "The job failed due to an internal error"),
        "param": error.get("param"),
    }


def _estimate(state: str, status: dict[str, Any]) -> int | None:
    left = status.get("seconds_left")
    return None if state != "running" or left is None else int(time.time() + float(left))


def _progress(status: dict[str, Any]) -> dict[str, Any]:
    names = (
        "step", "total_steps", "epoch", "train_loss", "valid_loss", "device", "dtype", "workers",
    )  # fmt: skip
    return {name: status.get(name) for name in names}
