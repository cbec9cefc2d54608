"""The wire's small change: requests and replies without a web framework, errors, pages.

Handlers are plain functions from `Call` to `Reply`; only `api` knows the framework. Errors have
OpenAI's envelope, {"error": {"message", "type", "param", "code"}}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

_Item = TypeVar("_Item")
_TYPES = {401: "invalid_request_error", 500: "server_error", 503: "server_error"}


class ApiError(Exception):
    """A request that is refused, with OpenAI's four words about it."""

    def __init__(
        self, status: int, message: str, param: str | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    def body(self) -> dict[str, Any]:
        """Return the envelope."""
        return {
            "error": {
                "message": str(self),
                "type": _TYPES.get(self.status, "invalid_request_error"),
                "param": self.param,
                "code": self.code,
            }
        }


@dataclass(frozen=True)
class Call:
    """One request: the parts of its path, its query in order, and its raw body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    raw: bytes = b""

    def body(self, known: frozenset[str]) -> dict[str, Any]:
        """Return the JSON object of the body.

        Raises:
            ApiError: 400, when it is no JSON object or has a key that is not in `known`.
        """
        try:
            value = orjson.loads(self.raw or b"{}")
        except orjson.JSONDecodeError as error:
            raise ApiError(
                400,
                "We could not parse the JSON body of your request. The OpenAI API expects a JSON "
                f"payload, but what was sent was not valid JSON: {error}",
            ) from None
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid body: expected a JSON object.")
        unknown = sorted(value.keys() - known)
        if unknown:
            raise ApiError(
                400, f"Unknown parameter: '{unknown[0]}'.", unknown[0], code="unknown_parameter"
            )
        return value

    def first(self, name: str) -> str | None:
        """Return the value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def limit(self, default: int, most: int) -> int:
        """Return the page size; raises `ApiError` (400) outside 1..`most`."""
        text = self.first("limit")
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise ApiError(400, f"Invalid 'limit': expected an integer from 1 to {most}.", "limit")
        return int(text)

    def metadata_filter(self) -> dict[str, str] | None:
        """Return the pairs of `metadata[k]=v`; None for `metadata=null`, jobs that have none."""
        if self.first("metadata") == "null":
            return None
        return {
            key[len("metadata[") : -1]: value
            for key, value in self.query
            if key.startswith("metadata[") and key.endswith("]")
        }


@dataclass(frozen=True)
class Reply:
    """What to send: a JSON value, or a file as it is.

    Attributes:
        discard: the file is removed when it is sent.
    """

    value: Any = None
    file: Path | None = None
    media_type: str = "application/octet-stream"
    discard: bool = False


Handler = Callable[[Call], Reply]


def page(
    items: Sequence[_Item],
    identify: Callable[[_Item], str],
    show: Callable[[_Item], dict[str, Any]],
    call: Call,
    limits: tuple[int, int],
) -> Reply:
    """Cut one cursor page out of `items`.

    Args:
        items: everything, in the order of the listing.
        identify: the id of an item, which `after` names.
        show: an item as the wire shows it; asked only for those on the page.
        call: the request, with `after` and `limit`.
        limits: the default and the largest page size.

    Raises:
        ApiError: 400, for a bad limit or a cursor that is not in the list.
    """
    size = call.limit(*limits)
    after = call.first("after")
    start = 0
    if after is not None:
        ids = [identify(item) for item in items]
        if after not in ids:
            raise ApiError(400, f"Invalid 'after': no such object: {after}", "after")
        start = ids.index(after) + 1
    data = [show(item) for item in items[start : start + size]]
    return Reply(
        {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else "",
            "last_id": data[-1]["id"] if data else "",
            "has_more": start + size < len(items),
        }
    )


def checked_metadata(value: object) -> dict[str, str] | None:
    """Return `value` as metadata: at most 16 pairs, keys to 64, values to 512 characters.

    Raises:
        ApiError: 400, in OpenAI's words.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ApiError(400, "Invalid type for 'metadata': expected an object.", "metadata")
    if len(value) > 16:
        raise ApiError(
            400,
            f"Invalid 'metadata': too many properties. Expected an object with at most 16 "
            f"properties, but got an object with {len(value)} properties instead.",
            "metadata",
            code="object_above_max_properties",
        )
    for key, text in value.items():
        if not isinstance(text, str):
            raise ApiError(
                400,
                f"Invalid type for 'metadata.{key}': expected a string.",
                f"metadata.{key}",
                code="invalid_type",
            )
        if len(key) > 64 or len(text) > 512:
            raise ApiError(
                400,
                f"Invalid 'metadata.{key[:64]}': string too long. Keys have at most 64 and values "
                "at most 512 characters.",
                f"metadata.{key[:64]}",
                code="string_above_max_length",
            )
    return value
