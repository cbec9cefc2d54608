"""Google's error shape: google.rpc.Status in JSON (google.aip.dev/193, 2026-11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunectl.server.clouds.wire import Answered

# google.rpc.Code: name -> (number, HTTP status).
CODES = {
    "CANCELLED": (1, 499),
    "INVALID_ARGUMENT": (3, 400),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429),
    "FAILED_PRECONDITION": (9, 400),
    "ABORTED": (10, 409),
    "UNIMPLEMENTED": (12, 501),
    "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503),
    "DEADLINE_EXCEEDED": (4, 504),
    "UNAUTHENTICATED": (16, 401),
}
_BY_STATUS = {status: code for code, (_, status) in reversed(CODES.items())}
SERVICE = "aiplatform.googleapis.com"


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """A request that is not granted: a code's name, a message, and typed details."""

    def __init__(self, code: str, message: str, details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)

    def status(self) -> dict[str, Any]:
        """Return it as google.rpc.Status, as operations and jobs carry it."""
        shape: dict[str, Any] = {"code": CODES[self.code][0], "message": self.message}
        return {**shape, "details": self.details} if self.details else shape

    def answer(self) -> Answered:
        """Return it as the answer to a request."""
        status = CODES[self.code][1]
        error: dict[str, Any] = {"code": status, "message": self.message, "status": self.code}
        if self.details:
            error["details"] = self.details
        return Answered.of({"error": error}, status)


def of_status(status: int, message: str) -> Refused:
    """Return the refusal that goes with an HTTP status."""
    if status in _BY_STATUS:
        return Refused(_BY_STATUS[status], message)
    return Refused("INTERNAL" if status >= 500 else "INVALID_ARGUMENT", message)


def invalid(message: str, field: str = "", description: str = "") -> Refused:
    """Return a 400; with a field it says which one in the details."""
    if not field:
        return Refused("INVALID_ARGUMENT", message)
    violation = {"field": field, "description": description or message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return Refused("INVALID_ARGUMENT", message, [detail])


def precondition(message: str) -> Refused:
    """Return a 400 for what would be right at another time."""
    return Refused("FAILED_PRECONDITION", message)


def missing(message: str) -> Refused:
    """Return a 404."""
    return Refused("NOT_FOUND", message)


def denied(permission: str, resource: str) -> Refused:
    """Return a 403, in the words with which another's project and no project are told alike."""
    message = (
        f"Permission '{permission}' denied on resource '//{SERVICE}/{resource}' "
        "(or it may not exist)."
    )
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": SERVICE,
        "metadata": {"permission": permission, "resource": resource},
    }
    return Refused("PERMISSION_DENIED", message, [detail])
