"""Uploads: the converted rows of one split, or a document, as an object of the staging bucket.

An object is made once and never overwritten: its name holds the operation and the hash of the rows,
and it is written only where nothing is. Cloud Storage is strongly consistent, so a list shows at
once what was made.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    NotFoundError,
    Severity,
)
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.documents import Document
from tunectl.providers.etiquette import CONNECT_SECONDS, SEND_SECONDS
from tunectl.providers.instances import found, gone, made, unchangeable
from tunectl.providers.latin import ascii_name
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.client import Cloud
from tunectl.providers.vertex.document_names import is_document, object_of
from tunectl.providers.vertex.marks import LINEAGE, OP, TOOL, description_of, mark_of
from tunectl.providers.vertex.staging import Staging

_CRC, _OWNER = "tunectl-crc32c", "tunectl-mark"
_AT_ONCE = 8 * 1024 * 1024  # bytes; more is sent in pieces, each of which may be sent again
_PIECE = 1024 * 1024
_TYPES = {
    ".jsonl": "application/jsonl",
    ".md": "text/markdown; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
_OP_IN_NAME = re.compile(r"(?:^|/)tunectl/([0-9a-f]{16,64})/")


@dataclass(frozen=True, slots=True)
class Uploads:
    """Handler of kind `upload`. Its mark is in the object's own metadata, its op in the name."""

    cloud: Cloud
    account: ProjectAccount
    staging: Staging

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002  # the port's
        """Say what is wrong with the staging bucket; looks at it, once for all uploads.

        What is wrong is a setting of the provider, so that is what it speaks of, by its name.
        """
        for code, summary, hint in self.staging.problems():
            wrong = code == "staging"
            yield Diagnostic(
                summary=summary,
                severity=Severity.ERROR if wrong else Severity.WARNING,
                hint=hint,
                code=f"provider-{code}",
                address=f"providers.{self.cloud.provider}",  # the account's fault, no dataset's
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return the object as it is now, None when it is gone.

        Raises:
            NotFoundError: the bucket itself is gone; that says nothing of the object.
        """
        try:
            blob = self._blob(instance.id)
        except NotFoundError:
            self.staging.exists()
            return None
        if (blob.metadata or {}).get(OP) != (instance.op or (blob.metadata or {}).get(OP)):
            return None  # ours is gone, and somebody else took the name
        spec = instance.spec
        if _altered(blob):
            spec = {**spec, "sha256": f"overwritten: crc32c {blob.crc32c}"}
        op = instance.op or str((blob.metadata or {}).get(OP, ""))
        return replace(instance, spec=spec, outputs=_outputs(blob), status=Status.READY, op=op)

    def create(self, request: Request) -> Instance:
        """Send the rows, where nothing is yet.

        Raises:
            ConflictError: something else has that name.
        """
        name = self._name(request.mark.op, request.spec)
        account = self.account.id()
        with request.reader.open(request.spec) as rows:
            blob = self._sent(name, rows, request.mark)
        return made(request, account=account, id=_url(blob), outputs=_outputs(blob))

    @property
    def lag(self) -> float:
        """No second: a list of Cloud Storage shows what is there."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the object whose name carries the operation."""
        for blob in self._listed(f"{self.staging.place.prefix}{mark.op}/"):
            yield found(
                mark,
                provider=self.cloud.provider,
                account=self.account.id(),
                id=_url(blob),
                outputs=_outputs(blob),
            )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the object's metadata holds, if any."""
        return _mark(self._blob(instance.id))

    def list(self) -> Iterable[Found]:
        """Yield every object below our prefix of the staging bucket."""
        account = self.account.id()
        for blob in self._listed(self.staging.place.prefix):
            mark = _mark(blob)
            op = _OP_IN_NAME.search(blob.name)
            wrong = _altered(blob)
            yield Found(
                instance=Instance(
                    address=mark.address if mark else Address.of("upload", blob.name),
                    provider=self.cloud.provider,
                    account=account,
                    id=_url(blob),
                    spec={},
                    outputs=_outputs(blob),
                    status=Status.FAILED if wrong else Status.READY,
                    reason="it was overwritten" if wrong else "",
                    op=op[1] if op else "",
                ),
                mark=mark,
                created_at=blob.time_created.isoformat(timespec="seconds"),
            )

    def poll(self, instance: Instance) -> Instance:
        """Return the object; it is never pending.

        Raises:
            NotFoundError: it is gone.
        """
        now = self.read(instance)
        if now is None:
            raise gone("object", instance)
        return now

    def update(self, request: Request) -> Instance:
        """Refuse: an object is never overwritten.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("what was uploaded", request)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete the object, in the generation that was made; nothing stays."""
        bucket, name = _split(instance.id)
        generation = instance.outputs.get("generation")
        condition = {"if_generation_match": int(str(generation))} if generation else {}
        try:
            self.cloud.tell(
                f"delete the object `{instance.id}`",
                lambda: (
                    self.cloud.storage(once=True)
                    .bucket(bucket)
                    .blob(name)
                    .delete(timeout=self.cloud.ask_seconds, retry=None, **condition)
                ),
            )
        except NotFoundError:
            return None
        except ConflictError:
            return None  # what is there now is somebody else's
        return None

    def _name(self, op: str, spec: Mapping[str, Plain]) -> str:
        if spec.get("format") == "document":
            document = Document(str(spec["document"]), str(spec["sha256"]))
            return f"{self.staging.place.prefix}{op}/{object_of(document)}"
        dataset = ascii_name(str(spec["dataset"]).partition(".")[2]) or "data"
        split = ascii_name(str(spec["split"])) or "rows"
        sha256 = str(spec["sha256"])[:16]
        return f"{self.staging.place.prefix}{op}/{dataset[:80]}-{split[:40]}-{sha256}.jsonl"

    def _sent(self, name: str, rows: BinaryIO, mark: Mark) -> Any:  # noqa: ANN401  # untyped
        size, crc = _measured(rows)
        meta = {TOOL: "1", OP: mark.op, LINEAGE: mark.lineage, _OWNER: description_of(mark)}
        bucket = self.staging.place.bucket

        def send() -> Any:  # noqa: ANN401
            blob = self.cloud.storage(once=True).bucket(bucket).blob(name)
            blob.metadata = {**meta, _CRC: crc}
            blob.upload_from_file(
                rows,
                size=size,
                content_type=_TYPES.get(PurePosixPath(name).suffix, "text/plain; charset=utf-8"),
                if_generation_match=0,
                checksum="crc32c",
                timeout=(CONNECT_SECONDS, SEND_SECONDS),
                **({"retry": None} if size <= _AT_ONCE else {}),
            )
            return blob

        try:
            blob = self.cloud.tell(f"upload `gs://{bucket}/{name}`", send)
        except ConflictError:
            # The answer to a piece that landed may be lost, and the piece sent again.
            blob = self._blob(f"gs://{bucket}/{name}")
            if (blob.metadata or {}).get(OP) != mark.op or blob.crc32c != crc:
                raise
        if blob.crc32c != crc:
            raise ConflictError.of(
                f"the rows did not arrive whole at `gs://{bucket}/{name}`",
                detail=f"crc32c {blob.crc32c} instead of {crc}",
                hint="run the same command again",
            )
        return blob

    def _blob(self, url: str) -> Any:  # noqa: ANN401  # untyped
        bucket, name = _split(url)

        def get() -> Any:  # noqa: ANN401
            blob = self.cloud.storage().bucket(bucket).blob(name)
            blob.reload(timeout=self.cloud.ask_seconds, retry=None)
            return blob

        return self.cloud.ask(f"read the object `{url}`", get)

    def _listed(self, prefix: str) -> Iterator[Any]:
        bucket, token = self.staging.place.bucket, None
        while True:
            page, token = self.cloud.ask(
                f"list the objects of `gs://{bucket}/{prefix}`",
                lambda token=token: self._page(bucket, prefix, token),  # type: ignore[misc]
            )
            # Beside rows and documents may lie what jobs write.
            yield from (b for b in page if b.name.endswith(".jsonl") or is_document(b.name))
            if not token:
                return

    def _page(
        self, bucket: str, prefix: str, token: str | None
    ) -> tuple[Sequence[Any], str | None]:
        listed = self.cloud.storage().list_blobs(
            bucket,
            prefix=prefix,
            page_token=token,
            timeout=self.cloud.ask_seconds,
            retry=None,
        )
        page = list(next(listed.pages, ()))
        return page, listed.next_page_token


def _measured(rows: BinaryIO) -> tuple[int, str]:
    """Return the size in bytes, and the CRC32C as Cloud Storage tells it; back at the beginning."""
    import google_crc32c

    library: Any = google_crc32c  # it is untyped
    total, checksum = 0, library.Checksum()
    while piece := rows.read(_PIECE):
        total += len(piece)
        checksum.update(piece)
    rows.seek(0)
    return total, base64.b64encode(checksum.digest()).decode()


def _altered(blob: Any) -> bool:  # noqa: ANN401
    """Tell whether the content is not what its own metadata says."""
    told = (blob.metadata or {}).get(_CRC)
    return bool(told) and told != blob.crc32c


def _mark(blob: Any) -> Mark | None:  # noqa: ANN401
    metadata = blob.metadata or {}
    return mark_of(metadata, str(metadata.get(_OWNER, "")))


def _outputs(blob: Any) -> dict[str, Plain]:  # noqa: ANN401
    return {"file_id": _url(blob), "generation": str(blob.generation)}


def _url(blob: Any) -> str:  # noqa: ANN401
    return f"gs://{blob.bucket.name}/{blob.name}"


def _split(url: str) -> tuple[str, str]:
    bucket, _, name = url.removeprefix("gs://").partition("/")
    return bucket, name
