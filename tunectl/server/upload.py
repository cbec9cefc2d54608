"""Uploads: a multipart body is streamed to the disk and hashed on its way, never held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import IO, Any

from tunectl.server.files import MAX_BYTES, PURPOSES, FileStore
from tunectl.server.validate import check_upload
from tunectl.server.wire import ApiError

_FIELDS = {"purpose", "expires_after[anchor]", "expires_after[seconds]", "expires_after"}
_MAX_FIELD = 65_536


class Form:
    """Collects one multipart form: small fields in memory, the part `part` in a file."""

    def __init__(
        self, content_type: str, target: Path, known: Collection[str], part: str, most: int
    ) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise ApiError(400, "Expected a multipart/form-data body with the file in it.")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.digest = hashlib.sha256()
        self._known = known
        self._part = part
        self._most = most
        self._options = parse_options_header
        self._stream: IO[bytes] = target.open("wb")
        self._size = 0
        self._header = [b"", b""]
        self._disposition: bytes = b""
        self._name = ""
        self._value = b""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body; raises `ApiError` (400) for a malformed one."""
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise ApiError(400, f"The multipart body is malformed: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _begin(self) -> None:
        self._header = [b"", b""]
        self._disposition, self._value = b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = self._header[1]
        self._header = [b"", b""]

    def _headers_end(self) -> None:
        _, options = self._options(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", errors="replace")
        if self._name == self._part:
            if self.filename is not None:
                raise ApiError(400, "The form has more than one file.", self._part)
            self.filename = options.get(b"filename", b"upload").decode("utf-8", errors="replace")
        elif self._name not in self._known:
            raise ApiError(
                400, f"Unknown parameter: '{self._name}'.", self._name, code="unknown_parameter"
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        chunk = data[start:end]
        if self._name == self._part:
            self._size += len(chunk)
            if self._size > self._most:
                most = self._most // 2**20
                text = f"The file is larger than the maximum of {most} MB."
                raise ApiError(400, text, self._part)
            self.digest.update(chunk)
            self._stream.write(chunk)
            return
        self._value += chunk
        if len(self._value) > _MAX_FIELD:
            raise ApiError(400, f"'{self._name}' is too long.", self._name)

    def _end(self) -> None:
        if self._name != self._part:
            self.fields[self._name] = self._value.decode("utf-8", errors="replace")


async def receive(
    content_type: str,
    body: AsyncIterator[bytes],
    target: Path,
    known: Collection[str] = _FIELDS,
    *,
    part: str = "file",
    most: int = MAX_BYTES,
) -> Form:
    """Write the file of a multipart body to `target` and return the form around it.

    Args:
        content_type: of the body, with its boundary.
        body: its bytes.
        target: where the file goes.
        known: the other parts there may be.
        part: the name of the part that is the file.
        most: bytes of the file.

    Raises:
        ApiError: 400, for a malformed body, an unknown field or too large a file.
        OSError: the disk is full.
    """
    form = Form(content_type, target, known, part, most)
    try:
        async for chunk in body:
            form.feed(chunk)
    finally:
        form.close()
    return form


def keep_upload(files: FileStore, form: Form, target: Path) -> dict[str, Any]:
    """Check what has arrived in `target` and make it a file, shown as the wire shows it.

    Raises:
        ApiError: 400, for a missing part, a wrong purpose, or a file that is not JSON lines.
    """
    purpose = checked_purpose(form.fields.get("purpose"))
    if form.filename is None:
        raise ApiError(400, "'file' is a required property", "file")
    return keep_file(
        files,
        target,
        filename=form.filename,
        purpose=purpose,
        sha256=form.digest.hexdigest(),
        expires_after=_expiry(form.fields),
    )


def checked_purpose(purpose: object) -> str:
    """Return the purpose of a file; raises `ApiError` (400) for one that is missing or unknown."""
    if isinstance(purpose, str) and purpose in PURPOSES:
        return purpose
    names = ", ".join(f"'{name}'" for name in PURPOSES)
    got = "'purpose' is a required property" if purpose is None else (
        f"'{purpose}' is not one of [{names}]"
    )  # fmt: skip
    raise ApiError(400, f"{got} - 'purpose'", "purpose")


def keep_file(
    files: FileStore,
    target: Path,
    *,
    filename: str,
    purpose: str,
    sha256: str,
    expires_after: int | None = None,
) -> dict[str, Any]:
    """Check complete bytes and make them a file, shown as the wire shows it.

    Raises:
        ApiError: 400, for a file of training rows that is not JSON lines.
    """
    rows = None
    if purpose in {"fine-tune", "batch"}:
        extension = Path(filename).suffix.lstrip(".").lower()
        if extension not in {"jsonl", ""}:
            raise ApiError(
                400, f"Invalid file format. Only .jsonl files are supported, got '{extension}'.",
                "file", code="invalid_file_format",
            )  # fmt: skip
        rows, problem = check_upload(target)
        if problem is not None:
            raise ApiError(400, problem, "file")
    return files.shown(
        files.keep(
            target,
            filename=filename,
            purpose=purpose,
            sha256=sha256,
            rows=rows,
            expires_after=expires_after,
        )
    )


def _expiry(fields: dict[str, str]) -> int | None:
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None and "expires_after" not in fields:
        return None
    if anchor != "created_at":
        raise ApiError(400, "'expires_after.anchor' must be 'created_at'.", "expires_after.anchor")
    if seconds is None or not seconds.isdigit() or not 3600 <= int(seconds) <= 2_592_000:
        raise ApiError(
            400,
            "'expires_after.seconds' must be an integer from 3600 to 2592000.",
            "expires_after.seconds",
        )
    return int(seconds)
