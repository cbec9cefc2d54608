"""Faults on purpose: a server that answers late, twice, wrongly or not at all, for tests.

It exists only in a server that was started with `--faults FILE`, which no other room passes and no
help names; without it this module is not imported and every request is served as it comes.

The file holds JSON: `{"log": PATH, "rules": [RULE, …]}`. Each request that comes in takes the
first rule that fits it; a rule that was used `times` times fits no more. To `log` one line is
written for each request when it is over; `number` says in which order they came. A rule says which
request (`method`, `path`: a regular expression for the whole of it, `skip`: how many that fit pass
first) and what goes wrong:

========== ======================================================================================
`reset`    the connection is reset
`lost`     the connection is closed without an answer
`status`   `status`, with `headers`, is answered
`half`     the answer's headers come, and half of its body
`senseless` a web page is answered with status 200
`hang`     nothing is answered for `seconds`, then the connection is closed
`slow`     the answer comes in pieces, each after `seconds`
`stale`    the first `looks` lists after something was made leave it out
========== ======================================================================================

`after` says whether the request takes effect first. `half`, `slow` and `stale` always do.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HOWS = frozenset({"reset", "lost", "status", "half", "senseless", "hang", "slow", "stale"})
_EFFECTIVE = frozenset({"half", "slow", "stale"})
_MADE = re.compile(r"/v1/(files|fine_tuning/jobs)")  # where POST makes something
_MARK = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_NOTED = 65_536  # bytes of a body that are searched for marks
_PAGE = b"<html><body>Welcome to the proxy</body></html>"
_SLICES = 4


class FaultsError(ValueError):
    """The file of faults cannot be used; the text says why."""


@dataclass
class Rule:
    """One way in which a request goes wrong; see the module."""

    how: str
    method: str = "POST"
    path: str = ".*"
    skip: int = 0
    times: int = 1
    after: bool = False
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.05
    looks: int = 1

    def takes(self, method: str, path: str) -> bool:
        """Tell whether it fits this request, and count it."""
        if self.times <= 0 or method != self.method or not re.fullmatch(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Plan:
    """The rules of one server and what became of each request; safe to share between threads."""

    rules: list[Rule] = field(default_factory=list)
    log: Path | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)
    _made: dict[str, int] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def over(self, rule: Rule | None, answer: _Answer, *, making: bool) -> None:
        """Remember what an answer says was made just now; make a list stale that shall be."""
        if making:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                self._made.setdefault(str(orjson.loads(answer.body)["id"]), 0)
        if rule is not None and rule.how == "stale":
            answer.body = self.stale(answer.body, rule.looks)

    def stale(self, body: bytes, looks: int) -> bytes:
        """Return a list without what was made and shown in fewer than `looks` lists."""
        value, shown = orjson.loads(body), []
        for item in value["data"]:
            seen = self._made.get(str(item["id"]))
            if seen is None or seen >= looks:
                shown.append(item)
            else:
                self._made[str(item["id"])] = seen + 1
        return orjson.dumps({**value, "data": shown})

    def rule(self, method: str, path: str) -> tuple[int, Rule | None]:
        """Return a request's number, and the rule it meets: None where it is served rightly."""
        with self._mutex:
            met = next((rule for rule in self.rules if rule.takes(method, path)), None)
            return next(self._numbers), met

    def note(self, line: Mapping[str, object]) -> None:
        """Write one line to the log."""
        if self.log is not None:
            with self._mutex, self.log.open("ab") as stream:
                stream.write(orjson.dumps(line) + b"\n")


def read_plan(path: Path) -> Plan:
    """Read a file of faults.

    Raises:
        FaultsError: it is missing, no JSON, or a rule is not understood.
    """
    try:
        value = orjson.loads(path.read_bytes())
        rules = [Rule(**rule) for rule in value.get("rules", [])]
        for rule in rules:
            re.compile(rule.path)
        log = value.get("log")
    except (OSError, ValueError, TypeError, AttributeError, re.error) as error:
        raise FaultsError(f"cannot use the faults of `{path}`: {error}") from error
    if unknown := sorted({rule.how for rule in rules} - HOWS):
        raise FaultsError(f"cannot use the faults of `{path}`: no such fault `{unknown[0]}`")
    return Plan(rules, Path(log) if log else None)


@dataclass
class _Answer:
    """What the application sends, held back."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class Faults:
    """ASGI middleware that makes requests go wrong as a plan says."""

    def __init__(self, app: App, plan: Plan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or spoil it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = str(scope["method"]), str(scope["path"])
        number, rule = self._plan.rule(method, path)
        seen, answer = bytearray(), _Answer()
        making = method == "POST" and _MADE.fullmatch(path) is not None

        async def reading() -> Message:
            message = await receive()
            if len(seen) < _NOTED:
                seen.extend(message.get("body", b""))
            return message

        async def telling(message: Message) -> None:
            await answer.take(message)
            if not message.get("more_body"):
                self._plan.over(None, answer, making=making)
            await send(message)

        def note() -> None:
            marks = sorted({m.decode() for m in _MARK.findall(bytes(seen[:_NOTED]))})
            fault = rule.how if rule else None
            told = {"number": number, "method": method, "path": path, "status": answer.status}
            self._plan.note({**told, "fault": fault, "marks": marks})

        if rule is None:
            try:
                await self._app(scope, reading, telling)
            finally:
                note()
            return
        if rule.after or rule.how in _EFFECTIVE:
            await self._app(scope, reading, answer.take)
            self._plan.over(rule, answer, making=making)
        elif rule.how != "reset":
            await _drain(reading)
        if rule.how not in _EFFECTIVE:
            answer.status = {"status": rule.status, "senseless": 200}.get(rule.how, 0)
        # Before the fault, for its time may be longer than the server's.
        note()
        await _spoil(rule, answer, receive, send)


async def _drain(receive: Receive) -> None:
    """Read the whole request, so that closing the connection says nothing about its body."""
    while (message := await receive()).get("more_body"):
        if message["type"] == "http.disconnect":
            return


async def _spoil(rule: Rule, answer: _Answer, receive: Receive, send: Send) -> None:
    match rule.how:
        case "reset":
            _cut(receive, reset=True)
        case "lost":
            _cut(receive)
        case "hang":
            await asyncio.sleep(rule.seconds)
            _cut(receive)
        case "status":
            error = {"message": "a fault", "type": "fault", "param": None, "code": None}
            kind = {"content-type": "application/json", **rule.headers}
            await _send(send, rule.status, kind, orjson.dumps({"error": error}))
        case "senseless":
            await _send(send, 200, {"content-type": "text/html"}, _PAGE)
        case "half":
            await _begin(send, answer.status, answer.headers)
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            _cut(receive)
        case "stale":
            await _send(send, answer.status, {"content-type": "application/json"}, answer.body)
        case "slow":
            await _begin(send, answer.status, answer.headers)
            size = len(answer.body) // _SLICES + 1
            for start in range(0, len(answer.body), size):
                await asyncio.sleep(rule.seconds)
                piece = answer.body[start : start + size]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    named = {**headers, "content-length": str(len(body))}
    pairs = [(key.lower().encode(), text.encode()) for key, text in named.items()]
    await _begin(send, status, pairs)
    await send({"type": "http.response.body", "body": body})


def _cut(receive: Receive, *, reset: bool = False) -> None:
    """End the connection under the request: ASGI has no word for it, so the server's own is used.

    Raises:
        FaultsError: the server that runs this keeps its connection elsewhere.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise FaultsError("this server gives no access to its connections")
    if reset:
        # Closing with unsent data thrown away is what TCP calls a reset.
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
