"""What the API refuses, and how it calls that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# anthropic 2.12.0, `types.shared.error_type`, and platform.claude.com/docs, Errors (2026-11).
TYPES: Mapping[int, str] = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        409: "invalid_request_error",  # the messages API knows no conflicts
        413: "invalid_request_error",
        429: "rate_limit_error",
        500: "api_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)


class RefusedError(Exception):
    """A request is refused.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
