"""The bytes of a file's content: unpacked, with its beginning seen before it is read.

Compression is told by content, never by name: gzip (RFC 1952) and Zstandard (RFC 8878), each also
in several members or frames. Nothing is held but one buffer, however large the content is.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from tunectl.data.datafile import DataFile

HEAD = 1 << 16
BUFFER = 1 << 20
_MAGIC = 4
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A skippable frame, with which parallel compressors begin: the first byte is 0x50 to 0x5f.
_SKIPPABLE = b"\x2a\x4d\x18"


class BrokenContentError(OSError):
    """Packed content that cannot be unpacked; the hint says what to do."""

    hint = "fetch the file or pack it again"


@contextmanager
def opened(file: DataFile) -> Iterator[tuple[bytes, BinaryIO]]:
    """Open a file's content: its first bytes, up to 64 KiB, and the whole of it.

    Raises:
        OSError: when it cannot be opened, or later when it cannot be read or unpacked.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(file.open())
        magic, stream = _peeked(stream, _MAGIC)
        if magic.startswith(_GZIP):
            unpacked = cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))
            stream = _guarded(
                stack.enter_context(unpacked), (EOFError, zlib.error, gzip.BadGzipFile)
            )
        elif magic == _ZSTD or (magic[1:] == _SKIPPABLE and magic[0] & 0xF0 == 0x50):
            unpacked, broken = _zstd(stream)
            stream = _guarded(stack.enter_context(unpacked), (EOFError, broken))
        yield _peeked(stream, HEAD)


def _zstd(stream: BinaryIO) -> tuple[BinaryIO, type[Exception]]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast("BinaryIO", zstd.ZstdFile(stream, "rb")), zstd.ZstdError


def _guarded(stream: BinaryIO, broken: tuple[type[Exception], ...]) -> BinaryIO:
    return io.BufferedReader(_Again(b"", stream, broken), BUFFER)


def _peeked(stream: BinaryIO, size: int) -> tuple[bytes, BinaryIO]:
    """The first bytes, and a stream that begins with them again."""
    head = stream.read(size)
    # A plain file goes back for nothing; what is unpacked or fetched would begin anew.
    raw = getattr(stream, "raw", None)
    if isinstance(raw, io.FileIO) and stream.seekable():
        stream.seek(0)
        return head, stream
    return head, io.BufferedReader(_Again(head, stream), BUFFER)


class _Again(io.RawIOBase):
    """Bytes that were read already, and then the rest of a stream.

    What the unpacker raises for broken content becomes an OSError.
    """

    def __init__(
        self, head: bytes, rest: BinaryIO, broken: tuple[type[Exception], ...] = ()
    ) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._rest = rest
        self._broken = broken

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; 0 at the end."""
        if self._head:
            taken = self._head[: len(buffer)]
            buffer[: len(taken)] = taken
            self._head = self._head[len(taken) :]
            return len(taken)
        try:
            content = self._rest.read(len(buffer))
        except self._broken as error:
            cut = isinstance(error, EOFError)
            raise BrokenContentError(
                "it is cut off: the packed content has no end"
                if cut
                else "its packed content is damaged"
            ) from error
        buffer[: len(content)] = content
        return len(content)
