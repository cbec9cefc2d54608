"""A cloud behind a port of this machine, and the faults that were ordered."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tunectl.server.clouds.wire import Answered, Asked, Cloud
from tunectl.server.clouds.world import Fault, World

_EFFECTIVE = frozenset({"half", "slow"})
_BARE = frozenset({204, 304})  # answers without a body, RFC 9110 section 6.4.1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two would wait for a delayed ACK
    cloud: Cloud
    world: World

    def log_message(self, *_: object) -> None:
        """Say nothing: calls are noted in the world."""

    def version_string(self) -> str:
        return self.cloud.name

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
        return format_datetime(self.world.now(), usegmt=True)

    def handle_expect_100(self) -> bool:
        """Let the body come: boto3 waits a second for this line."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _serve(self) -> None:
        asked = self._asked()
        fault = self.world.met(asked, self.cloud.name)
        answer: Answered | None = None
        if fault is None or fault.after or fault.how in _EFFECTIVE:
            with self.world.mutex:
                answer = self.cloud.answer(asked)
        if fault is None and answer is not None:
            self.world.note(self.cloud.name, asked, answer.status)
            return self._send(answer, asked)
        assert fault is not None
        self.world.note(self.cloud.name, asked, fault.status if fault.how == "status" else 0)
        return self._spoil(fault, answer, asked)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815

    def _asked(self) -> Asked:
        parts = urlsplit(self.path)
        return Asked(
            method=self.command,
            path=parts.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _spoil(self, fault: Fault, answer: Answered | None, asked: Asked) -> None:
        match fault.how:
            case "status":
                refusal = (
                    fault.answer(asked)
                    if fault.answer is not None
                    else self.cloud.refusal(fault.status, fault.message)
                )
                headers = {**refusal.headers, **fault.headers}
                self._send(Answered(refusal.status, refusal.body, headers), asked)
            case "slow" if answer is not None:
                time.sleep(fault.seconds)
                self._send(answer, asked)
            case "half" if answer is not None:
                self._send(answer, asked, half=True)
            case "reset":
                self._cut(reset=True)
            case _:
                self._cut()

    def _send(self, answer: Answered, asked: Asked, *, half: bool = False) -> None:
        self.send_response(answer.status)
        headers = {key.lower(): value for key, value in answer.headers.items()}
        if answer.pieces is not None or self.close_connection:
            headers["connection"] = "close"
            self.close_connection = True
        if answer.pieces is None and answer.status not in _BARE:
            headers.setdefault("content-length", str(len(answer.body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if asked.method != "HEAD":
            for piece in answer.pieces or ():
                self.wfile.write(piece)
                self.wfile.flush()
            self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
        self.wfile.flush()
        if half:
            self._cut(reset=True)

    def _cut(self, *, reset: bool = False) -> None:
        """End the connection under the request."""
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


@contextmanager
def serving(cloud: Cloud, world: World) -> Iterator[str]:
    """Serve a cloud on a free loopback port for the life of the context; yield its URL."""
    handler = type("Handler", (_Handler,), {"cloud": cloud, "world": world})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
