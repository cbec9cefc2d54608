"""The root folder of a local server: its paths, and writes that survive a crash.

A reader sees the old content or the new one, never a mixture; what was written with `durable` is
on the disk when the call returns. A torn last line of an append-only file, left by a killed
writer, is no line.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import orjson

_ALPHABET = string.ascii_letters + string.digits
_MAX_FILE_NAME = 200


def write_bytes(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Replace `path` by `data` in one step.

    Args:
        path: the file; its folder must exist.
        data: the whole new content.
        durable: also survive a power cut (fsync of the file and its folder).
        mode: permission bits of the new file.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, value: object, *, durable: bool = True) -> None:
    """Replace `path` by `value` as UTF-8 JSON in one step; raises `OSError` like `write_bytes`."""
    write_bytes(path, orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n", durable=durable)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in `path`; None when it is missing, torn by a crash or not an object."""
    try:
        value = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def append_line(path: Path, value: object, *, durable: bool = True) -> None:
    """Append `value` as one JSON line in one write, after closing a torn last line."""
    line = orjson.dumps(value) + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        os.write(descriptor, line)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of an append-only file, without lines that a crash has torn."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    found: list[dict[str, Any]] = []
    for line in raw.split(b"\n"):
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(line)
            if isinstance(value, dict):
                found.append(value)
    return found


def sync_folder(path: Path) -> None:
    """Make the names in `path` (new, renamed, removed) survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a folder by first renaming it away, so that no reader sees half of it."""
    doomed = path.with_name(f".{path.name}.{secrets.token_hex(4)}.gone")
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed)


def take_lock(path: Path, *, wait: float | None = 0.0) -> int | None:
    """Take an exclusive `flock` on `path` and return its descriptor; the kernel frees it on death.

    Args:
        path: the lock file, made when missing.
        wait: seconds to keep trying; None waits for ever.

    Returns:
        The descriptor to close when done, or None when another holder kept the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = None if wait is None else time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if deadline is None else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                os.close(descriptor)
                raise
            if deadline is None or time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


def is_locked(path: Path) -> bool:
    """Tell whether a live process holds the lock, by trying it for an instant."""
    if not path.exists():
        return False
    descriptor = take_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock `path` for a block, waiting for it as long as it takes."""
    descriptor = take_lock(path, wait=None)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def new_id(prefix: str, length: int = 24) -> str:
    """Return `prefix` and `length` random letters and digits, as OpenAI shapes its ids."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def file_name(name: str) -> str:
    """Return a name for a file that stands for `name`, whatever characters `name` has."""
    quoted = quote(name, safe=" ")
    if len(quoted) <= _MAX_FILE_NAME:
        return quoted
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass(frozen=True)
class Root:
    """The folder of one local server; `path` may not exist yet."""

    path: Path

    def prepare(self) -> Root:
        """Make the folders and the identity of this root; safe to repeat.

        Raises:
            OSError: the folder cannot be written or the disk is full.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.files, self.aliases, self.models, self.jobs, self.queue):
            folder.mkdir(exist_ok=True)
        with locked(self.path / ".prepare.lock"):
            if read_json(self.account_file) is None:
                write_json(self.account_file, {"id": f"local-{secrets.token_hex(6)}"})
            if not self.token_file.exists():
                write_bytes(self.token_file, secrets.token_hex(32).encode(), mode=0o600)
        return self

    def account(self) -> str:
        """Return the identity of this root, `local-` and 12 hexadecimal digits."""
        return str((read_json(self.account_file) or {}).get("id", "local-000000000000"))

    def token(self) -> str:
        """Return the bearer token that this root's server asks for."""
        return self.token_file.read_text(encoding="ascii").strip()

    def job_folders(self) -> list[Path]:
        """Return the folders of all jobs, in no order; one being made is not among them."""
        return [path for path in self.jobs.iterdir() if path.name.startswith("ftjob-")]

    def file_data(self, file_id: str) -> Path:
        """Return where the bytes of an uploaded file lie."""
        return self.files / f"{file_id}.jsonl"

    def file_meta(self, file_id: str) -> Path:
        """Return where the description of an uploaded file lies."""
        return self.files / f"{file_id}.json"

    def alias_file(self, name: str) -> Path:
        """Return where an alias lies, whatever characters its name has."""
        return self.aliases / f"{file_name(name)}.json"

    @property
    def account_file(self) -> Path:
        """The identity of this root."""
        return self.path / "account.json"

    @property
    def token_file(self) -> Path:
        """The bearer token, readable by its owner only."""
        return self.path / "token"

    @property
    def server_file(self) -> Path:
        """Where a listening server says how to reach it."""
        return self.path / "server.json"

    @property
    def server_lock(self) -> Path:
        """The lock that a server holds for life."""
        return self.path / "server.lock"

    @property
    def bases_file(self) -> Path:
        """Base models that were pulled or registered: name to {"sha256", "source"}."""
        return self.path / "bases.json"

    @property
    def retirements_file(self) -> Path:
        """Announced ends of models: name to date."""
        return self.path / "retirements.json"

    @property
    def slot_lock(self) -> Path:
        """The lock that makes one trainer at a time use this machine."""
        return self.jobs / "slot.lock"

    @property
    def files(self) -> Path:
        """Uploaded files and result files."""
        return self.path / "files"

    @property
    def aliases(self) -> Path:
        """Aliases, one file each."""
        return self.path / "aliases"

    @property
    def models(self) -> Path:
        """Imported base models."""
        return self.path / "models"

    @property
    def jobs(self) -> Path:
        """Job folders."""
        return self.path / "jobs"

    @property
    def queue(self) -> Path:
        """Tickets of the jobs that wait for the slot, first come first served."""
        return self.jobs / "queue"
