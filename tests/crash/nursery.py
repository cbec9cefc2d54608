"""The zygote as a test sees it: a process of its own, asked and answering a line at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")  # fsync costs nothing there


class Nursery:
    """A zygote and its folder; closed, nothing of it is left."""

    def __init__(self) -> None:
        where = MEMORY if MEMORY.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(prefix="tunectl-crash-", dir=where)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote", self._folder.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def case(self, world: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Run steps over a world; return what was seen.

        Raises:
            RuntimeError: the zygote itself went wrong.
        """
        return self._ask({"do": "case", "world": world, "steps": list(steps), **more})

    def chain(self, seed: int, kills: int) -> dict[str, Any]:
        """Kill the applies of one project so many times; return what was seen after each.

        Raises:
            RuntimeError: the zygote itself went wrong.
        """
        return self._ask({"do": "chain", "seed": seed, "kills": kills})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the zygote ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._folder.cleanup()
