"""Standard input and the pipes of the shell: kept on disk, because a dataset is read twice."""

from __future__ import annotations

import io
import os
import sys
from typing import BinaryIO

STDIN = "-"
NAME = "<stdin>"


class Spooled:
    """All that a pipe gives, on disk for as long as this object lives, and never longer."""

    def __init__(self, path: str = STDIN) -> None:
        """Read standard input, or a pipe that the shell opened, to its end.

        Raises:
            OSError: it cannot be read, or the disk is full.
        """
        import shutil  # with all that packs and unpacks; few read from a pipe
        import tempfile
        import weakref

        with tempfile.TemporaryFile() as kept:
            if path == STDIN:
                shutil.copyfileobj(sys.stdin.buffer, kept, 1 << 20)
            else:
                with open(path, "rb") as stream:
                    shutil.copyfileobj(stream, kept, 1 << 20)
            kept.flush()
            self.size = kept.tell()
            self._number = os.dup(kept.fileno())
        weakref.finalize(self, os.close, self._number)

    def open(self) -> BinaryIO:
        """Open it at its beginning; each reader has a place of its own."""
        return io.BufferedReader(_Place(self), 1 << 20)

    def read_at(self, buffer: bytearray | memoryview, position: int) -> int:
        """Fill a buffer from a position; return how many bytes that were."""
        return os.preadv(self._number, [buffer], position)


class _Place(io.RawIOBase):
    def __init__(self, kept: Spooled) -> None:
        super().__init__()
        self._kept = kept
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        taken = self._kept.read_at(buffer, self._at)
        self._at += taken
        return taken
