"""Uploads: the converted rows of one split, or one document of a knowledge base, as a file.

Rows have purpose `fine-tune`, documents `assistants`: so does the SDK what is meant for a vector
store (openai 3.54.0, `vector_stores.files.upload`).
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
)
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address
from tunectl.providers.instances import found, gone, made, unchangeable
from tunectl.providers.wire.account import Account
from tunectl.providers.wire.client import Wire, fields, items
from tunectl.providers.wire.listing import moment, pages
from tunectl.providers.wire.naming import (
    document_name,
    file_name,
    has_op,
    is_document,
    op_in_name,
)
from tunectl.providers.wire.parts import PART_BYTES, send_in_parts

if TYPE_CHECKING:
    from openai.types import FilePurpose

PURPOSE: Final = "fine-tune"
DOCUMENTS: Final = "assistants"
_BOM = b"\xef\xbb\xbf"
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploads:
    """Handler of kind `upload`. Its mark is in the file's name: files have no metadata.

    Attributes:
        part_bytes: of each part of a file that is too large for one request.
    """

    wire: Wire
    account: Account
    part_bytes: int = PART_BYTES

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: what the rows must be is the concern of the dataset's checks."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return the file as it is now, None when it was deleted or has expired."""
        file_id = instance.id
        try:
            file = self.wire.ask(
                f"read the file `{file_id}`", lambda c: fields(c.files.retrieve(file_id), "id")
            )
        except NotFoundError:
            return None
        status, reason = self._status(file)
        return replace(instance, status=status, reason=reason, progress=_progress(status))

    def create(self, request: Request) -> Instance:
        """Send the rows, in parts where they are too many for one request.

        Raises:
            InvalidRequestError: the file is larger than the service takes.
            UnknownOutcomeError: it may or may not be there; its name tells.
        """
        spec = request.spec
        account = self.account.id()
        if is_document(request.mark.address):
            name = document_name(request.mark, str(spec["document"]), str(spec["sha256"]))
            with request.reader.open(spec) as content:
                file = self._sent(name, content, DOCUMENTS)
        else:
            name = file_name(
                request.mark, str(spec["dataset"]), str(spec["split"]), str(spec["sha256"])
            )
            with request.reader.open(spec) as rows, self._bytes(rows) as stream:
                file = self._sent(name, stream)
        status, reason = self._status(file)
        return made(
            request,
            account=account,
            id=file["id"],
            outputs={"file_id": file["id"]},
            status=status,
            reason=reason,
            progress=_progress(status),
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return self.wire.profile.list_lag

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the files whose name carries the operation."""
        purpose = DOCUMENTS if is_document(mark.address) else PURPOSE
        files = self.wire.ask(
            "list the files",
            lambda c: items(lambda: c.files.list(purpose=purpose), "id"),
        )
        account = self.account.id()
        for file in files:
            if has_op(str(file.get("filename")), mark.op):
                status, reason = self._status(file)
                yield found(
                    mark,
                    provider=self.wire.provider,
                    account=account,
                    id=file["id"],
                    outputs={"file_id": file["id"]},
                    status=status,
                    reason=reason,
                    progress=_progress(status),
                )

    def list(self) -> Iterable[Found]:
        """Yield every training file of the account, the newest first, then our documents.

        What else people keep as files is not of this kind.

        A file's name has room for the operation alone, so its mark is never whole: whose it is,
        the operations that a state knows and the jobs that used it must tell.
        """
        yield from self._listed(PURPOSE)
        if self.wire.profile.vector_stores:
            yield from (one for one in self._listed(DOCUMENTS) if one.instance.op)

    def _listed(self, purpose: str) -> Iterable[Found]:
        account = self.account.id()
        files = pages(
            self.wire, "list the files", lambda c, after: c.files.list(purpose=purpose, after=after)
        )
        for file in files:
            if file.get("purpose", purpose) != purpose:
                continue  # a service may ignore the filter
            name, file_id = str(file.get("filename") or ""), str(file["id"])
            status, reason = self._status(file)
            yield Found(
                instance=Instance(
                    address=Address.of("upload", name or file_id),
                    provider=self.wire.provider,
                    account=account,
                    id=file_id,
                    spec={},
                    outputs={"file_id": file_id},
                    status=status,
                    reason=reason,
                    progress=_progress(status),
                    op=op_in_name(name),
                ),
                created_at=moment(file.get("created_at")),
            )

    def poll(self, instance: Instance) -> Instance:
        """Return the file's status.

        Raises:
            NotFoundError: it is gone.
        """
        now = self.read(instance)
        if now is None:
            raise gone("file", instance)
        return now

    def update(self, request: Request) -> Instance:
        """Refuse: a file cannot be changed, only another one made.

        Raises:
            InvalidRequestError: always.
        """
        raise unchangeable("an uploaded file", request)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete the file; nothing stays."""
        file_id = instance.id
        try:
            answer = self.wire.tell(
                f"delete the file `{file_id}`", lambda c: fields(c.files.delete(file_id))
            )
        except NotFoundError:
            return None
        if answer.get("deleted") is False:
            raise ConflictError.of(
                f"the file `{file_id}` was not deleted",
                hint="a running job may use it; try again later",
                address=str(instance.address),
            )
        return None

    def _sent(self, name: str, stream: BinaryIO, purpose: FilePurpose = PURPOSE) -> dict[str, Any]:
        profile, size = self.wire.profile, stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if profile.largest_file is not None and size > profile.largest_file:
            raise InvalidRequestError.of(
                f"`{name}` has {_megabytes(size)}; {profile.title} takes files up to "
                f"{_megabytes(profile.largest_file)}",
                hint="use `limit:`, or leave out what the model need not see",
            )
        if profile.whole_file is not None and size > profile.whole_file and profile.parts:
            return send_in_parts(self.wire, name, stream, size, self.part_bytes, purpose)
        return self.wire.tell(
            f"upload `{name}`",
            lambda c: fields(
                c.files.create(file=(name, cast("IO[bytes]", stream)), purpose=purpose), "id"
            ),
            large=True,
        )

    def _status(self, file: dict[str, Any]) -> tuple[Status, str]:
        """Return status and reason; `status` of files is deprecated and empty at some services."""
        state = file.get("status")
        if state == "error":
            return Status.FAILED, str(file.get("status_details") or "the file was not accepted")
        if self.wire.profile.file_ready_wait and state != "processed":
            return Status.PENDING, ""
        return Status.READY, ""

    @contextmanager
    def _bytes(self, rows: BinaryIO) -> Iterator[BinaryIO]:
        """Give the rows as the service wants them: with a byte order mark where it asks for one."""
        if not self.wire.profile.byte_order_mark:
            yield rows
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as marked:
            marked.write(_BOM)
            shutil.copyfileobj(rows, marked)
            marked.seek(0)
            yield cast("BinaryIO", marked)


def _progress(status: Status) -> str:
    return "the provider is processing the file" if status is Status.PENDING else ""


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"
