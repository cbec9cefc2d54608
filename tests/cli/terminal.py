"""Run the real program on a pseudo-terminal, the way a person does."""

from __future__ import annotations

import os
import pty
import select
import sys
from collections.abc import Mapping
from pathlib import Path

TURNS = 600  # of a tenth of a second each


def on_terminal(
    folder: Path, *args: str, answer: bytes = b"", environ: Mapping[str, str] | None = None
) -> tuple[str, int]:
    """Run `tunectl` there, type the answer at the prompt, return the screen and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update({"TERM": "xterm", **(environ or {})})
        os.execv(sys.executable, [sys.executable, "-m", "tunectl", *args])
    shown = b""
    ready = select.poll()  # unlike `select`, whatever the number of the descriptor
    ready.register(terminal, select.POLLIN | select.POLLHUP)
    for _ in range(TURNS):
        if not ready.poll(100):
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        shown += data
        if answer and b"Enter a value:" in shown:
            os.write(terminal, answer)
            answer = b""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(status)
