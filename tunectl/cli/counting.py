"""A progress line while a big file is read: only where a person watches."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from tunectl.cli.session import Session


@contextlib.contextmanager
def counting(session: Session) -> Iterator[Callable[[int, int, int], None] | None]:
    """Yield what is told of the reading: bytes and rows so far, and the bytes there are.

    Yields None where nobody watches: standard error is no terminal, or a machine reads.
    """
    if session.machine or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("reading", total=None, rows=0)

        def tell(done: int, rows: int, total: int) -> None:
            shown.update(task, completed=done, total=total or None, rows=f"{rows:,}")

        yield tell
