"""The one seam between Google's exceptions and the core's.

`translate` looks an exception's class up in `rules`, most specific ancestor first; a test walks
over every exception class of Google's core, its authentication, Cloud Storage and requests, and
fails when one has no rule of its own.

What is kept of a foreign exception is its words; the exception itself is not chained, for it holds
the request with its `Authorization` header.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.attempt import (
    Attempt,
    Failed,
    SenselessAnswerError,
    clean,
    limited,
    made,
    senseless,
    silent,
    unsettled,
)
from tunectl.providers.etiquette import retry_after

LOGIN = (
    "run `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS`; the "
    "account needs the role `roles/aiplatform.user`"
)
_SERVER_FAULT = 500
_TIMED_OUT = frozenset({408, 499})
_PRECONDITION = "FAILED_PRECONDITION"
_DISABLED = "SERVICE_DISABLED"  # Google APIs, `google.api.ErrorReason`
_UNPAID = "BILLING_DISABLED"
_ABSENT = "NOT_FOUND"


class AstrayError(UnavailableError):
    """Some other server answered, such as a front end that knows no such region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Failed):
    """What is worth keeping of a foreign exception.

    Attributes:
        code: of HTTP, 0 where there was no answer.
        status: Google's name of the problem (`FAILED_PRECONDITION`); empty where there is none.
        told: the answer is an error of the API itself, not of some web server before it.
        unsent: the connection was never there.
        reason: Google's name of the cause (`SERVICE_DISABLED`), which only some answers have.
        service: the API that the cause is about.
    """

    code: int = 0
    status: str = ""
    told: bool = False
    unsent: bool = False
    reason: str = ""
    service: str = ""


Rule = Callable[[Attempt, Failure], ProviderError]


def translate(error: Exception, attempt: Attempt) -> ProviderError:
    """Return the core's error for what Google's libraries raised.

    Args:
        error: any exception of `caught`.
        attempt: what was being done.
    """
    table = rules()
    failure = _failure(error)
    for kind in type(error).__mro__:
        if kind in table:
            return table[kind](attempt, failure)
    return unsettled(attempt, failure)


@cache
def caught() -> tuple[type[Exception], ...]:
    """Return the classes that a call through Google's libraries may raise."""
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage import exceptions as storage
    from google.protobuf import json_format

    return (
        api.GoogleAPIError,
        auth.GoogleAuthError,
        storage.InvalidResponse,
        storage.DataCorruption,
        requests.RequestException,
        json_format.Error,
        SenselessAnswerError,
        UnicodeError,
        ConnectionError,
    )


@cache
def rules() -> Mapping[type, Rule]:
    """Return the rule for each class of exception."""
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage import exceptions as storage
    from google.protobuf import json_format

    return {
        # answers, by status
        api.NotFound: _missing,
        api.Unauthorized: _credentials,
        api.Forbidden: _forbidden,
        api.Conflict: _conflict,
        api.Aborted: _conflict,
        api.PreconditionFailed: _conflict,
        api.TooManyRequests: _rate,
        api.Cancelled: unsettled,
        api.BadRequest: _refused,
        api.ClientError: _by_status,
        api.Redirection: _astray,
        api.ServerError: unsettled,
        api.GoogleAPICallError: _by_status,
        storage.InvalidResponse: _by_status,
        # no answer, or none to rely on
        api.RetryError: unsettled,
        api.ResumableTransferError: unsettled,
        storage.DataCorruption: unsettled,
        json_format.Error: senseless,
        ValueError: senseless,
        requests.RequestException: _no_answer,
        requests.exceptions.ChunkedEncodingError: unsettled,
        ConnectionError: unsettled,
        # nothing was sent
        api.DuplicateCredentialArgs: _not_sent,
        auth.TransportError: _unreachable,
        auth.TimeoutError: _unreachable,
        auth.ResponseError: _unreachable,
        auth.GoogleAuthError: _no_credentials,
        requests.exceptions.ConnectTimeout: _unreachable,
        requests.exceptions.SSLError: _unreachable,
        requests.exceptions.ProxyError: _unreachable,
        requests.exceptions.InvalidURL: _not_sent,
        requests.exceptions.InvalidSchema: _not_sent,
        requests.exceptions.MissingSchema: _not_sent,
        requests.exceptions.InvalidHeader: _not_sent,
        api.GoogleAPIError: unsettled,
    }


def _failure(error: Exception) -> Failure:
    """Read a foreign exception: no other function looks inside one."""
    response: Any = getattr(error, "response", None)
    code = getattr(error, "code", None)
    code = int(code) if isinstance(code, int) else int(getattr(response, "status_code", 0) or 0)
    body = _body(response)
    wait = retry_after(response.headers, time.time()) if response is not None else None
    if body is None:
        words = clean(str(getattr(error, "message", "") or error)) or type(error).__name__
        return Failure(
            words=words if code else _root(error),
            detail=f"HTTP {code}" if code else "",
            wait=wait,
            code=code,
            unsent=never_sent(error),
        )
    details, status = body.get("details") or (), str(body.get("status") or "")
    known = (f"HTTP {code}" if code else "", status, "; ".join(_details(details)))
    reason, service = _cause(details)
    return Failure(
        words=clean(str(body.get("message") or "")) or type(error).__name__,
        code=code,
        status=status,
        told=True,
        detail=", ".join(part for part in known if part),
        wait=wait,
        reason=reason,
        service=service,
    )


def _body(response: Any) -> Mapping[str, Any] | None:  # noqa: ANN401  # of requests
    """Return Google's error object in an answer; None where the answer is something else."""
    if response is None:
        return None
    try:
        found = response.json()
    except (ValueError, AttributeError):
        return None
    if isinstance(found, list) and found:
        found = found[0]  # a stream that fails at its first piece
    inner = found.get("error") if isinstance(found, Mapping) else None
    return inner if isinstance(inner, Mapping) else None


def _details(details: Any) -> list[str]:  # noqa: ANN401  # JSON
    """Return what `google.rpc.BadRequest` and `ErrorInfo` tell (google.rpc, error_details)."""
    said: list[str] = []
    for one in details if isinstance(details, list) else ():
        if not isinstance(one, Mapping):
            continue
        said.extend(
            clean(f"{field.get('field')}: {field.get('description')}")
            for field in one.get("fieldViolations") or ()
        )
        if one.get("reason"):
            said.append(clean(f"reason {one['reason']}"))
    return said


def _cause(details: Any) -> tuple[str, str]:  # noqa: ANN401  # JSON
    """Return the reason that `ErrorInfo` tells and the API it is about; empty where there is none.

    Source: google.rpc, error_details (2026-11).
    """
    for one in details if isinstance(details, list) else ():
        if isinstance(one, Mapping) and one.get("reason"):
            about = one.get("metadata")
            service = about.get("service") if isinstance(about, Mapping) else None
            return clean(str(one["reason"])), clean(str(service or ""))
    return "", ""


def _root(error: BaseException) -> str:
    """Return the root of a chain of connection errors, in few words."""
    text = clean(str(error).rpartition(": ")[2]).strip("'\")( ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def never_sent(error: BaseException) -> bool:
    """Tell whether the connection was never there, so that nothing can have happened."""
    from urllib3 import exceptions as urllib3

    reason: Any = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)
    return isinstance(reason, urllib3.NewConnectionError | urllib3.ConnectTimeoutError)


def _refused(attempt: Attempt, failure: Failure) -> ProviderError:
    """400. What only stands in the way for now is a conflict: over REST it has the same status."""
    if failure.status == _PRECONDITION:
        return _conflict(attempt, failure)
    if not failure.told:
        return _astray(attempt, failure)
    hint = ""
    if "adapter size" in failure.words.lower():
        hint = "`method.lora_r` is the adapter's size: 1, 2, 4, 8 or 16, as the base model allows"
    return made(InvalidRequestError, attempt, "refused to", failure, hint)


def _credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(CredentialsError, attempt, "refused the credentials to", failure, LOGIN)


def _no_credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(CredentialsError, attempt, "found no usable credentials to", failure, LOGIN)


def _forbidden(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.reason in {_DISABLED, _UNPAID}:
        service = failure.service or "aiplatform.googleapis.com"
        hint = (
            f"enable the API with `gcloud services enable {service}` in the project, then wait a "
            "few minutes"
            if failure.reason == _DISABLED
            else "link a billing account to the project, then wait a few minutes"
        )
        return made(CredentialsError, attempt, "is not set up to", failure, hint)
    hint = (
        "the credentials are valid and may not do this: check `project:` and its location, and "
        "give the account the roles `roles/aiplatform.user` and, on the staging bucket, "
        "`roles/storage.objectUser`"
    )
    return made(CredentialsError, attempt, "does not permit to", failure, hint)


def _missing(attempt: Attempt, failure: Failure) -> ProviderError:
    """404. Only the API's own says that an object is gone; a web server's says nothing of it."""
    if not failure.told or failure.status not in {"", _ABSENT}:
        return _astray(attempt, failure)
    return made(NotFoundError, attempt, "knows no such object to", failure)


def _astray(attempt: Attempt, failure: Failure) -> ProviderError:
    words = f"the answer is not the API's ({failure.words[:120]})"
    hint = "check `location:` and, where it is set, `endpoint:`"
    kind = UnknownOutcomeError if attempt.changes and failure.code == 0 else AstrayError
    return made(kind, attempt, "was not reached to", replace(failure, words=words), hint)


def _conflict(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.status == _PRECONDITION:  # nobody else is in the way
        return made(ConflictError, attempt, "refused, as things are, to", failure)
    return made(ConflictError, attempt, "has a conflict and refused to", failure)


def _rate(attempt: Attempt, failure: Failure) -> ProviderError:
    return limited(attempt, failure)


def _by_status(attempt: Attempt, failure: Failure) -> ProviderError:
    """Any other status: a 4xx is a refusal, but for those that mean "took too long"."""
    if 0 < failure.code < _SERVER_FAULT and failure.code not in _TIMED_OUT:
        known: Mapping[int, Rule] = {
            401: _credentials, 403: _forbidden, 404: _missing, 409: _conflict, 412: _conflict,
            429: _rate,
        }  # fmt: skip
        return known.get(failure.code, _refused)(attempt, failure)
    return unsettled(attempt, failure)


def _no_answer(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.unsent:
        return _unreachable(attempt, failure)
    return silent(attempt, failure)


def _unreachable(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the network and, where they are set, `endpoint:` and `storage_endpoint:`"
    return made(UnavailableError, attempt, "cannot be reached to", failure, hint)


def _not_sent(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(InvalidRequestError, attempt, "cannot be asked to", failure)
