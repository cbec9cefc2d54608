"""Long-running operations, asked by name until they are done.

An operation's name is all that is needed to go on with it: nothing of it is kept in a process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tunectl.core.errors import ConflictError, InvalidRequestError, NotFoundError, ProviderError
from tunectl.providers.attempt import SenselessAnswerError, clean
from tunectl.providers.vertex.client import Cloud
from tunectl.providers.vertex.places import location_of

T = TypeVar("T")

_FIRST, _LAST, _SLOWER = 0.05, 5.0, 1.6  # seconds, seconds, factor
WITHIN = 1200.0  # seconds; Terraform's provider allows an endpoint 20 minutes too
_LAG = 300.0  # seconds for which an undeployment may not have arrived (python-aiplatform #2807)


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of one operation.

    Attributes:
        error: why it failed, in the provider's words; empty while it has not.
        code: of `google.rpc.Code`.
    """

    name: str
    done: bool
    error: str = ""
    code: int = 0


def looked_up(cloud: Cloud, name: str) -> Operation:
    """Ask how an operation goes.

    Raises:
        NotFoundError: it is not known any more.
    """
    location = location_of(name)
    # The service client asks at another path first, which only Google's console uses.
    return cloud.ask(
        f"follow the operation `{name}`",
        lambda: seen(cloud.get_json(location, f"v1/{name}")),
    )


def seen(answer: Mapping[str, Any]) -> Operation:
    """Return what a `google.longrunning.Operation` tells, as its REST route does.

    Raises:
        SenselessAnswerError: it is none.
    """
    if not answer.get("name"):
        raise SenselessAnswerError("`name` is missing")
    error = answer.get("error")
    error = error if isinstance(error, Mapping) else {}
    words = clean(str(error.get("message") or "")) or f"code {error.get('code')}"
    return Operation(
        name=str(answer["name"]),
        done=bool(answer.get("done")),
        error=words if error else "",
        code=int(error.get("code") or 0),
    )


def finished(cloud: Cloud, name: str, doing: str, within: float = WITHIN) -> None:
    """Wait until an operation is done.

    Args:
        cloud: where it runs.
        name: of the operation.
        doing: what it does, for messages.
        within: seconds.

    Raises:
        ConflictError: it goes on too long; it is not lost.
        ProviderError: it failed.
    """
    pause, deadline = _FIRST, time.monotonic() + within
    while True:
        try:
            now = looked_up(cloud, name)
        except NotFoundError:
            return  # it is over: only ended operations are forgotten
        if now.error:
            raise failure(cloud, doing, now)
        if now.done:
            return
        if time.monotonic() >= deadline:
            raise ConflictError.of(
                f"provider `{cloud.provider}` still works to {doing}",
                hint="run the same command again later: it goes on from there",
                detail=name,
            )
        time.sleep(pause)
        pause = min(pause * _SLOWER, _LAST)


def failure(cloud: Cloud, doing: str, operation: Operation) -> ProviderError:
    """Return the error of an operation that failed."""
    # google.rpc.Code: 9 FAILED_PRECONDITION, 10 ABORTED; 5 NOT_FOUND.
    kinds: dict[int, type[ProviderError]] = {9: ConflictError, 10: ConflictError, 5: NotFoundError}
    kind = kinds.get(operation.code, InvalidRequestError)
    return kind.of(
        f"provider `{cloud.provider}` failed to {doing}: {operation.error}", detail=operation.name
    )


def insisting(call: Callable[[], T], within: float = _LAG) -> T:
    """Make a call, and again while something earlier has not arrived everywhere yet.

    Raises:
        ConflictError: it still stands in the way.
    """
    pause, deadline = _FIRST, time.monotonic() + within
    while True:
        try:
            return call()
        except ConflictError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(pause * _SLOWER, _LAST)
