"""One request through an ASGI application, with no server around it (ASGI 3.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote, urlencode

from tunectl.server.clouds.wire import Answered, Asked

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def ask(app: App, asked: Asked) -> Answered:
    """Return what the application answers, as a whole."""
    status, headers, body = 0, {}, bytearray()

    async def serve() -> None:
        told = False

        async def receive() -> Message:
            nonlocal told
            if told:
                await asyncio.Event().wait()  # this client does not hang up
            told = True
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers.update({k.decode(): v.decode() for k, v in message.get("headers", ())})
            else:
                body.extend(message.get("body", b""))

        await app(_scope(asked), receive, send)

    asyncio.run(serve())
    return Answered(status, bytes(body), headers)


def _scope(asked: Asked) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": asked.method,
        "path": unquote(asked.path),
        "raw_path": asked.path.encode(),
        "root_path": "",
        "query_string": urlencode(asked.query).encode(),
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in asked.headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
