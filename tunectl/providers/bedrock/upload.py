"""Uploads: the converted rows of one split, or a document, as an object in the staging bucket.

What was put is listed at once: S3 is strongly consistent (S3 User Guide, "Data consistency model",
2026-11).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
    Severity,
)
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.client import S3, Cloud, fields
from tunectl.providers.bedrock.naming import (
    document_name,
    mark_of,
    mark_pairs,
    object_name,
    op_in_key,
)
from tunectl.providers.bedrock.places import Place
from tunectl.providers.bedrock.staging import Staging
from tunectl.providers.instances import found, gone, made, unchangeable

_BLOCK = 1024 * 1024
_TYPES = {
    ".jsonl": "application/jsonl",
    ".md": "text/markdown; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Uploads:
    """Handler of kind `upload`. The operation is in the object's key, the mark in its metadata."""

    cloud: Cloud
    identity: Identity
    staging: Place
    leaned_on: Staging

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002  # the port's
        """Say what is wrong with buckets and role; looks at them, once for all uploads.

        What is wrong is a setting of the provider, so that is what it speaks of, by its name.
        """
        for code, summary, hint in self.leaned_on.problems():
            unsure = code.startswith("unsure-")
            yield Diagnostic(
                summary=summary,
                severity=Severity.WARNING if unsure else Severity.ERROR,
                hint=hint,
                code=f"provider-{code.removeprefix('unsure-')}",
                address=f"providers.{self.cloud.provider}",  # the account's fault, no dataset's
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return the object as it is now, None when it was deleted."""
        place = self._place(instance)
        return instance if self._head(place) is not None else None

    def create(self, request: Request) -> Instance:
        """Send it; the key may not exist, so that nobody's object is overwritten."""
        spec = request.spec
        place, account = self.staging.below(_name(request.mark, spec)), self.identity.id()
        with request.reader.open(spec) as rows:
            try:
                self.cloud.tell(
                    S3,
                    f"upload `{place}`",
                    lambda c: fields(c.put_object(**_put(place, rows, request.mark)), "ETag"),
                )
            except ConflictError:
                # The key holds the operation: what is there was sent under it.
                if self._head(place) is None:
                    raise
        return made(request, account=account, id=str(place), outputs={"file_id": str(place)})

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the objects whose key carries the operation."""
        account = self.identity.id()
        for one in objects(self.cloud, self.staging.below(f"tunectl.{mark.op}.")):
            place = Place(self.staging.bucket, str(one["Key"]))
            yield found(
                mark,
                provider=self.cloud.provider,
                account=account,
                id=str(place),
                outputs={"file_id": str(place)},
            )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the object's metadata, if any."""
        head = self._head(self._place(instance))
        if head is None:
            raise NotFoundError.of(f"`{instance.id}` is gone", address=str(instance.address))
        return mark_of(head.get("Metadata") or {})

    def list(self) -> Iterable[Found]:
        """Yield all training rows of ours in the staging place.

        A list tells keys alone, and a key has room for the operation, not for the mark.
        """
        account = self.identity.id()
        for one in objects(self.cloud, self.staging.below("tunectl.")):
            place = Place(self.staging.bucket, str(one["Key"]))
            op = op_in_key(place.key)
            if not op:
                continue
            made_at = one.get("LastModified")
            yield Found(
                instance=Instance(
                    address=Address.of("upload", place.key.rpartition("/")[2]),
                    provider=self.cloud.provider,
                    account=account,
                    id=str(place),
                    spec={},
                    outputs={"file_id": str(place)},
                    op=op,
                ),
                created_at=made_at.isoformat(timespec="seconds") if made_at else "",
            )

    def poll(self, instance: Instance) -> Instance:
        """Return the object; it is never pending.

        Raises:
            NotFoundError: it is gone.
        """
        if self._head(self._place(instance)) is None:
            raise gone("object", instance)
        return replace(instance, status=Status.READY, progress="", reason="")

    def update(self, request: Request) -> Instance:
        """Refuse: rows are not changed, only others are sent.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("what was uploaded", request)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete the object; nothing stays but, in a bucket with versions, an older version."""
        remove(self.cloud, self._place(instance))
        return None

    def _place(self, instance: Instance) -> Place:
        place = Place.parse(instance.id)
        if place is None:
            raise InvalidRequestError.of(
                f"`{instance.id}` is no place in S3",
                hint="such as `s3://bucket/folder/rows.jsonl`",
                address=str(instance.address),
            )
        return place

    def _head(self, place: Place) -> Mapping[str, Any] | None:
        """Return what is told of an object, None when it is not there.

        A HEAD has no body, so its 404 does not say what is missing: a bucket that is missing, or is
        somebody else's, is an error and not an absence.
        """
        try:
            head: Mapping[str, Any] = self.cloud.ask(
                S3, f"read `{place}`", lambda c: c.head_object(Bucket=place.bucket, Key=place.key)
            )
        except NotFoundError:
            check_bucket(self.cloud, place)
            return None
        return head


def _name(mark: Mark, spec: Mapping[str, Plain]) -> str:
    if spec.get("format") == "document":
        return document_name(mark, str(spec["document"]), str(spec["sha256"]))
    return object_name(mark, str(spec["dataset"]), str(spec["split"]), str(spec["sha256"]))


def _put(place: Place, rows: BinaryIO, mark: Mark) -> dict[str, Any]:
    digest = hashlib.sha256()
    while block := rows.read(_BLOCK):
        digest.update(block)
    rows.seek(0)
    return {
        "Bucket": place.bucket,
        "Key": place.key,
        "Body": rows,
        "IfNoneMatch": "*",
        "ContentType": _TYPES.get(PurePosixPath(place.key).suffix, "text/plain; charset=utf-8"),
        "ChecksumSHA256": base64.b64encode(digest.digest()).decode(),
        "Metadata": mark_pairs(mark),
    }


def check_bucket(cloud: Cloud, place: Place) -> None:
    """Do nothing when a bucket is there.

    Raises:
        InvalidRequestError: there is none of that name.
        CredentialsError: it is somebody else's.
    """
    try:
        cloud.ask(S3, f"read the bucket of `{place}`", lambda c: c.head_bucket(Bucket=place.bucket))
    except NotFoundError:
        raise InvalidRequestError.of(
            f"there is no bucket `{place.bucket}`",
            hint=f"check `staging` and `output` of provider `{cloud.provider}`, and the account",
        ) from None


def objects(cloud: Cloud, prefix: Place) -> Iterator[Mapping[str, Any]]:
    """Yield every object whose key begins so, one request a page.

    Raises:
        ProviderError: a page could not be had; what came before it is no whole list.
    """
    token = ""
    while True:
        answer = cloud.ask(S3, f"list `{prefix}…`", partial(_page, prefix=prefix, token=token))
        yield from answer.get("Contents") or ()
        token = str(answer.get("NextContinuationToken") or "")
        if not token:
            return


def _page(client: Any, prefix: Place, token: str) -> Mapping[str, Any]:  # noqa: ANN401  # untyped
    more = {"ContinuationToken": token} if token else {}
    answer: Mapping[str, Any] = client.list_objects_v2(
        Bucket=prefix.bucket, Prefix=prefix.key, **more
    )
    if "KeyCount" not in answer or (
        answer.get("IsTruncated") and not answer.get("NextContinuationToken")
    ):
        raise SenselessAnswerError("it is no list of objects")
    return answer


def remove(cloud: Cloud, place: Place) -> None:
    """Delete an object; one that is not there is fine."""
    cloud.tell(
        S3, f"delete `{place}`", lambda c: c.delete_object(Bucket=place.bucket, Key=place.key)
    )
