"""A provider that says "too many requests" has done nothing: the same call may be made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tunectl.core.errors import RateLimitError
from tunectl.engine.run import Run

T = TypeVar("T")

_LONGEST = 60.0  # seconds one apply is ready to wait for one call; more is for the next apply


def patiently(run: Run, call: Callable[[], T]) -> T:
    """Make a call, and make it again after a definite "ask later".

    Only that answer is repeated: whatever may have taken effect is not.

    Raises:
        RateLimitError: it goes on too long, waiting does not help, or the user wants to stop.
        TunectlError: whatever else the call raises.
    """
    for pause in run.tools.backoff:
        try:
            return call()
        except RateLimitError as error:
            wait = pause if error.wait is None else error.wait
            if wait > _LONGEST or run.tools.stop.wait(wait):
                raise
    return call()
