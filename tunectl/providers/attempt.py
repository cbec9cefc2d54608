"""One call to a service, and the errors that come of it: made in the same words for every service.

What was tried is an `Attempt`, what is worth keeping of a foreign exception a `Failed`. Law: an
answer that does not settle whether a change took effect is an unknown outcome, never a failure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunectl.core.errors import (
    Diagnostic,
    ProviderError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)

_LONGEST = 600  # characters of foreign words
_AGAIN = "run the same command again: it looks for the object before it tries once more"


class SenselessAnswerError(ValueError):
    """An answer is not the object that was asked for."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a service.

    Attributes:
        provider: the name under `providers:`.
        doing: what was attempted, as in `create a tuning job`.
        changes: whether it may have changed the remote side.
        secrets: texts that no message may hold.
    """

    provider: str
    doing: str
    changes: bool = False
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Leave the secrets out."""
        return f"Attempt({self.provider!r}, {self.doing!r})"

    def hiding(self, secret: str) -> Attempt:
        """Return the same with one more secret."""
        return replace(self, secrets=(*self.secrets, secret)) if secret else self

    def clean(self, text: str) -> str:
        """Return foreign text fit to be shown, without a secret."""
        for secret in self.secrets:
            text = text.replace(secret, "[key]")
        return clean(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What is worth keeping of a foreign exception.

    Attributes:
        words: the service's own, or the exception's; fit to be shown.
        detail: status, code and request id, which the service's support asks for.
        wait: seconds of `Retry-After`; None without one.
    """

    words: str
    detail: str = ""
    wait: float | None = None


def clean(text: str) -> str:
    """Return foreign text fit to be shown: one line, no control characters, not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def made(
    kind: type[ProviderError], attempt: Attempt, verb: str, failure: Failed, hint: str = ""
) -> ProviderError:
    """Return the core's error: who did what, in which words, and what to do."""
    exit_code = kind().exit
    diagnostic = Diagnostic(
        summary=f"provider `{attempt.provider}` {verb} {attempt.doing}: {failure.words}",
        hint=hint,
        detail=failure.detail,
        exit=exit_code,
    )
    return kind((diagnostic,), exit_code)


def limited(
    attempt: Attempt, failure: Failed, *, for_good: str = "", what: str = "requests "
) -> RateLimitError:
    """Return the error of a limit.

    Args:
        attempt: what was tried.
        failure: what was answered.
        for_good: the hint where no waiting lifts the limit; empty where it does.
        what: of which no more is allowed, with a space behind it.
    """
    wait = "later" if failure.wait is None else f"in {failure.wait:.0f} seconds"
    hint = for_good or f"try again {wait}"
    error = made(RateLimitError, attempt, f"allows no more {what}now to", failure, hint)
    assert isinstance(error, RateLimitError)
    error.wait = float("inf") if for_good else failure.wait
    return error


def unsettled(attempt: Attempt, failure: Failed, hint: str = "try again later") -> ProviderError:
    """No answer, or none to rely on: for a change that means "unknown", for a question "later"."""
    if attempt.changes:
        return made(UnknownOutcomeError, attempt, "may or may not have managed to", failure, _AGAIN)
    return made(UnavailableError, attempt, "failed to", failure, hint)


def silent(attempt: Attempt, failure: Failed) -> ProviderError:
    """Return the error of a call to which no answer came."""
    return unsettled(attempt, replace(failure, words=f"no answer came ({failure.words})"))


def senseless(attempt: Attempt, failure: Failed, hint: str = "try again later") -> ProviderError:
    """Return the error of an answer that is not what was asked for."""
    words = f"the answer was cut off or is not what the API gives ({failure.words})"
    return unsettled(attempt, replace(failure, words=words), hint)
