"""AWS's event stream framing: what a streamed answer is sent in.

Frame: total length, length of the headers, CRC-32 of those eight bytes, headers, payload, CRC-32 of
everything before it; all big-endian (Smithy, "Amazon Event Stream specification", 2026-11). A
header is the length of its name, the name, type 7 (text), the length of the text, the text.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import orjson

_TEXT = 7


def event(kind: str, payload: Mapping[str, object]) -> bytes:
    """Return one event as a frame."""
    return _frame(
        {":event-type": kind, ":content-type": "application/json", ":message-type": "event"},
        orjson.dumps(payload),
    )


def failure(kind: str, message: str) -> bytes:
    """Return an error in the middle of a stream as a frame."""
    return _frame(
        {
            ":exception-type": kind,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        orjson.dumps({"message": message}),
    )


def _frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    said = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _TEXT, len(text.encode()))
        + text.encode()
        for name, text in headers.items()
    )  # fmt: skip
    prelude = struct.pack("!II", 16 + len(said) + len(payload), len(said))
    begun = prelude + struct.pack("!I", zlib.crc32(prelude)) + said + payload
    return begun + struct.pack("!I", zlib.crc32(begun))
