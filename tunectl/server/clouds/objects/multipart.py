"""S3's uploads in parts.

docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html, 2026-11: parts of 5 MiB
at least but for the last; the ETag is the MD5 of the parts' MD5s, `-`, and their number.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tunectl.server.clouds.objects.buckets import Buckets, Refused
from tunectl.server.clouds.objects.xml import answer, children
from tunectl.server.clouds.wire import Answered, Left

_LEAST = 5 * 2**20


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


@dataclass
class _Upload:
    bucket: str
    key: str
    metadata: Mapping[str, str]
    content_type: str
    tags: Mapping[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class Multipart:
    """Uploads in parts that are under way."""

    def __init__(self, buckets: Buckets) -> None:
        """Finish them into `buckets`."""
        self._buckets = buckets
        self._uploads: dict[str, _Upload] = {}

    def begin(
        self,
        bucket: str,
        key: str,
        metadata: Mapping[str, str],
        content_type: str,
        tags: Mapping[str, str],
    ) -> Answered:
        """Answer CreateMultipartUpload."""
        upload = uuid.uuid4().hex
        self._uploads[upload] = _Upload(bucket, key, metadata, content_type, tags)
        return answer(
            f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{escape(key)}</Key>"
            f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        )

    def part(self, upload: str, number: int, content: bytes) -> Answered:
        """Answer UploadPart; a number that comes again replaces its part.

        Raises:
            Refused: there is no such upload.
        """
        self._found(upload).parts[number] = content
        return Answered(200, b"", {"ETag": f'"{_md5(content).hex()}"'})

    def finish(self, upload: str, body: bytes) -> Answered:
        """Answer CompleteMultipartUpload.

        Raises:
            Refused: a part is missing, another than was said, out of order or too small.
        """
        found = self._found(upload)
        told = [(int(p["PartNumber"]), p["ETag"].strip('"')) for p in children(body, "Part")]
        if not told or [n for n, _ in told] != sorted({n for n, _ in told}):
            raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        for number, tag in told:
            if number not in found.parts or _md5(found.parts[number]).hex() != tag:
                raise Refused(400, "InvalidPart", f"part {number} was not found or differs")
        contents = [found.parts[number] for number, _ in told]
        if any(len(content) < _LEAST for content in contents[:-1]):
            raise Refused(400, "EntityTooSmall", "a part is smaller than 5 MiB")
        digest = _md5(b"".join(map(_md5, contents))).hex()
        made = self._buckets.put(
            found.bucket,
            found.key,
            b"".join(contents),
            found.metadata,
            found.content_type,
            tag=f"{digest}-{len(contents)}",
            tags=found.tags,
        )
        del self._uploads[upload]
        return answer(
            f"<CompleteMultipartUploadResult><Bucket>{found.bucket}</Bucket>"
            f"<Key>{escape(found.key)}</Key><ETag>{escape(made.etag)}</ETag>"
            "</CompleteMultipartUploadResult>"
        )

    def abort(self, upload: str) -> Answered:
        """Answer AbortMultipartUpload.

        Raises:
            Refused: there is no such upload.
        """
        self._found(upload)
        del self._uploads[upload]
        return Answered(204)

    def left(self) -> Iterator[Left]:
        """Yield what nobody finished: its parts bill like objects."""
        for upload in self._uploads.values():
            size = sum(map(len, upload.parts.values()))
            name = f"s3://{upload.bucket}/{upload.key}"
            bills = f"storage of {size:,} bytes"
            yield Left(kind="unfinished upload", name=name, bills=bills)

    def _found(self, upload: str) -> _Upload:
        if upload not in self._uploads:
            raise Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        return self._uploads[upload]
