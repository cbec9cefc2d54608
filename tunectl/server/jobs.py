"""One fine-tuning job as a folder: what its trainer writes and everybody else reads.

Only the holder of the job's lock writes `status.json`, events of training, checkpoints and the
adapter. The server writes `meta.json`, under the reconcile lock. Control files (`cancel`, `pause`)
may be made by anyone at any time; a trainer looks for them before each step.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.server.folder import (
    Root,
    append_line,
    is_locked,
    new_id,
    read_json,
    read_lines,
    remove_tree,
    sync_folder,
    write_json,
)

EXIT_SUCCEEDED = 0
EXIT_CANCELLED = 3
EXIT_PAUSED = 4
EXIT_FAILED = 5

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})


class NoSuchJobError(Exception):
    """The folder holds no job: it was never made, or its recipe is gone."""


@dataclass(frozen=True)
class JobFolder:
    """The folder `jobs/<id>/`."""

    path: Path

    @property
    def id(self) -> str:
        """The id of the job, `ftjob-` and 24 letters and digits."""
        return self.path.name

    @property
    def root(self) -> Root:
        """The server's root folder, which holds this job."""
        return Root(self.path.parent.parent)

    @property
    def lock(self) -> Path:
        """Held for life by the runner and then the trainer: the only proof of life."""
        return self.path / "lock"

    @property
    def reconcile_lock(self) -> Path:
        """Held while somebody settles what became of the job, so that one attempt counts once."""
        return self.path / "reconcile.lock"

    @property
    def log(self) -> Path:
        """Standard output and error of runner and trainer."""
        return self.path / "log"

    @property
    def adapter(self) -> Path:
        """The finished adapter; it exists only when it is complete."""
        return self.path / "adapter"

    @property
    def training(self) -> Path:
        """The training rows."""
        return self.path / "train.jsonl"

    @property
    def validation(self) -> Path:
        """The validation rows; the file is missing when the job has none."""
        return self.path / "validation.jsonl"

    def recipe(self) -> dict[str, Any]:
        """Return the immutable recipe.

        Raises:
            NoSuchJobError: there is no such job.
        """
        recipe = read_json(self.path / "job.json")
        if recipe is None:
            raise NoSuchJobError(self.id)
        return recipe

    def meta(self) -> dict[str, Any]:
        """Return what the server notes about the job: attempts, metadata, file ids."""
        return read_json(self.path / "meta.json") or {}

    def update_meta(self, **changes: object) -> dict[str, Any]:
        """Change some of the server's notes; the caller holds the reconcile lock."""
        meta = {**self.meta(), **changes}
        write_json(self.path / "meta.json", meta)
        return meta

    def status(self) -> dict[str, Any]:
        """Return the last claim about the job; after a power cut it may be an old one."""
        return {"state": "validating_files", **(read_json(self.path / "status.json") or {})}

    def write_status(self, **changes: object) -> dict[str, Any]:
        """Change the claim and renew its heartbeat; the caller holds the job's lock.

        A change of `state` is made durable, mere progress is not: a step is too short to wait for
        the disk, and progress is told again after a resume.
        """
        before = self.status()
        status = {**before, **changes, "heartbeat": time.time()}
        write_json(
            self.path / "status.json", status, durable=status["state"] != before.get("state")
        )
        return status

    def finish(self, state: str, *, error: dict[str, Any] | None = None) -> None:
        """Claim the terminal `state`, with {"code","message","param"} where it is `failed`."""
        self.write_status(state=state, error=error, finished_at=int(time.time()), seconds_left=None)

    def event(
        self,
        message: str,
        *,
        level: str = "info",
        type: str = "message",  # noqa: A002 -- the wire's own name
        data: dict[str, Any] | None = None,
    ) -> None:
        """Append an event as OpenAI words it; `level` is info, warn or error.

        A step's metrics are of type `metrics` and carry {"step", "train_loss", ...} as `data`.
        """
        line = {
            "id": new_id("ftevent-"),
            "created_at": int(time.time()),
            "level": level,
            "type": type,
            "message": message,
            "data": data or {},
        }
        append_line(self.path / "events.jsonl", line, durable=type == "message")

    def events(self) -> list[dict[str, Any]]:
        """Return the events, oldest first; of a step that ran twice only the last is left."""
        lines = read_lines(self.path / "events.jsonl")
        last = {_step(line): at for at, line in enumerate(lines) if _step(line) is not None}
        return [
            line for at, line in enumerate(lines) if _step(line) is None or last[_step(line)] == at
        ]

    def alive(self) -> bool:
        """Tell whether a runner or trainer holds the job's lock."""
        return is_locked(self.lock)

    def wants_cancel(self) -> bool:
        """Tell whether somebody asked to cancel the job."""
        return (self.path / "cancel").exists()

    def wants_pause(self) -> bool:
        """Tell whether the job shall stand still until it is resumed."""
        return (self.path / "pause").exists()

    def ask(self, what: str) -> None:
        """Ask for `cancel` or `pause`; the trainer sees it before its next step."""
        (self.path / what).touch()
        sync_folder(self.path)

    def withdraw(self, what: str) -> None:
        """Take back what was asked for."""
        (self.path / what).unlink(missing_ok=True)

    def checkpoints(self) -> list[tuple[int, Path]]:
        """Return (step, folder) of the complete checkpoints, oldest first."""
        found = []
        for path in self.path.glob("checkpoint-*"):
            step = path.name.removeprefix("checkpoint-")
            if step.isdigit() and (path / "ok").exists():
                found.append((int(step), path))
        return sorted(found)

    def begin_checkpoint(self, step: int) -> Path:
        """Return an empty folder for the checkpoint of `step`; it counts only once it is sealed."""
        path = self.path / f"checkpoint-{step}"
        (path / "ok").unlink(missing_ok=True)
        if path.exists():
            shutil.rmtree(path)
        path.mkdir()
        return path

    def seal_checkpoint(self, path: Path, *, keep: int) -> None:
        """Make the checkpoint in `path` count, then drop all but the last `keep`."""
        for file in path.rglob("*"):
            if file.is_file():
                _sync_file(file)
        (path / "ok").touch()
        sync_folder(path)
        sync_folder(self.path)
        for _, old in self.checkpoints()[:-keep]:
            (old / "ok").unlink()
            shutil.rmtree(old)

    def publish_adapter(self, built: Path) -> None:
        """Make the folder `built`, inside this job, the finished adapter in one step."""
        for file in built.rglob("*"):
            if file.is_file():
                _sync_file(file)
        if self.adapter.exists():
            remove_tree(self.adapter)
        built.rename(self.adapter)
        sync_folder(self.path)

    def log_tail(self, characters: int = 2000) -> str:
        """Return the end of the log, for the message of a job that failed."""
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_text(encoding="utf-8", errors="replace")[-characters:].strip()
        return ""


def create_job(
    root: Root,
    recipe: dict[str, Any],
    meta: dict[str, Any],
    training: Path,
    validation: Path | None,
) -> JobFolder:
    """Make the folder of a new job in one step; it holds the rows themselves, so files may go.

    Args:
        root: the server's folder, prepared.
        recipe: the content of `job.json`, with its `id`.
        meta: the first content of `meta.json`.
        training: the uploaded training file.
        validation: the uploaded validation file, if any.

    Raises:
        OSError: the disk is full, or a file has just been deleted.
    """
    staging = root.jobs / f".new-{recipe['id']}"
    staging.mkdir()
    try:
        job = JobFolder(staging)
        _share(training, job.training)
        if validation is not None:
            _share(validation, job.validation)
        write_json(staging / "job.json", recipe)
        write_json(staging / "meta.json", meta)
        job.event(f"Created fine-tuning job: {recipe['id']}")
        job.write_status(state="validating_files", step=0, error=None)
        final = root.jobs / str(recipe["id"])
        staging.rename(final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_folder(root.jobs)
    return JobFolder(final)


def _share(source: Path, target: Path) -> None:
    """Give the job the same bytes: a hard link, or a copy where the disk knows no links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
        _sync_file(target)


def _step(line: dict[str, Any]) -> int | None:
    data = line.get("data")
    if line.get("type") != "metrics" or not isinstance(data, dict):
        return None
    step = data.get("step")
    return step if isinstance(step, int) else None


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
