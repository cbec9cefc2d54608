"""numpy without the threads of its linear algebra, which nothing in this room uses.

OpenBLAS, which numpy's wheels bring, starts a thread for each further core when it is loaded, and
each waits busily for work: a tenth of a second of CPU for every command that only sorts and
compares. How many threads there are it reads from the environment, once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_THREADS = "OPENBLAS_NUM_THREADS"


@contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts a numpy that is loaded starts no threads; what the user set stays."""
    if "numpy" in sys.modules or _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_THREADS, None)
