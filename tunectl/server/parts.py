"""`/uploads`: a large file in parts, which is a file only when they are put together.

OpenAI's API reference (2026-08): 64 MB a part, 8 GB in all, the bytes must be what was announced,
the MD5 is compared where it is told, and what is not completed within an hour is dropped.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path
from typing import Any

from tunectl.server.folder import locked, new_id, read_json, write_json
from tunectl.server.service import Service
from tunectl.server.upload import Form, checked_purpose, keep_file
from tunectl.server.wire import ApiError, Call, Reply

PART_BYTES = 64 * 1024 * 1024
_MOST = 8 * 1024**3
_LIFE = 3600
_ID = re.compile(r"upload_[A-Za-z0-9]+")
_CREATE = frozenset({"bytes", "filename", "mime_type", "purpose"})
_PIECE = 1024 * 1024


def begin(service: Service, call: Call) -> Reply:
    """POST /uploads {bytes, filename, mime_type, purpose}."""
    body = call.body(_CREATE)
    purpose, size = checked_purpose(body.get("purpose")), body.get("bytes")
    for key in ("filename", "mime_type"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise ApiError(400, f"Missing required parameter: '{key}'.", key)
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= _MOST:
        raise ApiError(400, f"'bytes' must be an integer from 1 to {_MOST}.", "bytes")
    _sweep(service)
    upload_id, now = new_id("upload_"), int(time.time())
    folder = _folder(service, upload_id)
    folder.mkdir()
    meta = {
        "id": upload_id,
        "object": "upload",
        "bytes": size,
        "created_at": now,
        "expires_at": now + _LIFE,
        "filename": body["filename"],
        "purpose": purpose,
        "status": "pending",
        "file": None,
    }
    write_json(folder / "upload.json", meta)
    return Reply(meta)


def add(service: Service, upload_id: str, form: Form, arrived: Path) -> dict[str, Any]:
    """POST /uploads/{id}/parts: keep a part that has arrived."""
    if form.filename is None:
        raise ApiError(400, "'data' is a required property", "data")
    pending(service, upload_id)
    part_id = new_id("part_")
    arrived.replace(_folder(service, upload_id) / part_id)
    now = int(time.time())
    return {"id": part_id, "object": "upload.part", "created_at": now, "upload_id": upload_id}


def complete(service: Service, call: Call) -> Reply:
    """POST /uploads/{id}/complete {part_ids, md5?}."""
    body, upload_id = call.body(frozenset({"part_ids", "md5"})), call.path["upload_id"]
    ids = body.get("part_ids")
    if not isinstance(ids, list) or not ids:
        raise ApiError(400, "Missing required parameter: 'part_ids'.", "part_ids")
    folder = _folder(service, upload_id)
    pending(service, upload_id)
    with locked(folder / ".lock"):
        meta = pending(service, upload_id)
        whole = service.files.incoming()
        try:
            sha256, md5 = _joined([_part(folder, one) for one in ids], whole)
            if whole.stat().st_size != meta["bytes"]:
                size = whole.stat().st_size
                text = f"The parts have {size} bytes; {meta['bytes']} were announced."
                raise ApiError(400, text, "bytes")
            if body.get("md5") not in {None, md5}:
                raise ApiError(400, "The MD5 checksum does not match.", "md5")
            file = keep_file(
                service.files,
                whole,
                filename=meta["filename"],
                purpose=meta["purpose"],
                sha256=sha256,
            )
        finally:
            whole.unlink(missing_ok=True)
        return Reply(_ended(folder, meta, status="completed", file=file))


def cancel(service: Service, call: Call) -> Reply:
    """POST /uploads/{id}/cancel."""
    meta = pending(service, call.path["upload_id"])
    return Reply(_ended(_folder(service, str(meta["id"])), meta, status="cancelled"))


def pending(service: Service, upload_id: str) -> dict[str, Any]:
    """Return an upload that still takes parts.

    Raises:
        ApiError: 404 when there is none, 400 when it is over.
    """
    known = _ID.fullmatch(upload_id) is not None
    meta = read_json(_folder(service, upload_id) / "upload.json") if known else None
    if meta is None:
        raise ApiError(404, f"No such Upload object: {upload_id}", "upload_id")
    if meta["status"] == "pending" and meta["expires_at"] <= time.time():
        meta["status"] = "expired"
    if meta["status"] != "pending":
        raise ApiError(400, f"Upload {upload_id} is {meta['status']}.", "upload_id")
    return meta


def _folder(service: Service, upload_id: str) -> Path:
    return service.root.files / f".{upload_id}"


def _part(folder: Path, part_id: object) -> Path:
    path = folder / str(part_id)
    if not re.fullmatch(r"part_[A-Za-z0-9]+", str(part_id)) or not path.is_file():
        raise ApiError(400, f"No such part: {part_id}", "part_ids")
    return path


def _joined(parts: list[Path], whole: Path) -> tuple[str, str]:
    """Write the parts one after the other; return SHA-256 and MD5 of the whole."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with whole.open("wb") as target:
        for path in parts:
            with path.open("rb") as source:
                while piece := source.read(_PIECE):
                    sha256.update(piece)
                    md5.update(piece)
                    target.write(piece)
    return sha256.hexdigest(), md5.hexdigest()


def _ended(folder: Path, meta: dict[str, Any], **changes: object) -> dict[str, Any]:
    meta = {**meta, **changes}
    write_json(folder / "upload.json", meta)
    for path in folder.glob("part_*"):
        path.unlink()
    return meta


def _sweep(service: Service) -> None:
    """Remove what was begun long ago, whatever became of it."""
    for folder in service.root.files.glob(".upload_*"):
        meta = read_json(folder / "upload.json")
        if meta is None or meta["expires_at"] + _LIFE < time.time():
            shutil.rmtree(folder, ignore_errors=True)
