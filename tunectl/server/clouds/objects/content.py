"""Bytes on their way: ranges, checksums, and the framings that SDKs wrap uploads in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache

from tunectl.server.clouds.objects.buckets import Refused, span
from tunectl.server.clouds.wire import Answered, Asked

_CASTAGNOLI = 0x82F63B78  # RFC 3720 appendix B.4, bits reversed


def ranged(asked: Asked, content: bytes, headers: Mapping[str, str]) -> Answered:
    """Answer with the bytes that `Range` names, with all of them where there is none.

    Raises:
        Refused: nothing of the range is there.
    """
    part = span(asked, len(content))
    if part is None:
        return Answered(200, content, headers)
    first, last = part
    place = f"bytes {first}-{last}/{len(content)}"
    return Answered(206, content[first : last + 1], {**headers, "Content-Range": place})


def crc32c(content: bytes) -> str:
    """Return the CRC-32C in big-endian Base64, as Cloud Storage shows it."""
    try:
        import google_crc32c  # comes with google-cloud-storage; in C
    except ImportError:
        return base64.b64encode(_crc32c(content).to_bytes(4, "big")).decode()
    checksum: int = google_crc32c.value(content)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()


@cache
def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)  # noqa: PLW2901
        rows.append(value)
    return tuple(rows)


def _crc32c(content: bytes) -> int:
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def related(asked: Asked) -> tuple[bytes, bytes]:
    """Split multipart/related in two without touching the bytes of the second part.

    Raises:
        Refused: it is something else.
    """
    header = asked.headers.get("content-type", "")
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {header}\r\n\r\n".encode())
    boundary = parsed.get_param("boundary")
    mark = b"--" + str(boundary).encode()
    parts = asked.body.split(mark, 2)
    if boundary is None or len(parts) != 3:  # preamble and two parts
        raise Refused(400, "invalid", "Missing or malformed multipart/related body.")
    content = parts[2].partition(b"\r\n\r\n")[2]
    content = content[: content.rindex(b"\r\n" + mark + b"--")]
    return parts[1].partition(b"\r\n\r\n")[2], content


def unwrapped(asked: Asked) -> bytes:
    """Return the body without S3's `aws-chunked` framing and its trailers.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html, 2026-11.
    """
    if not asked.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        return asked.body
    data, rest = bytearray(), asked.body
    while True:
        head, _, rest = rest.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if size == 0:
            return bytes(data)
        data += rest[:size]
        rest = rest[size + 2 :]
