"""What the server keeps: buckets of objects, and the conditions under which one may be touched."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """An answer that is no success."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code


@dataclass(frozen=True)
class Stored:
    """One object. Its ETag is the MD5 of the content, as S3's is for a plain PUT."""

    content: bytes
    generation: int
    updated: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    metageneration: int = 1
    content_type: str = "application/octet-stream"

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'


@dataclass
class Buckets:
    """All objects by bucket and key, and the server's clock.

    Attributes:
        skew: seconds that the server's clock is ahead of this machine's.
        enforces: whether conditions are looked at; some services that speak S3 pass over them.
    """

    names: tuple[str, ...] = ("stan",)
    skew: float = 0.0
    enforces: bool = True
    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    mutex: threading.RLock = field(default_factory=threading.RLock)
    numbers: itertools.count[int] = field(
        default_factory=lambda: itertools.count(1_763_800_000_000_000)
    )

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.skew, UTC)

    def bucket(self, name: str) -> None:
        if name not in self.names:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")

    def find(self, bucket: str, key: str) -> Stored | None:
        self.bucket(bucket)
        return self.objects.get((bucket, key))

    def get(self, bucket: str, key: str) -> Stored:
        found = self.find(bucket, key)
        if found is None:
            raise Refused(404, "NoSuchKey", f"No such object: {bucket}/{key}")
        return found

    def put(
        self, bucket: str, key: str, content: bytes, metadata: Mapping[str, str], type_: str
    ) -> Stored:
        made = Stored(content, next(self.numbers), self.now(), dict(metadata), content_type=type_)
        self.objects[bucket, key] = made
        return made

    def patch(self, bucket: str, key: str, metadata: Mapping[str, str]) -> Stored:
        found = self.get(bucket, key)
        changed = replace(
            found,
            metadata={**found.metadata, **metadata},
            metageneration=found.metageneration + 1,
            updated=self.now(),
        )
        self.objects[bucket, key] = changed
        return changed

    def remove(self, bucket: str, key: str) -> None:
        self.objects.pop((bucket, key), None)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        self.bucket(bucket)
        found = (k for b, k in self.objects if b == bucket and k.startswith(prefix))
        return sorted(found, key=lambda key: key.encode())
