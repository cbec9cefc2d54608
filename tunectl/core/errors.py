"""Diagnostics are values; exceptions are for stopping.

The exception tree::

    TunectlError                      carries diagnostics and the exit code
    ├── ConfigError                   the declaration cannot be used (every problem at once)
    ├── Refused                       a guard, a check or a policy says no
    ├── StateError                    the recorded state cannot be used
    │   ├── LockError                 the lock is held by another, or was lost
    │   └── StaleError                what a plan or a write binds to has moved
    ├── ProviderError                 a provider said no, or could not be asked
    │   ├── CredentialsError          missing, wrong or expired key
    │   ├── InvalidRequestError       a definite refusal: nothing was created
    │   │   └── ClosedError               for good: nobody may make it there any more
    │   ├── NotFoundError             the object does not exist
    │   ├── ConflictError             the object exists and is not ours, or is busy
    │   ├── RateLimitError            a definite refusal: ask again later
    │   ├── UnavailableError          the service could not be reached: nothing was sent
    │   └── UnknownOutcomeError       sent, and no answer says whether it took effect
    ├── ApplyError                    part of a plan was applied, part was not
    └── Interrupted                   stopped by the user; safe to run again
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum
from typing import Self

from tunectl.core.dataclass import dataclass


class Exit(IntEnum):
    """Process exit codes; stable, documented, never renumbered."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    LOCK = 4
    STALE = 5
    CREDENTIALS = 6
    PARTIAL = 7
    RUNNING = 8
    GATE = 9
    INTERRUPTED = 130


# When several apply, the first of these is the process's exit code.
EXIT_PRECEDENCE = (
    Exit.INTERRUPTED,
    Exit.LOCK,
    Exit.CREDENTIALS,
    Exit.STALE,
    Exit.REFUSED,
    Exit.PARTIAL,
    Exit.GATE,
    Exit.RUNNING,
    Exit.ERROR,
    Exit.CHANGES,
    Exit.DONE,
)


def strongest(codes: Iterable[Exit]) -> Exit:
    """Return the code that wins when several apply; `Exit.DONE` for none."""
    return min(codes, key=EXIT_PRECEDENCE.index, default=Exit.DONE)


class Severity(Enum):
    """How much a diagnostic matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file a person wrote.

    Attributes:
        file: path as the user would type it, relative to the project where it lies inside.
        line: 1-based; 0 when the whole file is meant.
        column: 1-based, in characters; 0 when the whole line is meant.
        text: the offending line without its line end, empty when unknown.
        length: how many characters are meant, at least 1.
        layer: the overlay or module the file was read for, empty for the base layer.
    """

    file: str
    line: int = 0
    column: int = 0
    text: str = ""
    length: int = 1
    layer: str = ""

    def __str__(self) -> str:
        """`file:line:column`, leaving out what is not known."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing a person should know, with where it is and what to do.

    Attributes:
        summary: one line, lower case, no full stop, names in backticks.
        detail: further sentences; may hold several lines.
        hint: what to do, in one sentence.
        code: a stable name of the rule (`unknown-key`, `duplicate-address`).
        address: the resource it speaks of, as text.
        exit: the exit code it stands for when it is an error.
        stands_for: how many findings it speaks of, where not all are shown one by one.
    """

    summary: str
    severity: Severity = Severity.ERROR
    detail: str = ""
    hint: str = ""
    code: str = ""
    address: str = ""
    source: Source | None = None
    exit: Exit = Exit.ERROR
    stands_for: int = 1


class TunectlError(Exception):
    """Every error a user is meant to read.

    Attributes:
        diagnostics: what to show, in order.
        exit: the process's exit code; each class has its own.
    """

    exit: Exit = Exit.ERROR

    def __init__(self, diagnostics: tuple[Diagnostic, ...] = (), exit: Exit | None = None) -> None:  # noqa: A002
        """Take what to show; where nothing else says it, the strongest of it chooses the code."""
        self.diagnostics = diagnostics
        self.exit = self.exit if exit is None else exit
        if diagnostics and self.exit is Exit.ERROR:
            self.exit = strongest(d.exit for d in diagnostics)
        super().__init__(str(self))

    def __str__(self) -> str:
        """The summaries, for logs and tracebacks."""
        return "; ".join(d.summary for d in self.diagnostics)

    def __repr__(self) -> str:
        """Everything it says, for those who look for a mistake."""
        return f"{type(self).__name__}(diagnostics={self.diagnostics!r}, exit={self.exit!r})"

    @classmethod
    def of(
        cls,
        summary: str,
        *,
        hint: str = "",
        detail: str = "",
        code: str = "",
        address: str = "",
        source: Source | None = None,
    ) -> Self:
        """Make an error of one diagnostic that carries the class's own exit code."""
        made = cls()
        diagnostic = Diagnostic(
            summary=summary,
            hint=hint,
            detail=detail,
            code=code,
            address=address,
            source=source,
            exit=made.exit,
        )
        return cls((diagnostic,), made.exit)


class ConfigError(TunectlError):
    """The declaration cannot be used; carries every problem found."""


class Refused(TunectlError):  # noqa: N818  # "refused" is what the exit code is called
    """A guard, a check or a policy says no; nothing was done."""

    exit: Exit = Exit.REFUSED


class StateError(TunectlError):
    """The recorded state cannot be used."""


class LockError(StateError):
    """The lock is held by another, or was lost."""

    exit: Exit = Exit.LOCK


class StaleError(StateError):
    """What a plan or a conditional write binds to has moved."""

    exit: Exit = Exit.STALE


class ProviderError(TunectlError):
    """A provider said no, or could not be asked."""


class CredentialsError(ProviderError):
    """A key is missing, wrong or expired."""

    exit: Exit = Exit.CREDENTIALS


class InvalidRequestError(ProviderError):
    """A definite refusal: nothing was created."""


class ClosedError(InvalidRequestError):
    """A definite refusal for good: this account can make no such object any more.

    What was made for it alone is of no use, and is removed again.
    """


class NotFoundError(ProviderError):
    """The object does not exist."""


class ConflictError(ProviderError):
    """The object exists and is not ours, or is busy."""


class RateLimitError(ProviderError):
    """A definite refusal: ask again later.

    Attributes:
        wait: seconds that the provider asks to wait; infinite where waiting does not help, None
            where it does not say.
    """

    wait: float | None = None


class UnavailableError(ProviderError):
    """The service could not be reached; nothing was sent."""


class UnknownOutcomeError(ProviderError):
    """Sent, and no answer says whether it took effect."""


class ApplyError(TunectlError):
    """Part of a plan was applied, part was not."""

    exit: Exit = Exit.PARTIAL


class Interrupted(TunectlError):  # noqa: N818  # named for the exit code
    """Stopped by the user; everything is stored and it is safe to run again."""

    exit: Exit = Exit.INTERRUPTED
