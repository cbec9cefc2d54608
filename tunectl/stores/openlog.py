"""A log file that stays open from one append to the next.

Law: lines are durable before the append returns, and follow whole lines only, whoever wrote last.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class OpenLog:
    """One log of a folder, with the file whose lock makes an append one step for all processes."""

    def __init__(self, path: Path, swap: Path) -> None:
        """Open both; the log is made with the first append.

        Raises:
            OSError: the folder cannot be written.
        """
        self._path = path
        self._log: int | None = None
        self._size = -1  # as we left it; anything else is looked at
        path.parent.mkdir(parents=True, exist_ok=True)
        self._swap = os.open(swap, os.O_RDWR | os.O_CREAT, 0o644)

    @property
    def gone(self) -> bool:
        """Whether somebody removed the file: what is written to it would be lost."""
        return self._log is not None and not os.fstat(self._log).st_nlink

    def append(self, data: bytes) -> None:
        """Append whole lines durably.

        Raises:
            OSError: they could not be written; close it then.
        """
        fcntl.flock(self._swap, fcntl.LOCK_EX)
        try:
            new = self._log is None and not self._path.exists()
            if self._log is None:
                self._log = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._log).st_size
            if size != self._size:
                size = _without_torn_line(self._log, size)
            write_all(self._log, data)
            os.fdatasync(self._log)
            self._size = size + len(data)
            if new:
                sync_folder(self._path.parent)
        finally:
            fcntl.flock(self._swap, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both files."""
        if self._log is not None:
            os.close(self._log)
        os.close(self._swap)
        self._log = None


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Make durable which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _without_torn_line(descriptor: int, end: int) -> int:
    """Cut what a killed writer left unfinished: it was never acknowledged, and would spoil ours.

    Returns:
        the size that is left, in bytes.
    """
    position = end
    while position:
        start = max(0, position - 4096)
        newline = os.pread(descriptor, position - start, start).rfind(b"\n")
        position = start + newline + 1 if newline >= 0 else start
        if newline >= 0:
            break
    if position != end:
        os.ftruncate(descriptor, position)
    return position
