"""Ctrl-C: the first asks to stop, the second leaves at once. SIGTERM is like the first."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from tunectl.core.errors import Exit


@contextlib.contextmanager
def interruptible(on_first: Callable[[], None]) -> Iterator[threading.Event]:
    """Give an event that the first signal sets; restore the handlers afterwards.

    Outside the main thread signals cannot be handled, and the event is never set.
    """
    stop = threading.Event()

    def handle(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if stop.is_set():
            sys.stdout.flush()
            os._exit(Exit.INTERRUPTED)
        stop.set()
        on_first()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
