"""The one seam between the SDK's exceptions and the core's.

`translate` looks an exception's class up in `rules`, most specific ancestor first; a test walks
over every exception class of the SDK and fails when one has no rule of its own. What is kept of a
foreign exception is its words; the exception itself is not chained, for it holds the request with
its `Authorization` header.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnavailableError,
)
from tunectl.providers.attempt import Attempt, Failed, SenselessAnswerError, limited, made
from tunectl.providers.etiquette import retry_after

_KEY_HINT = "check `ANTHROPIC_API_KEY`, or the variable that `key_env` names: is it current and of this account?"  # noqa: E501
_SERVER_FAULT = 500
# anthropic 2.12.0, `types.shared`: limits of money, which no waiting lifts
_SPENT = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_spend_limit_reached",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Failed):
    """What is worth keeping of a foreign exception.

    Attributes:
        type: the service's class of the problem (`rate_limit_error`).
        code: the service's name of the cause; empty where it gives none.
        status: of HTTP, 0 where there was no answer.
    """

    type: str = ""
    code: str = ""
    status: int = 0


Rule = Callable[[Attempt, Failure], ProviderError]


def translate(error: Exception, attempt: Attempt) -> ProviderError:
    """Return the core's error for what the SDK raised."""
    table = rules()
    failure = _failure(error, attempt)
    # An error in the middle of a stream comes with the status of its good beginning.
    if failure.type and failure.status < 400:
        return _in_stream(attempt, failure)
    for kind in type(error).__mro__:
        if kind in table:
            return table[kind](attempt, failure)
    return _no_answer(attempt, failure)


def _failure(error: Exception, attempt: Attempt) -> Failure:
    """Read a foreign exception: no other function looks inside one."""
    import time

    import anthropic

    if not isinstance(error, anthropic.APIStatusError):
        cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else None
        words = attempt.clean(str(cause or error)) or type(cause or error).__name__
        return Failure(words=words)
    known = (
        ("status", error.status_code), ("cause", error.error_code), ("request", error.request_id),
    )  # fmt: skip
    return Failure(
        words=attempt.clean(error.api_message or error.message),
        type=str(error.type or ""),
        code=error.error_code or "",
        status=error.status_code,
        detail=", ".join(f"{name} {attempt.clean(str(value))}" for name, value in known if value),
        wait=retry_after(error.response.headers, time.time()),
    )


@cache
def caught() -> tuple[type[Exception], ...]:
    """Return the classes that a call through the SDK may raise."""
    import anthropic
    import httpx2
    from anthropic.lib.credentials import WorkloadIdentityError

    return (
        anthropic.AnthropicError,
        WorkloadIdentityError,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        json.JSONDecodeError,
        UnicodeError,
        SenselessAnswerError,
    )


@cache
def rules() -> Mapping[type, Rule]:
    """Return the rule for each class of exception that the SDK raises."""
    import anthropic
    import httpx2
    from anthropic import _exceptions as more
    from anthropic._response import StreamAlreadyConsumed
    from anthropic.lib._extras._common import MissingDependencyError
    from anthropic.lib.credentials import WorkloadIdentityError
    from anthropic.lib.foundry import MutuallyExclusiveAuthError

    return {
        # answers, by status
        anthropic.BadRequestError: _refused,
        anthropic.AuthenticationError: _credentials,
        more.PaymentRequiredError: _unpaid,
        anthropic.PermissionDeniedError: _forbidden,
        anthropic.NotFoundError: _missing,
        more.RequestTimeoutError: _no_answer,
        anthropic.ConflictError: _conflict,
        more.PreconditionFailedError: _refused,
        more.ContentTooLargeError: _refused,
        anthropic.UnprocessableEntityError: _refused,
        anthropic.RateLimitError: _rate,
        more.RequestHeaderFieldsTooLargeError: _refused,
        more.ClientClosedRequestError: _no_answer,
        more.HTTPNotImplementedError: _no_answer,
        more.ServiceUnavailableError: _no_answer,
        more.GatewayTimeoutError: _no_answer,
        more.OverloadedError: _no_answer,
        anthropic.InternalServerError: _no_answer,
        anthropic.APIStatusError: _status,
        anthropic.APIResponseValidationError: _senseless,
        ValueError: _senseless,
        # no answer
        anthropic.APITimeoutError: _no_answer,
        anthropic.APIConnectionError: _unreachable,
        httpx2.HTTPError: _no_answer,
        httpx2.InvalidURL: _refused,
        # nothing was sent
        more.CredentialsError: _no_credentials,
        more.IdentityTokenFileError: _no_credentials,
        WorkloadIdentityError: _no_credentials,
        MutuallyExclusiveAuthError: _no_credentials,
        MissingDependencyError: _refused,
        StreamAlreadyConsumed: _senseless,
        more.RetryableError: _no_answer,
        anthropic.APIWebhookValidationError: _refused,
        anthropic.APIError: _no_answer,
        anthropic.AnthropicError: _no_answer,
    }


def hopeless(body: bytes) -> bool:
    """Tell from the body of a 429 that it is about money, which no waiting brings."""
    try:
        answer = json.loads(body)
        code = answer["error"]["details"]["error_code"]
    except (ValueError, KeyError, TypeError):
        return False
    return code in _SPENT


def _refused(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(InvalidRequestError, attempt, "refused to", failure, "")


def _credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(CredentialsError, attempt, "refused the key to", failure, _KEY_HINT)


def _no_credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "set `ANTHROPIC_API_KEY`, name another variable with `key_env:`, or mend the profile"
    return made(CredentialsError, attempt, "has no usable credentials to", failure, hint)


def _unpaid(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "add credit to the organization; waiting does not help"
    return made(InvalidRequestError, attempt, "wants to be paid to", failure, hint)


def _forbidden(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "the key is valid and may not do this: use a key of the right workspace"
    return made(CredentialsError, attempt, "does not permit to", failure, hint)


def _missing(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the name of the model, `base_url` and the account; `tunectl model list` shows all"
    return made(NotFoundError, attempt, "knows no such object to", failure, hint)


def _conflict(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(ConflictError, attempt, "has a conflict and refused to", failure, "")


def _rate(attempt: Attempt, failure: Failure) -> ProviderError:
    spent = "a limit of money is reached: waiting does not help, raise it in the console"
    return limited(attempt, failure, for_good=spent if failure.code in _SPENT else "")


def _status(attempt: Attempt, failure: Failure) -> ProviderError:
    rule = _refused if failure.status < _SERVER_FAULT else _no_answer
    return rule(attempt, failure)


def _in_stream(attempt: Attempt, failure: Failure) -> ProviderError:
    by_type: Mapping[str, Rule] = {
        "invalid_request_error": _refused,
        "authentication_error": _credentials,
        "permission_error": _forbidden,
        "not_found_error": _missing,
        "rate_limit_error": _rate,
        "billing_error": _unpaid,
    }
    return by_type.get(failure.type, _no_answer)(attempt, failure)


def _senseless(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check that `base_url` is the API and not a web page or a proxy"
    return made(UnavailableError, attempt, "gave no usable answer when asked to", failure, hint)


def _unreachable(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the network, the proxy variables and `base_url`"
    return made(UnavailableError, attempt, "cannot be reached to", failure, hint)


def _no_answer(attempt: Attempt, failure: Failure) -> ProviderError:
    return made(UnavailableError, attempt, "failed to", failure, "try again later")
