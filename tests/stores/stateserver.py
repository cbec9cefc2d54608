"""A server of Terraform's `http` backend protocol on loopback, and ways to fail.

Two manners. `plain` is the protocol as Terraform documents it: LOCK, UNLOCK, 423 with the holder's
own words. `gitlab` does as GitLab's API does: POST and DELETE at /lock, 409 whose body repeats the
asker's words beside the holder's id, user and time; a write under another id fails; a serial that
is already there is refused; 204 where the state exists and has no version.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, bytes]
CHANGING = {"POST", "PUT", "DELETE", "LOCK", "UNLOCK"}


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """Something that goes wrong with the next request that matches."""

    kind: str  # cut before | cut after | a status before | after | half
    matches: Callable[[Seen], bool]
    status: int = 0


@dataclass
class StateServer:
    """What the server holds and how it behaves."""

    manner: str = "plain"
    path: str = "/state"
    user: str = ""
    password: str = ""
    may_write: bool = True
    locks: bool = True
    checks_ids: bool = True  # whether writes and UNLOCK must carry the holder's id
    tells_holder: bool = True
    empty_status: int = 404
    methods: tuple[str, str] = ("LOCK", "UNLOCK")
    content: bytes | None = None
    holder: dict[str, object] | None = None
    versions: list[bytes] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    guard: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""
    touched: bool = False

    def __post_init__(self) -> None:
        if self.manner == "gitlab":
            self.path, self.methods = "/api/v4/projects/7/terraform/state/pomoc", ("POST", "DELETE")

    @property
    def address(self) -> str:
        return self.url + self.path

    def serials(self) -> list[int]:
        return [json.loads(each)["serial"] for each in self.versions]

    def count(self, method: str, lock: bool = False) -> int:
        return sum(s.method == method and s.path.endswith("/lock") == lock for s in self.seen)

    def answer(self, asked: Seen) -> Reply:
        given = asked.headers.get("authorization", "")
        wanted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and given != f"Basic {wanted}":
            return 401, b'{"message":"401 Unauthorized"}'
        if not self.may_write and asked.method != "GET":
            return 403, b'{"message":"403 Forbidden"}'
        if asked.path == f"{self.path}/lock":
            return self._lock(asked)
        if asked.path != self.path:
            return 404, b'{"message":"404 Project Not Found"}'
        match asked.method:
            case "GET":
                return self._get()
            case "POST" | "PUT":
                return self._post(asked)
            case "DELETE":
                self.content = None
                return 200, b""
        return 405, b""

    def _get(self) -> Reply:
        if self.content is not None:
            return 200, self.content
        if self.manner == "gitlab":
            return (204, b"") if self.touched else (404, b'{"message":"404 Not found"}')
        return self.empty_status, b""

    def _post(self, asked: Seen) -> Reply:
        held = self.holder["ID"] if self.holder else None
        mine = asked.query.get("ID", [None])[0]
        if self.checks_ids and held != mine:
            return (500, b'{"message":"500 Internal Server Error"}') if self._gitlab else (
                423, json.dumps(self.holder or {}).encode()
            )  # fmt: skip
        if self._gitlab:
            serial = json.loads(asked.body).get("serial")
            if serial is None:
                return 422, b'{"message":"No serial in payload"}'
            if serial in self.serials():
                return 422, b'{"message":"Version has already been taken"}'
        self.content, self.touched = asked.body, True
        self.versions.append(asked.body)
        return 200, b""

    @property
    def _gitlab(self) -> bool:
        return self.manner == "gitlab"

    def _lock(self, asked: Seen) -> Reply:
        take, free = self.methods
        if not self.locks or asked.method not in self.methods:
            return 405, b"no such method"
        info = json.loads(asked.body) if asked.body else {}
        if asked.method == take:
            return self._take(info)
        assert asked.method == free
        if self.holder is None:
            return 200, b""
        if self.checks_ids and info.get("ID") not in {None, self.holder["ID"]}:
            return (409 if self._gitlab else 423), json.dumps(self.holder).encode()
        self.holder = None
        return 200, b""

    def _take(self, info: dict[str, object]) -> Reply:
        self.touched = True
        if self._gitlab:
            missing = {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} - info.keys()
            if missing:
                return 400, b"missing"
            status = 409 if self.holder else 200
            if self.holder is None:
                self.holder = {"ID": info["ID"], "Who": "ania", "Created": "2026-11-22T09:00:00Z"}
            echo = {k: info[k] for k in ("Operation", "Info", "Version", "Path")}
            return status, json.dumps({**echo, **self.holder}).encode()
        if self.holder is not None:
            return 423, json.dumps(self.holder).encode() if self.tells_holder else b"locked"
        self.holder = info
        return 200, b""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    state: StateServer

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Seen(self.command, parts.path, parse_qs(parts.query), headers, body)
        state = self.state
        with state.guard:
            state.seen.append(asked)
            fault = next((f for f in state.faults if f.matches(asked)), None)
            if fault is not None:
                state.faults.remove(fault)
            kind = fault.kind if fault else ""
            if kind == "cut before":
                return self._cut()
            if kind == "before":
                return self._reply((fault.status, b'{"message":"not now"}'))
            reply = state.answer(asked)
        if kind == "cut after":
            return self._cut()
        if kind == "after":
            return self._reply((fault.status, b"<html>bad gateway</html>"))
        if kind == "half":
            return self._half(reply)
        return self._reply(reply)

    def _cut(self) -> None:
        self.close_connection = True

    def _half(self, reply: Reply) -> None:
        self.send_response(reply[0])
        self.send_header("Content-Length", str(len(reply[1])))
        self.end_headers()
        self.wfile.write(reply[1][: len(reply[1]) // 2])
        self.close_connection = True

    def _reply(self, reply: Reply) -> None:
        status, content = reply
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        if status != 204:
            self.wfile.write(content)


for _method in ("GET", "HEAD", *CHANGING):
    setattr(_Handler, f"do_{_method}", _Handler._serve)


@contextmanager
def serving(state: StateServer) -> Iterator[StateServer]:
    """Serve it on a free loopback port."""
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
