"""A folder as a store: temporary file, fsync, rename, fsync of the folder; ten generations kept."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Blob, Holder, Lease
from tunectl.stores.generations import KEPT
from tunectl.stores.holders import held, lost, not_the_holder, parsed, who
from tunectl.stores.openlog import OpenLog, sync_folder, write_all

_POLL = 0.02  # seconds between attempts to take a held lock
_NAMELESS = 50  # attempts more, where a lock was held for a moment only, by one who looked


@dataclass(frozen=True, slots=True)
class _FileLease:
    """A lock file held with flock: the kernel frees it whatever way the process ends."""

    holder: Holder
    file: tuple[int, int]  # inode and device of what is held
    path: str

    def check(self) -> None:
        """Raise `LockError` when the lock file was replaced or removed.

        Raises:
            LockError: another process may hold the lock now.
        """
        try:
            here = os.stat(self.path)
        except FileNotFoundError:
            here = None
        if here is None or (here.st_ino, here.st_dev) != self.file:
            raise lost(os.path.basename(self.path).removesuffix(".lock"))


class FileStore:
    """State in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._guard = threading.Lock()  # of the open logs
        self._logs: dict[str, OpenLog] = {}

    def read(self, name: str) -> Blob | None:
        """Return the content, None when it does not exist.

        Raises:
            StateError: it exists and cannot be read.
        """
        try:
            content = (self.root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(name, error) from error
        return Blob(content, _generation(content))

    def write(self, name: str, content: bytes, *, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            StaleError: when it is not.
            StateError: the folder cannot be written, or the disk is full.
        """
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._exclusive(name):
                there = self.read(name)
                if (there.generation if there else None) != expected:
                    raise StaleError.of(
                        f"state `{name}` was changed by someone else meanwhile",
                        hint="run `tunectl plan` again",
                    )
                if there is not None:
                    self._keep(path, there.generation)
                _replace(path, content)
        except OSError as error:
            raise self._unusable(name, error) from error
        return _generation(content)

    def append(self, name: str, lines: Sequence[bytes]) -> None:
        """Append lines durably.

        Raises:
            StateError: the folder cannot be written, or the disk is full.
        """
        data = b"".join([line + b"\n" for line in lines])
        with self._guard:
            try:
                self._log(name).append(data)
            except OSError as error:
                self._close(name)
                raise self._unusable(name, error) from error

    def _log(self, name: str) -> OpenLog:
        log = self._logs.get(name)
        if log is None or log.gone:
            self._close(name)
            log = self._logs[name] = OpenLog(self.root / name, self._swap(name))
        return log

    def _close(self, name: str) -> None:
        log = self._logs.pop(name, None)
        if log is not None:
            log.close()

    def entries(self, name: str) -> Iterator[bytes]:
        """Yield the complete lines of a log."""
        blob = self.read(name)
        if blob is None:
            return
        *lines, _torn = blob.content.split(b"\n")
        yield from lines

    def list(self, prefix: str) -> list[str]:
        """Return the names that begin so, sorted; locks and what is hidden are the folder's own."""
        if not self.root.is_dir():
            return []
        paths = (p.relative_to(self.root) for p in self.root.rglob("*") if p.is_file())
        own = (str(p) for p in paths if p.suffix != ".lock" and not p.name.startswith("."))
        return sorted(name for name in own if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove it; missing is fine.

        Raises:
            StateError: the folder cannot be written.
        """
        path = self.root / name
        with self._guard:
            self._close(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)
        except OSError as error:
            raise self._unusable(name, error) from error

    def lock(
        self, name: str, operation: str, *, timeout: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Hold the lock for the life of the context.

        Raises:
            LockError: naming the holder, when it is held for longer than `timeout` seconds.
            StateError: the folder cannot be written.
        """
        return self._lock(name, operation, timeout)

    @contextlib.contextmanager
    def _lock(self, name: str, operation: str, timeout: float) -> Iterator[Lease]:
        path = self.root / f"{name}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = self._take(path, name, timeout)
        except OSError as error:
            raise self._unusable(path.name, error) from error
        holder = who(operation)
        try:
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, orjson.dumps(asdict(holder)), 0)
            except OSError as error:
                raise self._unusable(path.name, error) from error
            mine = os.fstat(descriptor)
            yield _FileLease(holder, (mine.st_ino, mine.st_dev), str(path))
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def _take(self, path: Path, name: str, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        nameless = 0
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                if time.monotonic() >= deadline:
                    holder = self.holder(name)
                    nameless += 1
                    if holder is not None or nameless > _NAMELESS:
                        raise held(holder) from None
                time.sleep(_POLL)
                continue
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
            os.close(descriptor)

    def holder(self, name: str) -> Holder | None:
        """Return who holds the lock now, None when it is free."""
        path = self.root / f"{name}.lock"
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return parsed(os.pread(descriptor, 1 << 20, 0))
        else:
            return None
        finally:
            os.close(descriptor)

    def break_lock(self, name: str, lock_id: str) -> None:
        """Remove a lock by its id.

        Raises:
            LockError: when the id is not the holder's.
        """
        holder = self.holder(name)
        if holder is None or holder.id != lock_id:
            raise not_the_holder(lock_id, holder)
        (self.root / f"{name}.lock").unlink(missing_ok=True)

    def _keep(self, path: Path, generation: str) -> None:
        folder = path.parent / "history"
        folder.mkdir(exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        with contextlib.suppress(FileExistsError):
            os.link(path, folder / f"{path.name}.{stamp}.{generation[:8]}")
        for old in sorted(folder.glob(f"{path.name}.*"))[:-KEPT]:
            old.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        """Make compare and swap one step for all processes of this machine."""
        descriptor = os.open(self._swap(name), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _swap(self, name: str) -> Path:
        return self.root / f".{name.replace('/', '-')}.swap"

    def _unusable(self, name: str, error: OSError) -> StateError:
        return StateError.of(
            f"cannot use state `{self.root / name}`: {(error.strerror or str(error)).lower()}",
            hint=_HINTS.get(type(error), "check the folder, its permissions and the free space"),
            code="state-unusable",
        )


_HINTS: dict[type[OSError], str] = {
    PermissionError: "make the folder writable for you, or set another `state:` address",
    NotADirectoryError: "the `state:` address names a file; it must be a folder",
    FileExistsError: "the `state:` address names a file; it must be a folder",
}


def _generation(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
