"""The collector of garbage, held off while many objects are made and hardly any goes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Hold the collector off; it would only look at everything again and again.

    What was made meanwhile is old afterwards, and is looked at when all that is old is: else the
    collector's first act would be to look at all of it. Also a decorator.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            if not gc.get_freeze_count():  # what somebody else froze stays so
                gc.freeze()
                gc.unfreeze()
            gc.enable()
