"""A small stateful OpenAI on loopback: files, fine-tuning jobs, models, chat, and ways to fail.

It keeps real bytes, filters jobs by metadata, gives pages, resolves aliases and `auto`, sends the
undeclared keys and the `error: {}` that OpenAI really sends, and moves a job on with each look at
it. A `Fault` makes one request go wrong, before or after it took effect.
"""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.providers.fake_openai_state import (
    KEY,
    ORGANIZATION,
    FakeOpenAI,
    Fault,
    Refusal,
    Seen,
    shown,
)

__all__ = ["KEY", "ORGANIZATION", "FakeOpenAI", "Fault", "running"]


def _page(items: list[dict[str, Any]], query: dict[str, str], limit: int) -> dict[str, Any]:
    limit = int(query.get("limit", limit))
    ids = [item["id"] for item in items]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    data = items[start : start + limit]
    more = start + limit < len(items)
    return {"object": "list", "data": data, "has_more": more}


_BROKEN = {"reset", "truncate", "hang"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two would wait for a delayed ACK
    fake: FakeOpenAI

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/v1")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        raw = self._body()
        body = self._parsed(raw)
        fake, method = self.fake, self.command
        with fake.mutex:
            fake.seen.append(Seen(method, path, query, self._lowered(), body))
            fault = next((f for f in fake.faults if f.matches(method, path)), None)
            if fault is not None:
                fault.times -= 1
        if fault is not None and not fault.after:
            return self._fail(fault)
        try:
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                raise Refusal(401, f"Incorrect API key provided: {given}.", "invalid_api_key")
            with fake.mutex:
                answer = self._route(method, path, query, body)
        except Refusal as refusal:
            return self._send(refusal.status, refusal.body)
        if fault is not None:
            return self._fail(fault, answer)
        if path == "/chat/completions":
            return self._stream(answer)
        if isinstance(answer, bytes):
            return self._text("text/csv", answer)
        return self._send(200, answer)

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815

    def _route(  # noqa: C901
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> Any:
        fake = self.fake
        match method, *path.strip("/").split("/"):
            case "POST", "files":
                return fake.post_files(body)
            case "GET", "files":
                return _page([shown(f) for f in reversed(fake.files.values())], query, 10_000)
            case "GET", "files", file_id:
                return fake.get_file(file_id)
            case "DELETE", "files", file_id:
                return fake.delete_file(file_id)
            case "GET", "files", file_id, "content":
                return fake.get_content(file_id)
            case "POST", "uploads":
                return fake.uploads.begin(body)
            case "POST", "uploads", upload_id, "parts":
                return fake.uploads.add(upload_id, body)
            case "POST", "uploads", upload_id, "complete":
                return fake.uploads.complete(upload_id, body)
            case "POST", "uploads", upload_id, "cancel":
                return fake.uploads.cancel(upload_id)
            case method, "v0", "models", *name:
                return fake.registry.route(method, "/".join(name), body)
            case "POST", "fine_tuning", "jobs":
                return fake.post_jobs(body)
            case "GET", "fine_tuning", "jobs":
                return _page([shown(j) for j in self._filtered(query)], query, 20)
            case "GET", "fine_tuning", "jobs", job_id:
                return fake.get_job(job_id)
            case "POST", "fine_tuning", "jobs", job_id, verb:
                return fake.act(job_id, verb)
            case "GET", "fine_tuning", "jobs", job_id, "events":
                fake.get_job(job_id, move=False)
                return _page(fake.events[job_id][::-1], query, 20)
            case "GET", "fine_tuning", "jobs", job_id, "checkpoints":
                fake.get_job(job_id, move=False)
                return _page(fake.checkpoints(job_id), query, 10)
            case "GET", "models":
                data = [{k: v for k, v in m.items() if k != "late"} for m in fake.models.values()]
                return {"object": "list", "data": data}
            case "GET", "models", *name:
                return fake.get_model("/".join(name))
            case "DELETE", "models", *name:
                return fake.delete_model("/".join(name))
            case "POST", "chat", "completions":
                return list(fake.chat(body))
        raise Refusal(404, f"Invalid URL ({method} {path})")

    def _filtered(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = {k[9:-1]: v for k, v in query.items() if k.startswith("metadata[")}
        jobs = list(self.fake.jobs.values())[::-1]
        if not self.fake.keeps_metadata:
            return jobs
        return [j for j in jobs if wanted.items() <= (j["metadata"] or {}).items()]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _lowered(self) -> dict[str, str]:
        return {key.lower(): value for key, value in self.headers.items()}

    def _parsed(self, raw: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            head = f"Content-Type: {kind}\r\n\r\n".encode()
            form: dict[str, Any] = {}
            for part in BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts():
                name = part.get_param("name", header="content-disposition")
                data = part.get_payload(decode=True)
                named = part.get_filename()
                form[name] = (named, data) if named else data.decode()
            return form
        return json.loads(raw) if raw else None

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("openai-organization", ORGANIZATION)
        self.send_header("x-request-id", "req_123")
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, chunks: list[dict[str, Any]], *, whole: bool = True) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if whole:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _fail(self, fault: Fault, answer: Any = None) -> None:
        match fault.how:
            case "status":
                error = {"message": fault.message, "type": "x", "param": None, "code": fault.code}
                self._send(fault.status, {"error": error}, fault.headers)
            case "echo-key":
                text = f"bad header {self.headers.get('Authorization')}"
                self._send(fault.status, {"error": {"message": text, "code": None}})
            case "reset":
                self.wfile.flush()
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            case "truncate":
                data = json.dumps(answer or {}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
            case "half":
                self._text("application/json", json.dumps(answer or {"id": "x"})[:-2])
            case "html":
                self._text("text/html", "<html><body>Welcome to the proxy</body></html>")
            case "empty":
                self._text("application/json", "{}")
            case "stop-short":
                self._stream((answer or [])[:1], whole=False)
            case "stream-error":
                self._stream([{"error": {"message": "overloaded", "type": "server_error"}}])
            case "hang":
                time.sleep(fault.seconds)
        # A whole answer leaves the connection open, as services do: one closed without a word would
        # cost the SDK one of its retries, or not, by chance.
        self.close_connection |= fault.how in _BROKEN

    def _text(self, kind: str, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._mutex:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._mutex:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End what clients hold open: a thread with a descriptor would wait for each of them."""
        with self._mutex:
            for request in self._open:
                with contextlib.suppress(OSError):  # it was closed or reset
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: Any) -> None:
        pass  # a reset that a test asked for


@contextlib.contextmanager
def running(fake: FakeOpenAI | None = None) -> Iterator[FakeOpenAI]:
    """Serve a fake on a free loopback port."""
    fake = fake or FakeOpenAI()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()
