"""An object as a stream: fetched in ranges, so that what broke off is fetched again from there."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from tunectl.data.remote.objects import CHUNK


class Chunked(io.RawIOBase):
    """A stream over ranges of an object; holds one range at a time.

    Args:
        part: returns the bytes from the first to the last position, both included.
        size: of the object, in bytes.
    """

    def __init__(self, part: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._part = part
        self._size = size
        self._at = 0
        self._held = memoryview(b"")

    def open(self) -> BinaryIO:
        """Return it with a buffer."""
        return io.BufferedReader(self, 1 << 20)

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; 0 at the end.

        Raises:
            UnreachableError: the range cannot be fetched.
        """
        if not self._held and self._at < self._size:
            end = min(self._at + CHUNK, self._size) - 1
            content = self._part(self._at, end)
            if len(content) != end - self._at + 1:
                raise OSError(f"{len(content)} bytes came of {end - self._at + 1}")
            self._held = memoryview(content)
            self._at = end + 1
        taken = self._held[: len(buffer)]
        buffer[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)
