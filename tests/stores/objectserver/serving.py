"""The HTTP side: one server for both dialects, and the faults a test may order."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.stores.objectserver import gcs, s3
from tests.stores.objectserver.objects import Buckets, Refused
from tests.stores.objectserver.wire import Answer, Request

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KINDS = frozenset({"lost reply", "refused", "cut", "slow", "status", "truncated"})


@dataclass
class Fault:
    """One thing that goes wrong, so many times.

    Attributes:
        kind: `lost reply`: done, and the connection is reset before any answer; `truncated`: done,
            and the answer breaks off; `refused`: 503, nothing done; `cut`: reset, nothing done;
            `status`: `answer` is given, nothing done; `slow`: done after `seconds`.
        times: how often it still happens.
        where: which requests it strikes; by default what changes something outside `history/`.
    """

    kind: str
    times: int = 1
    where: Callable[[Request], bool] = lambda r: (
        r.method in CHANGING and "/history/" not in unquote(r.path)
    )
    answer: Refused | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        assert self.kind in KINDS


@dataclass
class ObjectServer:
    """A running server.

    Attributes:
        buckets: what it keeps.
        faults: what will go wrong; each ends by itself.
        seen: every request, in order.
        access_keys: those that S3 requests may carry.
        page: the most names that one page of a list holds.
    """

    url: str = ""
    buckets: Buckets = field(default_factory=Buckets)
    faults: list[Fault] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    access_keys: tuple[str, ...] = ("test",)
    page: int = 1000

    def fail(self, kind: str, **more: Any) -> Fault:
        fault = Fault(kind, **more)
        self.faults.append(fault)
        return fault

    def pop_fault(self, request: Request) -> Fault | None:
        with self.buckets.mutex:
            self.seen.append(request)
            for fault in self.faults:
                if fault.times > 0 and fault.where(request):
                    fault.times -= 1
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two would wait for a delayed ACK
    server_version = "objects"
    state: ObjectServer

    def log_message(self, *_: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.state.buckets.now(), usegmt=True)

    def handle_expect_100(self) -> bool:
        """Let the body come: boto3 waits a second for this line."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={k.lower(): v for k, v in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        fault = self.state.pop_fault(request)
        dialect = gcs if gcs.is_mine(request) else s3
        if fault and fault.kind == "cut":
            return self._reset()
        if fault and fault.kind in {"refused", "status"}:
            busy = Refused(503, "SlowDown", "Please reduce your request rate.")
            return self._send(dialect.refusal(fault.answer or busy), request)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        try:
            with self.state.buckets.mutex:
                answer = dialect.answer(self.state, request)
        except Refused as refused:
            answer = dialect.refusal(refused)
        if fault and fault.kind == "lost reply":
            return self._reset()
        self._send(answer, request, truncated=bool(fault and fault.kind == "truncated"))
        return None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815

    def _send(self, answer: Answer, request: Request, truncated: bool = False) -> None:
        self.send_response(answer.status)
        headers = {k.lower(): v for k, v in answer.headers.items()}
        if answer.status not in (204, 304):
            headers.setdefault("content-length", str(len(answer.body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if request.method != "HEAD":
            body = answer.body[: len(answer.body) // 2] if truncated else answer.body
            self.wfile.write(body)
        self.wfile.flush()
        if truncated:
            self._reset()

    def _reset(self) -> None:
        """Close with a reset, so that the client cannot take it for an empty answer."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


@contextmanager
def running() -> Iterator[ObjectServer]:
    """Run a server for the life of the context."""
    state = ObjectServer()
    handler = type("Handler", (_Handler,), {"state": state})
    server = _Server(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
