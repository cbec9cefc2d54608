"""The one seam between what Langfuse answers, or does not, and the core's errors."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.attempt import Attempt, Failed, limited, made
from tunectl.providers.etiquette import retry_after

if TYPE_CHECKING:
    import httpx2

_FAULT = 500
_UNREACHED = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError")


def refusal(answer: httpx2.Response, attempt: Attempt) -> ProviderError:
    """Return the error of an answer that is no success."""
    status = answer.status_code
    words = attempt.clean(_words(answer))
    detail = f"status {status}"
    match status:
        case 401:
            return _made(
                CredentialsError, attempt, "refused the keys to", words, detail,
                "check both keys: are they of one project, and of this address? Langfuse's clouds "
                "in the EU and the US have different keys",
            )  # fmt: skip
        case 403:
            return _made(
                CredentialsError, attempt, "does not permit to", words, detail,
                "the keys are valid and may not do this: use keys of a project that may write, or "
                "let an admin of the project take the protection off the label",
            )  # fmt: skip
        case 404:
            return _made(
                NotFoundError, attempt, "knows no such object to", words, detail,
                "check `base_url` and the project",
            )  # fmt: skip
        case 409:
            return _made(ConflictError, attempt, "has a conflict and refused to", words, detail, "")
        case 429:
            wait = retry_after(answer.headers, time.time())
            return limited(attempt, Failed(words=words, detail=detail, wait=wait))
    if status < _FAULT and status >= 400:
        return _made(InvalidRequestError, attempt, "refused to", words, detail, "")
    return _unknown(attempt, words, detail)


def failure(error: Exception, attempt: Attempt) -> ProviderError:
    """Return the error of a request that was not answered."""
    words = attempt.clean(str(error)) or type(error).__name__
    if type(error).__name__ in _UNREACHED:
        return _made(
            UnavailableError, attempt, "cannot be reached to", words, "",
            "check the network, the proxy variables and `base_url`",
        )  # fmt: skip
    return _unknown(attempt, words, "")


def senseless(attempt: Attempt, words: str) -> ProviderError:
    """Return the error of an answer that is not what was asked for."""
    if attempt.changes:
        return _unknown(attempt, words, "")
    return _made(
        UnavailableError, attempt, "gave no usable answer when asked to", words, "",
        "check that `base_url` is Langfuse and not a web page or a proxy",
    )  # fmt: skip


def _unknown(attempt: Attempt, words: str, detail: str) -> ProviderError:
    if attempt.changes:
        return _made(
            UnknownOutcomeError, attempt, "does not say whether it did", words, detail,
            "run it again: it looks first",
        )  # fmt: skip
    return _made(UnavailableError, attempt, "failed to", words, detail, "try again later")


def _words(answer: httpx2.Response) -> str:
    """Langfuse's own words: `message`, and of a refused body what is wrong with each field."""
    try:
        body: Any = json.loads(answer.read())
    except ValueError:
        return answer.reason_phrase or "no words"
    if not isinstance(body, dict):
        return answer.reason_phrase or "no words"
    said = str(body.get("message") or answer.reason_phrase)
    issues = body.get("error")
    if isinstance(issues, list):
        told = [
            f"{'.'.join(map(str, one.get('path') or ()))}: {one.get('message')}"
            for one in issues
            if isinstance(one, dict)
        ]
        said = "; ".join([said, *told])
    return said


def _made(
    kind: type[ProviderError], attempt: Attempt, verb: str, words: str, detail: str, hint: str
) -> ProviderError:
    return made(kind, attempt, verb, Failed(words=words, detail=detail), hint)
