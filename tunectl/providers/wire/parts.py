"""Large files: sent in parts through `/uploads`, and a file only once they are put together.

OpenAI Python SDK 3.54 and API reference (2026-08): at most 64 MB a part and 8 GB in all, the number
of bytes must be what was announced, and an upload that is not completed within an hour is dropped.
So nothing but the last call makes a file: what comes before may be sent again, and an upload that
was begun twice or left behind is no file, bills nothing and ends by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, BinaryIO

from tunectl.core.errors import ProviderError, TunectlError, UnknownOutcomeError
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.wire.client import Wire, fields

if TYPE_CHECKING:
    from openai.types import FilePurpose

PART_BYTES = 64 * 1024 * 1024
_ROWS, _DOCUMENT = "text/jsonl", "text/plain"


def send_in_parts(  # what is sent, and how
    wire: Wire,
    name: str,
    stream: BinaryIO,
    size: int,
    part_bytes: int = PART_BYTES,
    purpose: FilePurpose = "fine-tune",
) -> dict[str, Any]:
    """Send a file in parts, one part in memory, and return it as the service shows it.

    Args:
        wire: the account.
        name: of the file; it carries the owner mark.
        stream: at its beginning.
        size: bytes in all.
        part_bytes: of each part but the last.
        purpose: of the file.

    Raises:
        UnknownOutcomeError: the parts may or may not have become a file; its name tells.
        ProviderError: they have not.
    """
    mime = _ROWS if purpose == "fine-tune" else _DOCUMENT
    upload = wire.ask(
        f"begin to upload `{name}`",
        lambda c: fields(
            c.uploads.create(bytes=size, filename=name, mime_type=mime, purpose=purpose), "id"
        ),
    )
    upload_id = str(upload["id"])
    try:
        parts, md5 = _parts(wire, name, upload_id, stream, size, part_bytes)
        return wire.tell(
            f"put the parts of `{name}` together",
            lambda c: _file(fields(c.uploads.complete(upload_id, part_ids=parts, md5=md5))),
            large=True,
        )
    except UnknownOutcomeError:
        raise
    except TunectlError:
        with contextlib.suppress(ProviderError):
            wire.tell(f"drop the upload of `{name}`", lambda c: c.uploads.cancel(upload_id))
        raise


def _parts(
    wire: Wire, name: str, upload_id: str, stream: BinaryIO, size: int, part_bytes: int
) -> tuple[list[str], str]:
    """Send every part; return their ids in order, and the MD5 of the whole, to be compared."""
    ids: list[str] = []
    digest = hashlib.md5(usedforsecurity=False)
    count = -(-size // part_bytes)
    while data := stream.read(part_bytes):
        digest.update(data)
        doing = f"send part {len(ids) + 1} of {count} of `{name}`"
        ids.append(wire.ask(doing, _sending(upload_id, data), large=True))
    return ids, digest.hexdigest()


def _sending(upload_id: str, data: bytes) -> Any:  # noqa: ANN401  # a call of the SDK
    return lambda c: str(fields(c.uploads.parts.create(upload_id, data=data), "id")["id"])


def _file(upload: dict[str, Any]) -> dict[str, Any]:
    file = upload.get("file")
    if not isinstance(file, dict):
        raise SenselessAnswerError("`file` is missing")
    return fields(file, "id")
