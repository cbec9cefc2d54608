"""The one seam between the SDK's exceptions and the core's.

`translate` looks an exception's class up in `rules`, most specific ancestor first; a test walks
over every exception class of the SDK and fails when one has no rule of its own.

What is kept of a foreign exception is its words, without control characters, cut to a length and
with the key replaced; the exception itself is not chained, for it holds the request with its
`Authorization` header.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from tunectl.core.errors import (
    ClosedError,
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnavailableError,
)
from tunectl.providers.attempt import (
    Attempt,
    Failed,
    SenselessAnswerError,
    limited,
    made,
    senseless,
    silent,
    unsettled,
)
from tunectl.providers.etiquette import retry_after

_TIMED_OUT = frozenset({408, 499})
_SERVER_FAULT = 500

CLOSED_TO_NEW_JOBS = "training_not_available"
NO_EXECUTOR = "executor_not_available"  # of our own server: what trains cannot be reached

_NOT_ABOUT_THE_KEY = frozenset({"unsupported_country_region_territory"})
_NEVER_SOON = frozenset({"daily_rate_limit_exceeded", "insufficient_quota"})
_HINTS_BY_CODE: Mapping[str, str] = {
    CLOSED_TO_NEW_JOBS: "OpenAI takes new jobs only from organizations that still tune, and from "
    "none after 2027-01-06; choose another provider for this job, such as `provider: local`, "
    "Azure Foundry (`profile: azure`) or Nebius (`profile: nebius`)",
    "daily_rate_limit_exceeded": "the limit is per day and model; try again tomorrow",
    "insufficient_quota": "waiting does not help: add credit, or raise the limit of the account",
    "model_not_found": "check the name of the model and whether this account may use it; "
    "`tunectl model list` shows what there is",
    "invalid_api_key": "check the variable that `key_env` names",
    "base_model_mismatch": "bring the same weights here under that name, or remove `from:` to "
    "train here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Failed):
    """What is worth keeping of a foreign exception.

    Attributes:
        hint: what to do, as our own server says it in a line of its own.
        code: the service's name of the problem (`training_not_available`).
        type: the service's class of the problem (`invalid_request_error`).
        status: of HTTP, 0 where there was no answer.
        unsent: the connection was never there.
    """

    code: str = ""
    type: str = ""
    status: int = 0
    unsent: bool = False
    hint: str = ""


Rule = Callable[[Attempt, Failure], ProviderError]


def translate(error: Exception, attempt: Attempt) -> ProviderError:
    """Return the core's error for what the SDK raised.

    Args:
        error: any exception of the SDK, or the `ValueError` of an answer that is no JSON.
        attempt: what was being done.
    """
    table = rules()
    failure = _failure(error, attempt)
    for kind in type(error).__mro__:
        if kind in table:
            return table[kind](attempt, failure)
    return unsettled(attempt, failure)


def _failure(error: Exception, attempt: Attempt) -> Failure:
    """Read a foreign exception: no other function looks inside one."""
    import time

    import openai

    if not isinstance(error, openai.APIError):
        words = attempt.clean(str(error)) or type(error).__name__
        return Failure(words=words, unsent=never_sent(error))
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        words = attempt.clean(str(cause)) or type(cause).__name__
        return Failure(words=words, unsent=never_sent(error))
    status, request, wait = 0, None, None
    if isinstance(error, openai.APIStatusError):
        status, request = error.status_code, error.request_id
        wait = retry_after(error.response.headers, time.time())
    known = (
        ("status", status), ("code", error.code), ("parameter", error.param), ("request", request),
    )  # fmt: skip
    words, _, hint = (_words(error.body) or error.message).partition("\nhint: ")
    return Failure(
        words=attempt.clean(words),
        hint=attempt.clean(hint),
        code=error.code or "",
        type=error.type if isinstance(error.type, str) else "",
        status=status,
        detail=", ".join(f"{name} {attempt.clean(str(value))}" for name, value in known if value),
        wait=wait,
    )


def _words(body: object) -> str:
    """Return the service's own message: the SDK's repeats status and body around it."""
    if not isinstance(body, Mapping):
        return str(body or "")
    inner = body.get("error", body)
    message = inner.get("message") if isinstance(inner, Mapping) else inner
    return message if isinstance(message, str) and message else json.dumps(dict(body))


@cache
def caught() -> tuple[type[Exception], ...]:
    """Return the classes that a call through the SDK may raise."""
    import httpx2
    import openai

    return (
        openai.OpenAIError,
        openai.InvalidWebhookSignatureError,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        json.JSONDecodeError,
        UnicodeError,
        SenselessAnswerError,
    )


@cache
def rules() -> Mapping[type, Rule]:
    """Return the rule for each class of exception that the SDK raises."""
    import httpx2
    import openai
    from openai._exceptions import SubjectTokenProviderError
    from openai._extras._common import MissingDependencyError
    from openai._response import MissingStreamClassError, StreamAlreadyConsumed
    from openai.lib._old_api import APIRemovedInV1
    from openai.lib.azure import MutuallyExclusiveAuthError

    return {
        # answers, by status
        openai.BadRequestError: _refused,
        openai.OAuthError: _credentials,
        openai.AuthenticationError: _credentials,
        openai.PermissionDeniedError: _forbidden,
        openai.NotFoundError: _missing,
        openai.ConflictError: _conflict,
        openai.UnprocessableEntityError: _refused,
        openai.RateLimitError: _rate,
        openai.InternalServerError: _status,
        openai.APIStatusError: _status,
        # answers that make no sense
        openai.APIResponseValidationError: _senseless,
        openai.APIError: _in_stream,
        ValueError: _senseless,
        # no answer
        openai.APITimeoutError: _no_answer,
        openai.APIConnectionError: _no_answer,
        openai.WebSocketConnectionClosedError: _unreachable,
        openai.WebSocketQueueFullError: _unreachable,
        httpx2.HTTPError: _no_answer,
        # nothing was sent
        httpx2.InvalidURL: _not_sent,
        SubjectTokenProviderError: _credentials,
        MutuallyExclusiveAuthError: _not_sent,
        MissingDependencyError: _not_sent,
        MissingStreamClassError: _not_sent,
        APIRemovedInV1: _not_sent,
        # the answer is there, and is not usable
        openai.LengthFinishReasonError: _unusable,
        openai.ContentFilterFinishReasonError: _unusable,
        openai.InvalidWebhookSignatureError: _unusable,
        StreamAlreadyConsumed: _unusable,
        openai.OpenAIError: unsettled,
    }


def _made(
    kind: type[ProviderError], attempt: Attempt, verb: str, failure: Failure, hint: str
) -> ProviderError:
    known = _HINTS_BY_CODE.get(failure.code, hint)
    return made(kind, attempt, verb, failure, known or failure.hint)


def _idle(attempt: Attempt, failure: Failure) -> ProviderError:
    """The service is well, and what trains for it is not: it refused nothing."""
    return UnavailableError.of(
        f"provider `{attempt.provider}`: {failure.words}",
        hint=failure.hint,
        detail=f"needed to {attempt.doing}; nothing was made",
    )


def _refused(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.code == NO_EXECUTOR:
        return _idle(attempt, failure)
    return _made(InvalidRequestError, attempt, "refused to", failure, "")


def _credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the variable that `key_env` names: is it set, current and of this account?"
    return _made(CredentialsError, attempt, "refused the key to", failure, hint)


def _forbidden(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.code == CLOSED_TO_NEW_JOBS:
        return _made(ClosedError, attempt, "refused to", failure, "")
    if failure.code in _NOT_ABOUT_THE_KEY:
        return _refused(attempt, failure)
    hint = "the key is valid and may not do this: give it the permission, or use another key"
    if attempt.doing.startswith("delete the model"):
        hint = "deleting a tuned model needs a key of a member whose role is Owner"
    return _made(CredentialsError, attempt, "does not permit to", failure, hint)


def _missing(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check `base_url` and the account when it should exist"
    return _made(NotFoundError, attempt, "knows no such object to", failure, hint)


def _conflict(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(ConflictError, attempt, "has a conflict and refused to", failure, "")


def _rate(attempt: Attempt, failure: Failure) -> ProviderError:
    never = failure.code in _NEVER_SOON
    return limited(attempt, failure, for_good=_HINTS_BY_CODE[failure.code] if never else "")


def _status(attempt: Attempt, failure: Failure) -> ProviderError:
    """Every other status: a 4xx is a refusal, but for those that mean "took too long"."""
    if failure.status < _SERVER_FAULT and failure.status not in _TIMED_OUT:
        return _refused(attempt, failure)
    return unsettled(attempt, failure)


def _senseless(attempt: Attempt, failure: Failure) -> ProviderError:
    return senseless(
        attempt, failure, "check that `base_url` is the API and not a web page or a proxy"
    )


def _in_stream(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.type == "invalid_request_error":
        return _refused(attempt, failure)
    return unsettled(attempt, failure)


def _no_answer(attempt: Attempt, failure: Failure) -> ProviderError:
    if failure.unsent:
        return _unreachable(attempt, failure)
    return silent(attempt, failure)


def _unreachable(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the network and `base_url`; nothing was sent"
    return _made(UnavailableError, attempt, "cannot be reached to", failure, hint)


def _not_sent(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(InvalidRequestError, attempt, "cannot be asked to", failure, "")


def _unusable(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(InvalidRequestError, attempt, "gave no usable answer when asked to", failure, "")


def hopeless(body: bytes) -> bool:
    """Tell from the body of a 429 that it is about a quota which no waiting fills."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") in _NEVER_SOON


def never_sent(error: BaseException) -> bool:
    """Tell whether the connection was never there, so that nothing can have happened."""
    import httpx2

    before_sending = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
        httpx2.LocalProtocolError,
    )
    return isinstance(error.__cause__ or error, before_sending)
