"""Copies of jobs between servers: what one gives out is a tar, and another makes a job of it.

The tar holds `job.json`, which says what was trained, then the finished adapter. A copy is a job of
its own, with its own id, model and metadata, that has succeeded: no rows and no checkpoints go with
it, and nothing is trained. It appears in one step, marked, or not at all.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from tunectl.server.files import MAX_BYTES
from tunectl.server.folder import new_id, sync_folder, write_bytes, write_json
from tunectl.server.jobs import JobFolder
from tunectl.server.models import Model
from tunectl.server.service import Service
from tunectl.server.wire import ApiError, Call, Reply, checked_metadata

FIELDS = frozenset({"request"})
_HEAD, _ADAPTER = "job.json", "adapter"
_DERIVED = ".gguf"  # made again from the adapter and the base where it is needed
_FORMAT = 1
_LONGEST_HEAD = 1024 * 1024
_KEPT = (
    "model", "trainer", "method", "hyperparameters", "seed", "suffix", "training_sha256",
    "validation_sha256",
)  # fmt: skip


def give_out(service: Service, call: Call) -> Reply:
    """GET /tunectl/jobs/{id}/export: a job that has succeeded, as a tar."""
    job = service.job(call.path["job_id"])
    status = service.reconciler.settle(job)
    if status["state"] != "succeeded" or not job.adapter.exists():
        raise ApiError(404, f"Job {job.id} has no model to copy.", "job_id", code="model_not_found")
    target = service.files.incoming()
    try:
        with tarfile.open(target, "w") as archive:
            files = dict(_files(job.adapter))
            _add(archive, _HEAD, orjson.dumps(_told(service, job, status, files)))
            for name, file in files.items():
                archive.add(file, name, filter=_plain)
    except FileNotFoundError:
        target.unlink(missing_ok=True)
        raise ApiError(
            404, f"Job {job.id} has no model to copy.", "job_id", code="model_not_found"
        ) from None
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return Reply(file=target, media_type="application/x-tar", discard=True)


def _files(adapter: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(adapter.rglob("*")):
        if file.is_file() and not file.name.startswith(".") and file.suffix != _DERIVED:
            yield f"{_ADAPTER}/{file.relative_to(adapter).as_posix()}", file


def _told(
    service: Service, job: JobFolder, status: Mapping[str, Any], files: Mapping[str, Path]
) -> dict[str, Any]:
    """Return what the head says: what was trained, and every file that follows with its hash."""
    recipe, meta = service.catalogue.recipe(job), job.meta()
    return {
        "format": _FORMAT,
        "account": service.root.account(),
        "job": job.id,
        "recipe": {key: recipe.get(key) for key in _KEPT},
        "base": {key: recipe["base"][key] for key in ("name", "sha256")},
        "requested": meta["requested"],
        "training_file": meta["training_file"],
        "validation_file": meta["validation_file"],
        "trained_tokens": status.get("trained_tokens"),
        "files": {name: _hashed(file) for name, file in files.items()},
    }


def _hashed(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def take_in(service: Service, fields: Mapping[str, str], archive: Path) -> dict[str, Any]:
    """POST /tunectl/jobs: make a job of what another server gave out.

    Args:
        service: the server.
        fields: `request`, a JSON object with `metadata`, and `model`, the base as it is called
            here.
        archive: the tar.

    Raises:
        ApiError: 400, for what is no such tar, or whose base is another one here.
        OSError: the disk is full.
    """
    body = Call(raw=fields.get("request", "{}").encode()).body(frozenset({"metadata", "model"}))
    metadata = checked_metadata(body.get("metadata"))
    try:
        with tarfile.open(archive, "r:") as source:
            head = _head(source)
            base = _base(service, head, body.get("model"))
            return service.shown(_made(service, source, head, base, metadata))
    except (tarfile.TarError, UnicodeDecodeError, EOFError) as error:
        raise ApiError(400, f"This is no copy of a job: {error}", "file") from error


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owned a file and when it was made: none of the other server's business."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode, member.mtime = 0o644, 0
    return member


def _head(source: tarfile.TarFile) -> dict[str, Any]:
    first = source.next()
    content = source.extractfile(first) if first is not None and first.isreg() else None
    if first is None or first.name != _HEAD or first.size > _LONGEST_HEAD or content is None:
        raise ApiError(400, f"This is no copy of a job: it does not begin with '{_HEAD}'.", "file")
    try:
        head = orjson.loads(content.read())
        known = head["format"] == _FORMAT and head["recipe"].keys() >= set(_KEPT)
        known = known and isinstance(head["base"]["sha256"], str)
        known = known and isinstance(head["files"], dict)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise ApiError(400, f"This copy of a job is not understood: see its '{_HEAD}'.", "file")
    return dict(head)


def _base(service: Service, head: Mapping[str, Any], name: object) -> dict[str, Any]:
    """Return the base as this server has it; it must be the very same."""
    there = head["base"]
    if head["recipe"]["trainer"] == "simulated":
        return {"name": there["name"], "sha256": there["sha256"], "path": None}
    model: Model = service.catalogue.trainable(str(name or there["name"]))
    told = there["sha256"]
    if told and (model.base is None or model.base.sha256 != told):
        raise ApiError(
            400,
            f"The base model '{model.id}' is another one here than the copy was trained from: "
            f"{told[:12]} is wanted.",
            "model",
            code="base_model_mismatch",
        )
    if model.base is None:
        raise ApiError(
            400, f"The model '{model.id}' has no weights here.", "model", code="model_not_available"
        )
    return {"name": model.base.name, "sha256": model.base.sha256, "path": str(model.base.path)}


def _made(
    service: Service,
    source: tarfile.TarFile,
    head: Mapping[str, Any],
    base: dict[str, Any],
    metadata: dict[str, str] | None,
) -> JobFolder:
    """Build the folder aside and let it appear in one step."""
    now = time.time_ns()
    recipe = _recipe(head, base, now)
    meta = {
        "metadata": metadata,
        "requested": head["requested"],
        "suffix": recipe["suffix"],
        "training_file": head["training_file"],
        "validation_file": head["validation_file"],
        "finalised": True,
    }
    jobs = service.root.jobs
    staging, final = jobs / f".new-{recipe['id']}", jobs / str(recipe["id"])
    staging.mkdir()
    try:
        job = JobFolder(staging)
        _unpack(source, job.adapter, head["files"])
        if not head["base"]["sha256"]:
            _check_fit(job.adapter, Path(base["path"]))
        write_json(staging / "job.json", recipe)
        write_json(staging / "meta.json", meta)
        job.event(f"Copied from job {head['job']} of {head['account']}")
        job.write_status(
            state="succeeded",
            started_at=now // 10**9,
            finished_at=now // 10**9,
            trained_tokens=head.get("trained_tokens"),
            error=None,
        )
        sync_folder(staging)
        staging.rename(final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_folder(jobs)
    return JobFolder(final)


def _check_fit(adapter: Path, base: Path) -> None:
    """Refuse an adapter of an untold base that does not fit the one it is said to be of."""
    from tunectl.server.adapter import UnsupportedAdapterError, check_fit

    try:
        check_fit(adapter, base)
    except UnsupportedAdapterError as error:
        raise ApiError(400, f"{str(error)[:300]}", "file", code="adapter_not_usable") from error


def _recipe(head: Mapping[str, Any], base: dict[str, Any], now: int) -> dict[str, Any]:
    from tunectl.server.api_jobs import tuned_name

    kept = {key: head["recipe"][key] for key in _KEPT}
    return {
        "id": new_id("ftjob-"),
        "created_at": now // 10**9,
        "created_ns": now,
        **kept,
        "base": base,
        "fine_tuned_model": tuned_name(str(kept["model"]), kept["suffix"]),
        "copied_from": {"account": head["account"], "job": head["job"]},
    }


def _unpack(source: tarfile.TarFile, target: Path, files: Mapping[str, str]) -> None:
    """Write the adapter's files: those that the head names, all of them, byte for byte."""
    target.mkdir()
    left, written = MAX_BYTES, set()
    for member in source:
        if member.name == _HEAD:
            continue
        path = PurePosixPath(member.name)
        inside = path.parts[:1] == (_ADAPTER,) and len(path.parts) > 1 and ".." not in path.parts
        content = source.extractfile(member) if member.isreg() and inside else None
        left -= member.size
        if content is None or left < 0 or member.name not in files:
            raise ApiError(400, f"'{member.name[:80]}' is not part of a copy of a job.", "file")
        data = content.read()
        if hashlib.sha256(data).hexdigest() != files[member.name]:
            raise ApiError(400, f"'{member.name[:80]}' is cut off or damaged.", "file")
        place = target.joinpath(*path.parts[1:])
        place.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(place, data)
        written.add(member.name)
    if not written or written != files.keys():
        raise ApiError(400, "This copy of a job does not hold the whole adapter.", "file")
