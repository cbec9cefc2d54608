"""Commands in processes of their own that begin warm: a process that has imported all forks each.

Half of what a command costs is that it imports its parts, which is the same every time. Here each
still has its own arguments, folder, environment, output, exit code and end; only the interpreter
is not started anew. What must be a wholly new process says `Site(fresh=True)`.

`python -m tests.e2e.warm` reads one JSON request a line and answers with the exit code.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1
# What is imported before the fork once a command has needed it: no threads, nothing of a project.
KEPT = {"tunectl", "openai", "pydantic", "httpx2", "httpcore2", "anyio", "jinja2", "ruamel", "rich"}
# What an interpreter, or a library while it is imported, reads once, as it stood before any test.
_ONCE = ("PYTHON", "LC_", "LANG", "LD_", "TZ", "OPENAI_LOG")
_BEGAN = {name: value for name, value in os.environ.items() if name.startswith(_ONCE)}


def serves(env: Mapping[str, str]) -> bool:
    """Tell whether a command in this environment would begin as the process that forks did."""
    return {name: value for name, value in env.items() if name.startswith(_ONCE)} == _BEGAN


class Commands:
    """The process that forks, as a test sees it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="tunectl-warm-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.warm", self._folder.name],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith(_ONCE)} | _BEGAN,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(
        self, args: list[str], folder: Path, env: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run one command to its end; return its exit code and what it printed on both streams.

        Raises:
            TimeoutError: it took longer, in seconds, and was ended.
        """
        request = {"args": args, "cwd": str(folder), "env": dict(env), "timeout": timeout}
        with self._mutex:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            code = json.loads(self._process.stdout.readline())
            out, err = (
                (Path(self._folder.name) / name).read_text(encoding="utf-8")
                for name in ("out", "err")
            )
        if code is None:
            raise TimeoutError(f"{args} took longer than {timeout} s: {out}{err}")
        return code, out, err

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()


@cache
def commands() -> Commands:
    """Return the one of this test process; it ends with it."""
    made = Commands()
    atexit.register(made.close)
    return made


def _carry_out(request: Mapping[str, Any], base: Path) -> int | None:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            _become(request, base)
            code = _command(request["args"])
            names = [name for name in sys.modules if name.partition(".")[0] in KEPT]
            (base / "modules").write_text(json.dumps(names), encoding="utf-8")
        except BaseException:  # noqa: BLE001  # told on its stderr; the fork must not go on
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    late = threading.Event()

    def end() -> None:
        late.set()
        os.kill(child, signal.SIGKILL)

    guard = threading.Timer(request["timeout"], end)
    guard.start()
    try:
        _, status = os.waitpid(child, 0)
    finally:
        guard.cancel()
        guard.join()
    return None if late.is_set() else os.waitstatus_to_exitcode(status)


def _become(request: Mapping[str, Any], base: Path) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(base / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, number)
        os.close(file)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])


def _command(args: list[str]) -> int:
    from tunectl.__main__ import main

    sys.argv = ["tunectl", *args]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _learn(base: Path) -> None:
    told = base / "modules"
    if told.exists():
        for name in json.loads(told.read_text(encoding="utf-8")):
            importlib.import_module(name)
        told.unlink()


def main() -> None:
    """Answer requests until there are none."""
    base = Path(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        code = _carry_out(json.loads(line), base)
        _learn(base)
        replies.write(json.dumps(code) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
