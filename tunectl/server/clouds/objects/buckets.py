"""What is kept: buckets of objects, with the numbers that conditions are judged by."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tunectl.server.clouds.wire import Asked, Left
from tunectl.server.clouds.world import World


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """An answer that is no success: HTTP status, the service's error code, a message."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code


@dataclass(frozen=True)
class Stored:
    """One object. Its ETag is the MD5 of the content, as S3's is for a plain PUT.

    Attributes:
        tag: the ETag of an object that was uploaded in parts, which is no MD5 of the content.
        tags: S3's object tags.
    """

    content: bytes
    generation: int
    updated: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    metageneration: int = 1
    content_type: str = "application/octet-stream"
    tag: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """The ETag in its quotes."""
        return f'"{self.tag or hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass
class Buckets:
    """All objects by bucket and key. Callers hold `world.mutex`.

    Attributes:
        names: the buckets that exist.
        places: where a bucket is (`EUROPE-WEST4`, `eu-west-1`); `location` where nothing is said.
        denied: permissions that the caller lacks (`storage.objects.create`).
        enforces: whether conditions are looked at; some services that speak S3 pass over them.
    """

    world: World = field(default_factory=World)
    names: tuple[str, ...] = ("stan",)
    places: dict[str, str] = field(default_factory=dict)
    location: str = "EU"
    denied: set[str] = field(default_factory=set)
    enforces: bool = True
    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1_763_800_000_000_000))

    def bucket(self, name: str) -> None:
        """Do nothing when the bucket exists.

        Raises:
            Refused: it does not (404).
        """
        if name not in self.names:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")

    def place(self, name: str) -> str:
        """Return where a bucket is.

        Raises:
            Refused: there is no such bucket.
        """
        self.bucket(name)
        return self.places.get(name, self.location)

    def find(self, bucket: str, key: str) -> Stored | None:
        """Return an object, None when there is none.

        Raises:
            Refused: there is no such bucket.
        """
        self.bucket(bucket)
        return self.objects.get((bucket, key))

    def get(self, bucket: str, key: str) -> Stored:
        """Return an object.

        Raises:
            Refused: there is no such bucket or object.
        """
        found = self.find(bucket, key)
        if found is None:
            raise Refused(404, "NoSuchKey", f"No such object: {bucket}/{key}")
        return found

    def put(
        self,
        bucket: str,
        key: str,
        content: bytes,
        metadata: Mapping[str, str] | None = None,
        type_: str = "application/octet-stream",
        **more: object,
    ) -> Stored:
        """Keep an object in place of what was there; `more` are other fields of `Stored`."""
        made = replace(
            Stored(content, next(self.numbers), self.world.now(), dict(metadata or {})),
            content_type=type_,
            **more,  # type: ignore[arg-type]
        )
        self.objects[bucket, key] = made
        return made

    def change(self, bucket: str, key: str, **changes: object) -> Stored:
        """Change what is said of an object, not its content; the metageneration goes up.

        Raises:
            Refused: there is no such bucket or object.
        """
        found = self.get(bucket, key)
        changed = replace(
            found,
            metageneration=found.metageneration + 1,
            updated=self.world.now(),
            **changes,  # type: ignore[arg-type]
        )
        self.objects[bucket, key] = changed
        return changed

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        self.objects.pop((bucket, key), None)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the names that begin so, in the order of their UTF-8 bytes.

        Raises:
            Refused: there is no such bucket.
        """
        self.bucket(bucket)
        found = (k for b, k in self.objects if b == bucket and k.startswith(prefix))
        return sorted(found, key=lambda key: key.encode())

    def left(self, scheme: str) -> Iterator[Left]:
        """Yield every object: each bills by the byte and month, however little."""
        for (bucket, key), stored in sorted(self.objects.items()):
            bills = f"storage of {len(stored.content):,} bytes"
            yield Left(kind="object", name=f"{scheme}://{bucket}/{key}", bills=bills)


def span(asked: Asked, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that `Range: bytes=…` names; None when all are wanted.

    Raises:
        Refused: nothing of the range is there (416).
    """
    said = asked.headers.get("range", "")
    if not said.startswith("bytes="):
        return None
    first, _, last = said.removeprefix("bytes=").partition("-")
    if not first:
        return max(size - int(last), 0), size - 1
    if int(first) >= size:
        message = "The requested range is not satisfiable"
        raise Refused(416, "InvalidRange", message)
    return int(first), min(int(last or size - 1), size - 1)
