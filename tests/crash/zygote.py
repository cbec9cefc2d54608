"""A warm process that forks: everything is imported once, and a command begins in milliseconds.

`python -m tests.crash.zygote FOLDER` reads one JSON request a line and answers with one line. A
request names a world, the faults of its server, and the steps: commands, each in a process of its
own, each perhaps killed at a point.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from tests.crash.child import KEY, command, serve
from tests.crash.stored import inventory
from tests.crash.worlds import DOCUMENT, ROWS, WORLDS, row

PATIENCE = 60.0
MOST_EPOCHS = 50  # that the local server takes
_PR_SET_PDEATHSIG = 1


class Zygote:
    """Runs requests in forked children, in one folder, with one port."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.project, self.root = base / "projekt żółw", base / "serwer"
        self.log = base / "requests.jsonl"
        # Held, never listening: while the server is down, the port is given to no connection that
        # anybody on this machine makes, and the server may bind it beside us.
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.port = int(self.held.getsockname()[1])
        self.server = self.servers = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked and return what was seen."""
        return self.chain(request) if request["do"] == "chain" else self.case(request)

    def warm_up(self) -> None:
        """Import what commands import only while they run, and work out what they do once each.

        One child of each kind tells what it imported; then the same is done in this process, so
        that each child begins with the methods, patterns and tables that all would make alike.
        """
        for name in ("endpoint", "prompt", "destroy", "openai", "ask"):
            each = (WORLDS[name].command, ("plan",), ("state", "list"))
            for carry_out in (self._tell_modules, self._practise):
                self.restore(name)
                self.serve([])
                for args in each:
                    carry_out(list(args))
                self.stop()
        threads = [thread.name for thread in threading.enumerate()]
        if len(threads) > 1:
            raise RuntimeError(f"a process that forks may have no threads: {threads}")

    def _tell_modules(self, args: list[str]) -> None:
        self.run({"args": args, "modules": True})
        for module in json.loads(_text(self.base / "modules")):
            importlib.import_module(module)

    def _practise(self, args: list[str]) -> None:
        clock = time.sleep, time.monotonic, threading.Event.wait
        with (self.base / "practice").open("a+", encoding="utf-8") as said:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                try:
                    code = command(self.project, self.root, self.port, {"args": args}, self.base)
                finally:
                    time.sleep, time.monotonic, threading.Event.wait = clock
                    os.chdir(self.base)
            if code:
                said.seek(0)
                raise RuntimeError(f"{args} ended with {code}: {said.read()}")

    # Worlds

    def restore(self, name: str) -> None:
        """Put a world in place as it was before its command."""
        kept = self.base / "worlds" / name
        if not kept.exists():
            self._prepare(name, kept)
        for folder in (self.project, self.root):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(kept / folder.name, folder)

    def _prepare(self, name: str, kept: Path) -> None:
        world = WORLDS[name]
        for folder in (self.project, self.root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (self.root / "token").write_text(KEY)
        (self.root / "account.json").write_text('{"id": "local-0123456789ab"}\n')
        rows = "".join(row(n) + "\n" for n in range(ROWS))
        (self.project / "rows.jsonl").write_text(rows, encoding="utf-8")
        (self.project / "zwroty.md").write_text(DOCUMENT, encoding="utf-8")
        if world.before:
            self.declare(world.before)
            self.serve([])
            done = self.run({"args": ["apply", "--auto-approve"]})
            self.stop()
            if done["code"] != 0:
                raise RuntimeError(f"world `{name}` cannot be prepared: {done}")
        if world.foreign:
            self.serve([])
            self._train_for_somebody_else()
            self.stop()
        self.declare(world.now)
        kept.mkdir(parents=True)
        for folder in (self.project, self.root):
            shutil.copytree(folder, kept / folder.name)

    def _train_for_somebody_else(self) -> None:
        """Make a job that carries no metadata, and see it through."""
        from openai import OpenAI

        with OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=KEY) as client:
            rows = ("ours.jsonl", (self.project / "rows.jsonl").read_bytes())
            file = client.files.create(file=rows, purpose="fine-tune")
            job = client.fine_tuning.jobs.create(model="simulated-1", training_file=file.id)
            while client.fine_tuning.jobs.retrieve(job.id).status != "succeeded":
                time.sleep(0.01)

    def declare(self, text: str) -> None:
        """Write the declaration."""
        path = self.project / "tunectl.yaml"
        path.write_text(text.replace("PORT", str(self.port)), encoding="utf-8")

    # Cases

    def case(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the steps of one case over a world."""
        self.restore(request["world"])
        self._forget_requests()
        rules, cold = request.get("rules", []), bool(request.get("cold"))
        if cold:
            shutil.rmtree(self.root)  # the command makes the folder and starts its server
        else:
            self.serve(rules)
        steps = []
        try:
            for step in request["steps"]:
                if rules and steps and not request.get("lasting"):
                    # The faults were for the first command alone, unless they last.
                    self.stop()
                    self.serve([])
                    rules = []
                steps.append(self._surely({**step, "cold": cold}))
        finally:
            self._end_started() if cold else self.stop()
        return {
            "steps": steps,
            "there": inventory(self.root),
            "requests": _requests(self.log),
            "artefacts": {name: _text(self.project / name) for name in request.get("read", ())},
        }

    def _forget_requests(self) -> None:
        for path in self.base.glob(f"{self.log.name}.*"):
            path.unlink()

    def _surely(self, step: dict[str, Any]) -> dict[str, Any]:
        """Run a command; where it cannot tell what became of something, allow another one."""
        done = self.run(step)
        if step.get("unsure") and done["code"] == 1 and "--retry-unknown" in done["err"]:
            allowed = [word for a in step["unsure"] for word in ("--retry-unknown", a)]
            done = {**self.run({**step, "args": [*step["args"], *allowed]}), "allowed": True}
        return done

    def chain(self, request: dict[str, Any]) -> dict[str, Any]:
        """Kill one project's applies again and again, at points and at instants drawn by a seed.

        Whenever an apply gets through, the declaration is edited so that the next has work to
        do, as long as there are epochs left that the server takes.
        """
        draw = random.Random(request["seed"])
        self.restore("all")
        self._forget_requests()
        self.serve([])
        versions, kills, seen = 1, 0, []
        try:
            while kills < request["kills"]:
                step: dict[str, Any] = {"args": ["apply", "--auto-approve"]}
                if draw.random() < 0.5:
                    step["kill_at"] = draw.randint(1, 320)
                else:
                    step["kill_after"] = draw.uniform(0.0, 0.3)
                done = self.run(step)
                kills += done["code"] == -9
                seen.append({**done, "state": self._state(), "there": inventory(self.root)})
                if done["code"] == 0 and versions < MOST_EPOCHS:
                    versions += 1
                    self.declare(WORLDS["all"].now.replace("epochs: 1", f"epochs: {versions}"))
            steps = [self.run({"args": list(a)}) for a in (("apply", "--auto-approve"), ("plan",))]
        finally:
            self.stop()
        there = inventory(self.root)
        return {"seen": seen, "kills": kills, "versions": versions, "steps": steps, "there": there}

    def _state(self) -> dict[str, Any]:
        """Read the state as the next command would: what is in it, or why it cannot be read."""
        from tunectl.core.errors import StateError
        from tunectl.stores.file import FileStore
        from tunectl.stores.ledger import Ledger

        try:
            state = Ledger(FileStore(self.project / "state"), "pomoc", "default", "0").load()
        except StateError as error:
            return {"error": str(error)}
        return {"ids": [[str(i.address), i.id] for i in state.everything]}

    # The server

    def serve(self, rules: list[dict[str, Any]]) -> None:
        """Start the server; it listens when this returns."""
        (self.root / "server.json").unlink(missing_ok=True)
        # Each server of a case has a log of its own, and its numbers begin anew.
        self.servers += 1
        log = self.log.with_name(f"{self.log.name}.{self.servers:06d}")
        self.server = os.fork()
        if self.server == 0:
            _die_with_parent()
            self._quiet("server")
            try:
                serve(self.root, self.port, rules, log)
            except BaseException:  # noqa: BLE001  # told in `server.err`; the fork must not go on as the zygote
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(1)
        deadline = time.monotonic() + PATIENCE
        while not (self.root / "server.json").exists():
            if time.monotonic() > deadline or os.waitpid(self.server, os.WNOHANG)[0]:
                self.server = 0
                raise RuntimeError("the server did not start: " + _text(self.base / "server.err"))
            time.sleep(0.001)

    def _end_started(self) -> None:
        """End the server that a command started."""
        said = self.root / "server.json"
        deadline = time.monotonic() + PATIENCE
        while said.exists() and time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, KeyError):
                os.kill(int(json.loads(_text(said))["pid"]), signal.SIGTERM)
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server as a power cut does."""
        if self.server:
            os.kill(self.server, signal.SIGKILL)
            os.waitpid(self.server, 0)
            self.server = 0

    # Commands

    def run(self, step: dict[str, Any]) -> dict[str, Any]:
        """Run one command in a child; return its exit code (-9: killed) and what it printed."""
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _die_with_parent()
            code = 70
            try:
                self._quiet("command")
                code = command(self.project, self.root, self.port, step, self.base / "points")
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = self._wait(child, step.get("kill_after"))
        found = {
            "args": step["args"],
            "code": code,
            "out": _text(self.base / "command.out"),
            "err": _text(self.base / "command.err"),
            "seconds": time.monotonic() - began,
        }
        if step.get("record"):
            found["points"] = json.loads(_text(self.base / "points"))
        return found

    def _wait(self, child: int, kill_after: float | None) -> int:
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        guard = threading.Timer(PATIENCE, os.kill, (child, signal.SIGKILL))
        guard.start()
        try:
            _, status = os.waitpid(child, 0)
        finally:
            guard.cancel()
        return os.waitstatus_to_exitcode(status)

    def _quiet(self, name: str) -> None:
        for stream, number in (("out", 1), ("err", 2)):
            target = os.open(
                self.base / f"{name}.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644
            )
            os.dup2(target, number)
            os.close(target)


def _die_with_parent() -> None:
    """Let Linux end this child when the zygote ends, however that comes about."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _requests(log: Path) -> list[Any]:
    """Return what was asked, in the order in which it came, of one server after the other."""
    found = []
    for path in sorted(log.parent.glob(f"{log.name}.*")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        found += sorted(lines, key=lambda line: line["number"])
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _warm() -> None:
    """Import all that a command or a server imports while it works."""
    import httpx2
    import openai
    import uvicorn.protocols.http.auto

    import tunectl.cli.main
    import tunectl.providers.builtin
    import tunectl.providers.local
    import tunectl.providers.openai
    import tunectl.server.serve

    del httpx2, openai, uvicorn, tunectl


def main() -> None:
    """Answer requests until there are none."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for name in [n for n in os.environ if n.startswith(("TUNECTL", "OPENAI"))]:
        del os.environ[name]
    _warm()
    zygote = Zygote(Path(sys.argv[1]))
    zygote.warm_up()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        try:
            found = zygote.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001  # told to the test, which fails with it
            found = {"error": f"{type(error).__name__}: {error}\n{traceback.format_exc()}"}
            zygote.stop()
        replies.write(json.dumps(found) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
