"""The state of the fake OpenAI: what it keeps, what it refuses, how jobs move on."""

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.providers.fake_openai_extras import FakeRegistry, FakeUploads, Refusal

KEY = "sk-canary-7f3a9c51d2e84b60"
ORGANIZATION = "acme-corp"
SNAPSHOTS = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-4.1": "gpt-4.1-2025-04-14"}
PATH = ("validating_files", "queued", "running", "running", "succeeded")


@dataclass
class Fault:
    """One way for matching requests to go wrong.

    `how` is `status`, `reset`, `truncate`, `html`, `empty`, `hang` or `echo-key`; `after` lets the
    request take effect first; it happens `times` times.
    """

    method: str
    path: str
    how: str = "status"
    status: int = 500
    code: str | None = None
    message: str = "The server had an error while processing your request."
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    times: int = 1
    seconds: float = 30.0

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method == method and bool(re.fullmatch(self.path, path))


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class FakeOpenAI:
    """The service's state, and the switches of a test."""

    url: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    path: tuple[str, ...] = PATH
    file_path: tuple[str, ...] = ("processed",)
    job_error: dict[str, Any] | None = None
    results: bytes | None = None
    keeps_metadata: bool = True
    lists_late: int = 0
    tuned: bool = True
    answer: tuple[str, ...] = ("Dzień ", "dobry", "!")
    annotations: list[dict[str, Any]] = field(default_factory=list)
    mutex: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.uploads = FakeUploads(self)
        self.registry = FakeRegistry(self)
        for name in SNAPSHOTS.values():
            self.models[name] = _model(name, "openai", "2027-01-14")

    def sent(self, method: str, path: str) -> list[Seen]:
        return [s for s in self.seen if s.method == method and re.fullmatch(path, s.path)]

    # files

    def post_files(self, form: dict[str, Any]) -> Any:
        name, data = form["file"]
        return self.keep_file(name, data, form["purpose"])

    def keep_file(self, name: str, data: bytes, purpose: str) -> Any:
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
            try:
                ok = isinstance(json.loads(line), dict)
            except ValueError:
                ok = False
            if not ok:
                raise Refusal(
                    400,
                    "Expected file to have JSONL format, where every line is a JSON dictionary. "
                    f"Line {number} is not a dictionary",
                )
        return self.keep(name, data, purpose)

    def keep(self, name: str, data: bytes, purpose: str) -> Any:
        file_id = f"file-{secrets.token_hex(8)}"
        self.contents[file_id] = data
        self.files[file_id] = {
            "id": file_id, "object": "file", "bytes": len(data), "created_at": int(time.time()),
            "filename": name, "purpose": purpose, "status": self.file_path[0],
            "status_details": None, "looks": 0,
        }  # fmt: skip
        return shown(self.files[file_id])

    def get_file(self, file_id: str) -> Any:
        if file_id not in self.files:
            raise Refusal(404, f"No such File object: {file_id}", param="id")
        file = self.files[file_id]
        file["looks"] = min(file["looks"] + 1, len(self.file_path) - 1)
        file["status"] = self.file_path[file["looks"]]
        return shown(file)

    def get_content(self, file_id: str) -> bytes:
        self.get_file(file_id)
        return self.contents[file_id]

    def delete_file(self, file_id: str) -> Any:
        if self.files.pop(file_id, None) is None:
            raise Refusal(404, f"No such File object: {file_id}", param="id")
        return {"id": file_id, "object": "file", "deleted": True}

    # jobs

    def post_jobs(self, body: dict[str, Any]) -> Any:
        for key in ("model", "training_file"):
            if key not in body:
                raise Refusal(400, f"Missing required parameter: '{key}'.", param=key)
        if body["training_file"] not in self.files:
            raise Refusal(400, f"invalid training_file: {body['training_file']}", "invalid_file")
        model = SNAPSHOTS.get(body["model"], body["model"])
        if model not in self.models:
            raise Refusal(404, f"The model `{model}` does not exist", "model_not_found", "model")
        job_id = f"ftjob-{secrets.token_hex(8)}"
        job = {
            "id": job_id, "object": "fine_tuning.job", "created_at": int(time.time()),
            "model": model, "organization_id": "org-acme", "status": self.path[0],
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            # Of other methods they are null, although the specification says that they never are.
            "hyperparameters": None if "dpo" in str(body.get("method")) else {"n_epochs": "auto"},
            "method": body.get("method"),
            "seed": body.get("seed", 42),
            "metadata": body.get("metadata") if self.keeps_metadata else None,
            "integrations": body.get("integrations") or [], "fine_tuned_model": None,
            "finished_at": None, "estimated_finish": None, "trained_tokens": None,
            "result_files": [], "error": {}, "user_provided_suffix": body.get("suffix"),
            "usage_metrics": None, "shared_with_openai": False, "looks": 0,
        }  # fmt: skip
        self.jobs[job_id] = job
        self.events[job_id] = []
        self.tell(job_id, "info", "Created fine-tuning job")
        return shown(job)

    def tell(
        self, job_id: str, level: str, message: str, data: Any = None, kind: str | None = None
    ) -> None:
        event = {"object": "fine_tuning.job.event", "id": f"ftevent-{secrets.token_hex(8)}"}
        event |= {"created_at": int(time.time()), "level": level, "message": message}
        event |= {"type": kind or ("metrics" if data else "message"), "data": data or {}}
        self.events[job_id].append(event)

    def get_job(self, job_id: str, *, move: bool = True) -> Any:
        if job_id not in self.jobs:
            raise Refusal(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        job = self.jobs[job_id]
        if move and job["status"] not in {"succeeded", "failed", "cancelled", "paused"}:
            job["looks"] = min(job["looks"] + 1, len(self.path) - 1)
            job["status"] = self.path[job["looks"]]
            self._moved(job)
        return shown(job)

    def _moved(self, job: dict[str, Any]) -> None:
        if job["status"] == "running":
            step = job["looks"] * 10
            data = {"step": step, "total_steps": 40, "train_loss": 2.0 / step, "valid_loss": None}
            self.tell(job["id"], "info", f"Step {step}/40", data)
        if job["status"] == "failed":
            job["error"] = self.job_error or {}
            job["finished_at"] = int(time.time())
        if job["status"] == "succeeded":
            job["finished_at"] = int(time.time())
            job["trained_tokens"] = 1234
            if self.results is not None:
                file = self.keep("step_metrics.csv", self.results, "fine-tune-results")
                job["result_files"] = [file["id"]]
            if self.tuned:
                suffix = job["user_provided_suffix"] or ""
                name = f"ft:{job['model']}:acme:{suffix}:{secrets.token_hex(4)}"
                job["fine_tuned_model"] = name
                for model in (name, f"{name}:ckpt-step-20"):
                    self.models[model] = _model(model, "org-acme", None, self.lists_late)

    def act(self, job_id: str, verb: str) -> Any:
        job = self.jobs.get(job_id)
        if job is None:
            raise Refusal(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        if job["status"] in {"succeeded", "failed", "cancelled"}:
            raise Refusal(400, f"Job {job_id} cannot be {verb}led: it has {job['status']}.")
        job["status"] = {"cancel": "cancelled", "pause": "paused", "resume": "queued"}[verb]
        return shown(job)

    def checkpoints(self, job_id: str) -> list[dict[str, Any]]:
        model = self.jobs[job_id]["fine_tuned_model"]
        name = f"{model}:ckpt-step-20"
        if model is None or name not in self.models:
            return []
        return [
            {
                "object": "fine_tuning.job.checkpoint", "id": "ftckpt_1", "created_at": 1,
                "fine_tuning_job_id": job_id, "fine_tuned_model_checkpoint": name,
                "step_number": 20, "metrics": {"step": 20.0},
            }
        ]  # fmt: skip

    # models

    def get_model(self, name: str) -> Any:
        model = self.models.get(name)
        if model is None or model["late"] > 0:
            if model is not None:
                model["late"] -= 1
            raise Refusal(404, f"The model `{name}` does not exist", "model_not_found", "model")
        return {k: v for k, v in model.items() if k != "late"}

    def delete_model(self, name: str) -> Any:
        self.get_model(name)
        if not name.startswith("ft:"):
            raise Refusal(403, "You have insufficient permissions for this operation.")
        del self.models[name]
        return {"id": name, "object": "model", "deleted": True}

    # chat

    def chat(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.get_model(body["model"])
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
        base["model"] = body["model"]
        for text in self.answer:
            delta = {"role": "assistant", "content": text}
            yield base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        last = {"annotations": self.annotations} if self.annotations else {}
        yield base | {"choices": [{"index": 0, "delta": last, "finish_reason": "stop"}]}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        if (body.get("stream_options") or {}).get("include_usage"):
            yield base | {"choices": [], "usage": usage}


def _model(name: str, owner: str, end: str | None, late: int = 0) -> dict[str, Any]:
    return {
        "id": name, "object": "model", "created": 1_700_000_000, "owned_by": owner,
        "shutdown_date": end, "late": late,
    }  # fmt: skip


def shown(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "looks"}
