"""Refusals, as AWS's REST JSON protocol has them: the kind in a header, the words in the body."""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.server.clouds.wire import Answered

# botocore 1.44.5, service models `bedrock` and `bedrock-runtime`: errors and their HTTP status.
STATUS: Mapping[str, int] = {
    "ConflictException": 400,
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "TooManyTagsException": 400,
    "ResourceInUseException": 400,
    "AccessDeniedException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "ExpiredTokenException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
_KIND = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """An answer that is no success: the kind of error and its words.

    Attributes:
        status: of HTTP where a service model gives the kind another one; 0 for the usual one.
    """

    def __init__(self, kind: str, message: str, status: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.message = message
        self.status = status


def invalid(message: str) -> Refused:
    """Return the refusal of a request that does not hold the rules."""
    return Refused("ValidationException", message)


def missing(what: str, name: str) -> Refused:
    """Return the refusal of something that is not there."""
    return Refused("ResourceNotFoundException", f"Could not find {what}: {name}")


def refusal(kind: str, message: str, status: int = 0) -> Answered:
    """Return an error as it is sent."""
    code = status or STATUS.get(kind, 400)
    return Answered.of({"message": message}, code, x_amzn_ErrorType=kind)


def refusal_of(status: int, message: str) -> Answered:
    """Return the error that goes with an HTTP status."""
    fallback = "InternalServerException" if status >= 500 else "ValidationException"
    return refusal(_KIND.get(status, fallback), message, status)
