"""Uploaded files and result files: bytes, what is known about them, and their end."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunectl.server.folder import Root, new_id, read_json, sync_folder, write_json
from tunectl.server.wire import ApiError

PURPOSES = ("fine-tune", "assistants", "batch", "vision", "user_data")
MAX_BYTES = 512 * 1024 * 1024  # OpenAI's limit of one upload, API reference 2026-08
_ID = re.compile(r"file-[A-Za-z0-9]+")


@dataclass
class FileStore:
    """The files of one root. A file exists as soon as, and as long as, its description does.

    Args:
        root: the server's folder.
        processing: seconds in which a new file is shown as not ready.
    """

    root: Root
    processing: float = 0.0
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def incoming(self) -> Path:
        """Return a new path for bytes that are still arriving; `sweep` removes forgotten ones."""
        return self.root.files / f".incoming-{secrets.token_hex(8)}"

    def keep(
        self,
        incoming: Path,
        *,
        filename: str,
        purpose: str,
        sha256: str,
        rows: int | None = None,
        expires_after: int | None = None,
        file_id: str | None = None,
    ) -> dict[str, Any]:
        """Make the bytes in `incoming` a file and return its description.

        Args:
            incoming: a path from `incoming()`, complete; it is moved.
            filename: as the client named it.
            purpose: one of `PURPOSES`, or `fine-tune-results`.
            sha256: of the bytes, hexadecimal.
            rows: the examples in it, where they were counted.
            expires_after: seconds until the file deletes itself.
            file_id: an id chosen beforehand, where the same file may be made twice.

        Raises:
            OSError: the disk is full.
        """
        now = time.time_ns()
        file_id = file_id or new_id("file-")
        meta = {
            "id": file_id,
            "bytes": incoming.stat().st_size,
            "created_at": now // 10**9,
            "created_ns": now,
            "filename": filename,
            "purpose": purpose,
            "sha256": sha256,
            "rows": rows,
            "expires_at": None if expires_after is None else now // 10**9 + expires_after,
        }
        _sync(incoming)
        incoming.replace(self.root.file_data(file_id))
        write_json(self.root.file_meta(file_id), meta)
        return meta

    def get(self, file_id: str, param: str = "id") -> dict[str, Any]:
        """Return the description of a file.

        Raises:
            ApiError: 404, when there is none or it has expired.
        """
        meta = read_json(self.root.file_meta(file_id)) if _ID.fullmatch(file_id) else None
        if meta is None or _expired(meta, time.time()):
            raise ApiError(404, f"No such File object: {file_id}", param)
        return meta

    def all(self) -> list[dict[str, Any]]:
        """Return the descriptions of all files, oldest first."""
        now = time.time()
        found = (read_json(path) for path in self.root.files.glob("file-*.json"))
        kept = [meta for meta in found if meta is not None and not _expired(meta, now)]
        return sorted(kept, key=lambda meta: (meta["created_ns"], meta["id"]))

    def shown(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Return a file as the wire shows it."""
        ready = time.time_ns() - meta["created_ns"] >= self.processing * 10**9
        return shown(meta) | ({} if ready else {"status": "uploaded"})

    def delete(self, file_id: str) -> None:
        """Delete a file; jobs made from it keep their rows. Raises `ApiError` (404) like `get`."""
        with self._mutex:
            self.get(file_id)
            self._remove(file_id)

    def sweep(self, now: float) -> None:
        """Remove what has expired, and uploads that were cut off more than a day ago."""
        for path in self.root.files.glob("file-*.json"):
            meta = read_json(path)
            if meta is not None and _expired(meta, now):
                with self._mutex:
                    self._remove(str(meta["id"]))
        for path in self.root.files.glob(".incoming-*"):
            if now - path.stat().st_mtime > 86_400:
                path.unlink(missing_ok=True)

    def _remove(self, file_id: str) -> None:
        # The description goes first: without it the bytes are no file.
        self.root.file_meta(file_id).unlink(missing_ok=True)
        self.root.file_data(file_id).unlink(missing_ok=True)
        sync_folder(self.root.files)


def shown(meta: dict[str, Any]) -> dict[str, Any]:
    """Return a file as the wire shows it; `sha256` is our addition."""
    value = {
        "id": meta["id"],
        "object": "file",
        "bytes": meta["bytes"],
        "created_at": meta["created_at"],
        "filename": meta["filename"],
        "purpose": meta["purpose"],
        "status": "processed",
        "sha256": meta["sha256"],
    }
    if meta.get("expires_at") is not None:
        value["expires_at"] = meta["expires_at"]
    return value


def _expired(meta: dict[str, Any], now: float) -> bool:
    end = meta.get("expires_at")
    return end is not None and end <= now


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
