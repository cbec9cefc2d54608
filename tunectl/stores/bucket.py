"""What an object store asks of a bucket, and the few words for the many errors of the SDKs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit, StateError
from tunectl.core.ports import Blob


class Moved(Exception):  # noqa: N818  # never leaves the room
    """A condition did not hold, as far as the service can tell."""


class Unsure(Exception):  # noqa: N818  # never leaves the room
    """No answer says whether it took effect; trying again may help.

    Attributes:
        error: what to tell the user when it does not.
    """

    def __init__(self, error: StateError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Head:
    """What a bucket tells of an object without its content.

    Attributes:
        generation: what a conditional call names.
        token: of the write that made it, empty when it was not one of ours.
        age: seconds since it was written, by the service's own clock.
    """

    generation: str
    token: str
    age: float


class Bucket(Protocol):
    """One bucket, through its SDK. Thread-safe; tries each call once.

    Every call raises `Unsure` when it may have taken effect or may be tried again, and
    `StateError` when neither: the bucket is missing, or we may not use it.

    Attributes:
        where: its address, for messages.
        proven: whether the service is known to enforce conditions.
    """

    where: str
    proven: bool

    def get(self, key: str) -> Blob | None:
        """Return an object, None when there is none."""
        ...

    def head(self, key: str) -> Head | None:
        """Return what is told of an object, None when there is none."""
        ...

    def put(self, key: str, content: bytes, token: str, expected: str | None) -> str:
        """Write when the generation is still `expected` (None: must not exist).

        Raises:
            Moved: it is not.
        """
        ...

    def copy(self, key: str, generation: str, target: str) -> None:
        """Copy that generation inside the bucket.

        Raises:
            Moved: it is not there any more.
        """
        ...

    def remove(self, key: str, expected: str | None = None) -> None:
        """Remove, when the generation is still `expected` where one is given; missing is fine.

        Raises:
            Moved: it is not.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in the order of their UTF-8 bytes."""
        ...

    def time(self) -> float:
        """Return the service's time as its last reply told it, Unix seconds."""
        ...


class ServiceClock:
    """The service's time, from the `Date` of its replies (RFC 9110 section 6.6.1), run on here."""

    def __init__(self) -> None:
        self._told: tuple[float, float] | None = None  # the service's time, and ours beside it

    def tell(self, date: datetime) -> None:
        """Note what a reply said."""
        self._told = (date.timestamp(), time.monotonic())

    def now(self) -> float:
        """Return the service's time, Unix seconds; this machine's before the first reply."""
        told = self._told
        return time.time() if told is None else told[0] + time.monotonic() - told[1]

    def age(self, written: datetime | None) -> float:
        """Return the seconds since a moment that the service told; never less than 0."""
        return 0.0 if written is None else max(0.0, self.now() - written.timestamp())


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Take no answer for an error: for what is not tried again.

    Raises:
        StateError: what a call was unsure of.
    """
    try:
        yield
    except Unsure as error:
        raise error.error from error


def unreachable(where: str, said: str) -> Unsure:
    """Return that the service did not answer, or not with anything definite."""
    return Unsure(
        StateError.of(
            f"state store `{where}` cannot be reached",
            detail=said,
            hint="check the network and the service's status, then run it again",
            code="state-unreachable",
        )
    )


def missing_bucket(where: str, hint: str) -> StateError:
    """Return that the bucket does not exist: never the same as an empty one."""
    return StateError.of(
        f"state store `{where}` does not exist", hint=hint, code="state-bucket-missing"
    )


def refused(where: str, said: str, hint: str) -> StateError:
    """Return that we may not; its exit code is that of credentials."""
    return StateError(
        (
            Diagnostic(
                summary=f"access to state store `{where}` was refused",
                detail=said,
                hint=hint,
                code="state-credentials",
                exit=Exit.CREDENTIALS,
            ),
        )
    )


def unusable(where: str, said: str) -> StateError:
    """Return that the service said no for another reason."""
    return StateError.of(
        f"state store `{where}` refused the request",
        detail=said,
        hint="check the `state:` address and the bucket's settings",
        code="state-unusable",
    )
