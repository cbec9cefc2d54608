"""What a forked child does: serve with faults, or run one command whose points are counted."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.crash import seams
from tests.crash.paced import PacedExecutor, Questions

KEY = "c0ffee" * 8
HASTE = 0.02  # real seconds in a second of a command


def serve(root: Path, port: int, rules: list[dict[str, Any]], log: Path) -> None:
    from starlette.middleware import Middleware

    from tunectl.server.faults import Faults, Plan, Rule
    from tunectl.server.serve import Listen, serve
    from tunectl.server.service import Settings

    executor = PacedExecutor()
    plan = Plan([Rule(**rule) for rule in rules], log)
    serve(
        Settings(root, "simulated", 0.0),
        Listen(port=port),
        middleware=[Middleware(Faults, plan=plan), Middleware(Questions, executor=executor)],
        executor=executor,
    )


def command(project: Path, root: Path, port: int, step: dict[str, Any], record: Path) -> int:
    from tunectl.cli.main import run

    os.chdir(project)
    os.environ.update(TUNECTL_LOCAL_ROOT=str(root), CRASH_KEY=KEY, COLUMNS="100", NO_COLOR="1")
    if not step.get("cold"):  # a server that is started takes the time it takes
        _hurry(step.get("seconds"))
    points = None
    if "arm" in step or "kill_at" in step or step.get("record"):
        arm = step.get("arm")
        points = seams.Points(
            (str(project), str(root)), (arm[0], arm[1]) if arm else None, step.get("kill_at")
        )
        seams.install(points)
    if "patience" in step:
        _keep_lock(step["patience"])
    if "mutant" in step:
        _mutate(step["mutant"])
    if "refuse" in step:
        _refuse(step["refuse"])
    code = run(step["args"])
    if step.get("modules"):
        names = [name for name in sys.modules if not name.startswith(("__", "tests."))]
        (record.parent / "modules").write_text(json.dumps(names))
    if points is not None and step.get("record"):
        with record.open("w", encoding="utf-8") as stream:
            json.dump(points.passed, stream)
    return int(code)


def _hurry(seconds: float | None) -> None:
    """Let a child's clock run fast, and let it give up on an answer early if told to."""
    sleep, wait, clock = time.sleep, threading.Event.wait, time.monotonic
    start = clock()

    def waited(self: threading.Event, timeout: float | None = None) -> bool:
        return wait(self, None if timeout is None else timeout * HASTE)

    time.sleep = lambda wanted: sleep(wanted * HASTE)
    time.monotonic = lambda: start + (clock() - start) / HASTE
    threading.Event.wait = waited
    if seconds is not None:
        from tunectl.providers.wire.client import Wire

        real: Any = Wire._client

        def client(self: Wire, reached: Any, attempt: Any, limit: float) -> Any:
            return real(self, reached, attempt, min(limit, seconds))

        Wire._client = client


def _keep_lock(seconds: float) -> None:
    """Say how long the lock is kept during a wait: whichever it is, the same in every run.

    A lock that is let go at once is let go during the first pause between two looks.
    """
    from tunectl.app import rounds
    from tunectl.engine.run import Run

    rounds._PATIENCE = seconds
    if seconds > 0:
        return
    pausing = threading.Event()
    real = Run.__init__

    class Afterwards(threading.Event):
        def set(self) -> None:
            pausing.wait(1 / HASTE)
            super().set()

    def init(self: Run, *args: Any) -> None:
        real(self, *args)
        self.let_go = Afterwards()

    def nap(self: Run, seconds: float) -> None:
        pausing.set()
        self.let_go.wait(seconds / HASTE)

    Run.__init__ = init
    Run.nap = nap


def _mutate(name: str) -> None:
    """Break one law of the product, to see that the suite notices."""
    from tunectl.providers.wire import client, tuning_job

    if name == "blind":  # an interrupted create is never looked for
        tuning_job.TuningJobs.find = lambda self, mark: ()
    if name == "hasty":  # a list is believed at once
        tuning_job.TuningJobs.lag = 0.0
    if name == "insistent":  # the SDK repeats what makes something
        real = client._connect
        client._connect = lambda reached, pace, once: real(reached, pace, once=False)


def _refuse(rule: dict[str, Any]) -> None:
    """Send some requests to a port at which nobody listens: no server can refuse for itself."""
    import httpx2

    # Bound until this process ends, and nobody listens.
    nowhere = socket.socket()
    nowhere.bind(("127.0.0.1", 0))
    left = [int(rule.get("skip", 0)), int(rule.get("times", 1))]
    real = httpx2.HTTPTransport.handle_request

    def handle(self: Any, request: Any) -> Any:
        fits = request.method == rule["method"] and re.fullmatch(rule["path"], request.url.path)
        if fits and left[0] > 0:
            left[0] -= 1
        elif fits and left[1] > 0:
            left[1] -= 1
            request.url = request.url.copy_with(port=nowhere.getsockname()[1])
        return real(self, request)

    httpx2.HTTPTransport.handle_request = handle
