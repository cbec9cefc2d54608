"""The web application: routes, the token, errors in OpenAI's envelope; alone knows starlette."""

from __future__ import annotations

import errno
import hmac
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from tunectl.server import api_embeddings, api_jobs, api_models, copies, parts, registry
from tunectl.server.answering import ContextOverflowError
from tunectl.server.api_chat import Answers, answer, read_chat, streamed, whole
from tunectl.server.bases import BaseModelError
from tunectl.server.chat_messages import UnsupportedMessageError
from tunectl.server.jobs import NoSuchJobError
from tunectl.server.service import Service
from tunectl.server.upload import keep_upload, receive
from tunectl.server.wire import ApiError, Call, Reply

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_Item = TypeVar("_Item")
_Endpoint = Callable[["Request"], Awaitable["Response"]]

_EXPECTED = (ApiError, BaseModelError, NoSuchJobError, OSError, RuntimeError, ValueError)
_MAX_BODY = 32 * 1024 * 1024  # of a JSON request; uploads have their own limit

ROUTES: tuple[tuple[str, str, Callable[[Service, Call], Reply]], ...] = (
    ("GET", "/files", api_models.list_files),
    ("GET", "/files/{file_id}", api_models.retrieve_file),
    ("GET", "/files/{file_id}/content", api_models.file_content),
    ("DELETE", "/files/{file_id}", api_models.delete_file),
    ("POST", "/uploads", parts.begin),
    ("POST", "/uploads/{upload_id}/complete", parts.complete),
    ("POST", "/uploads/{upload_id}/cancel", parts.cancel),
    ("POST", "/fine_tuning/jobs", api_jobs.create),
    ("GET", "/fine_tuning/jobs", api_jobs.list_jobs),
    ("GET", "/fine_tuning/jobs/{job_id}", api_jobs.retrieve),
    ("POST", "/fine_tuning/jobs/{job_id}/cancel", api_jobs.cancel),
    ("POST", "/fine_tuning/jobs/{job_id}/pause", api_jobs.pause),
    ("POST", "/fine_tuning/jobs/{job_id}/resume", api_jobs.resume),
    ("GET", "/fine_tuning/jobs/{job_id}/events", api_jobs.events),
    ("GET", "/fine_tuning/jobs/{job_id}/checkpoints", api_jobs.checkpoints),
    ("GET", "/tunectl/jobs/{job_id}/export", copies.give_out),
    ("POST", "/embeddings", api_embeddings.create),
    ("GET", "/models", api_models.list_models),
    ("GET", "/models/{model:path}", api_models.retrieve_model),
    ("DELETE", "/models/{model:path}", api_models.delete_model),
    ("GET", "/tunectl/status", api_models.status),
    ("POST", "/tunectl/shutdown", api_models.shutdown),
    ("GET", "/tunectl/aliases", api_models.list_aliases),
    ("GET", "/tunectl/aliases/{name:path}", api_models.retrieve_alias),
    ("PUT", "/tunectl/aliases/{name:path}", api_models.replace_alias),
    ("DELETE", "/tunectl/aliases/{name:path}", api_models.remove_alias),
    ("PUT", "/tunectl/retirements/{model:path}", api_models.announce_shutdown),
)

_V0: tuple[tuple[str, str, Callable[[Service, Call], Reply]], ...] = (
    ("POST", "/models", registry.register),
    ("GET", "/models", registry.listed),
    ("GET", "/models/{name:path}", registry.retrieved),
    ("DELETE", "/models/{name:path}", registry.deleted),
)


@dataclass
class Activity:
    """How long ago the last request ended, and how many are under way."""

    open: int = 0
    last: float = 0.0

    def idle(self) -> float:
        """Return the seconds since the last request; 0 while one is under way."""
        return 0.0 if self.open else time.monotonic() - self.last


def build_app(service: Service, activity: Activity, middleware: Sequence[Middleware] = ()) -> _App:
    """Return the ASGI application of `service`.

    Args:
        service: what the handlers work on.
        activity: kept up to date, for a server that stops when idle.
        middleware: more `starlette.middleware.Middleware`, inside the token check and outside
            the routes: the seam for faults that tests and rehearsals inject.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    routes = [Route(f"/v1{path}", _endpoint(service, f), methods=[m]) for m, path, f in ROUTES]
    if not service.settings.manner.names_models:
        routes += [Route(f"/v0{path}", _endpoint(service, f), methods=[m]) for m, path, f in _V0]
    routes.append(Route("/v1/files", _upload(service), methods=["POST"]))
    routes.append(Route("/v1/uploads/{upload_id}/parts", _part(service), methods=["POST"]))
    routes.append(Route("/v1/tunectl/jobs", _take_in(service), methods=["POST"]))
    routes.append(Route("/v1/chat/completions", _chat(service), methods=["POST"]))
    app = Starlette(
        routes=routes,
        middleware=list(middleware),
        exception_handlers={
            **dict.fromkeys(_EXPECTED, _refused),
            HTTPException: _no_route,
            Exception: _refused,
        },
    )
    app.router.redirect_slashes = False
    tokens = (service.root.token(), service.settings.token)
    return _guarded(app, [token for token in tokens if token], activity)


def envelope(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body that stand for `error`."""
    match error:
        case ApiError():
            refusal = error
        case NoSuchJobError():
            refusal = ApiError(404, f"Could not find fine tune: {error}", "fine_tune_id")
        case ContextOverflowError():
            refusal = ApiError(400, str(error), "messages", code="context_length_exceeded")
        case UnsupportedMessageError():
            refusal = ApiError(400, str(error), "messages", code="unsupported_value")
        case BaseModelError():
            refusal = ApiError(500, str(error), "model", code="model_not_loadable")
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            refusal = ApiError(500, "The server's disk is full.", code="disk_full")
        case _:
            refusal = ApiError(
                500,
                "The server had an error while processing your request: "
                f"{type(error).__name__}: {error}",
                code="server_error",
            )
    return refusal.status, refusal.body()


def _endpoint(service: Service, handler: Callable[[Service, Call], Reply]) -> _Endpoint:
    from starlette.background import BackgroundTask
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import FileResponse

    async def endpoint(request: Request) -> Response:
        call = await _call(request)
        reply = await run_in_threadpool(handler, service, call)
        if reply.file is not None:
            after = BackgroundTask(reply.file.unlink, missing_ok=True) if reply.discard else None
            return FileResponse(reply.file, media_type=reply.media_type, background=after)
        return _json(reply.value)

    return endpoint


def _upload(service: Service) -> _Endpoint:
    from starlette.concurrency import run_in_threadpool

    async def upload(request: Request) -> Response:
        target = service.files.incoming()
        try:
            kind = request.headers.get("content-type", "")
            form = await receive(kind, request.stream(), target)
            return _json(await run_in_threadpool(keep_upload, service.files, form, target))
        finally:
            target.unlink(missing_ok=True)

    return upload


def _part(service: Service) -> _Endpoint:
    from starlette.concurrency import run_in_threadpool

    async def part(request: Request) -> Response:
        upload_id, target = str(request.path_params["upload_id"]), service.files.incoming()
        await run_in_threadpool(parts.pending, service, upload_id)
        try:
            kind = request.headers.get("content-type", "")
            form = await receive(
                kind, request.stream(), target, (), part="data", most=parts.PART_BYTES
            )
            return _json(await run_in_threadpool(parts.add, service, upload_id, form, target))
        finally:
            target.unlink(missing_ok=True)

    return part


def _take_in(service: Service) -> _Endpoint:
    from starlette.concurrency import run_in_threadpool

    async def take_in(request: Request) -> Response:
        target = service.files.incoming()
        try:
            kind = request.headers.get("content-type", "")
            form = await receive(kind, request.stream(), target, copies.FIELDS)
            if form.filename is None:
                raise ApiError(400, "'file' is a required property", "file")
            return _json(await run_in_threadpool(copies.take_in, service, form.fields, target))
        finally:
            target.unlink(missing_ok=True)

    return take_in


def _chat(service: Service) -> _Endpoint:
    import asyncio

    from starlette.concurrency import run_in_threadpool
    from starlette.responses import StreamingResponse

    answers = Answers(service)

    async def chat(request: Request) -> Response:
        asked = await run_in_threadpool(read_chat, service, await _call(request))
        cancelled = threading.Event()

        async def watch() -> None:
            await request.receive()  # the body is read: the next message is the disconnect
            cancelled.set()

        watcher = asyncio.create_task(watch())
        cached = await run_in_threadpool(answers.cached, asked)
        pieces = answer(answers, asked, cancelled)
        if not asked.stream:
            try:
                return _json(await whole(asked, pieces, cached))
            finally:
                watcher.cancel()
        # The first piece is awaited here, so that what cannot begin fails with its status.
        first = await anext(pieces, None)

        async def events() -> AsyncIterator[bytes]:
            try:
                source = _again(first, pieces)
                async for event in streamed(asked, source, _failure, _EXPECTED, cached):
                    yield event
            finally:
                watcher.cancel()
                cancelled.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    return chat


async def _again(first: _Item | None, rest: AsyncIterator[_Item]) -> AsyncIterator[_Item]:
    if first is not None:
        yield first
        async for item in rest:
            yield item


def _failure(error: BaseException) -> dict[str, Any]:
    return envelope(error)[1]


async def _call(request: Request) -> Call:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise ApiError(400, "The request body is larger than 32 MB.")
    return Call(request.path_params, request.query_params.multi_items(), body)


def _json(value: object, status: int = 200) -> Response:
    from starlette.responses import Response

    return Response(orjson.dumps(value), status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    status, body = envelope(error)
    return _json(body, status)


async def _no_route(request: Request, error: HTTPException) -> Response:
    where = f"{request.method} {request.url.path}"
    text = f"Invalid URL ({where})" if error.status_code == 404 else f"{error.detail} ({where})"
    return _json(ApiError(error.status_code, text, code=None).body(), error.status_code)


def _guarded(app: _App, tokens: Sequence[str], activity: Activity) -> _App:
    """Let in only who has a token, and note when requests begin and end."""
    expected = [f"Bearer {token}".encode() for token in tokens]
    activity.last = time.monotonic()

    async def guarded(scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        activity.open += 1
        try:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if any([hmac.compare_digest(given, one) for one in expected]):  # noqa: C419  # all, always
                await app(scope, receive, send)
            else:
                await _json(_no_key(given).body(), 401)(scope, receive, send)
        finally:
            activity.open -= 1
            activity.last = time.monotonic()

    return guarded


def _no_key(given: bytes) -> ApiError:
    text = (
        "Incorrect API key provided. The key of this server is in the file `token` of its folder."
        if given
        else "You didn't provide an API key. Send it as `Authorization: Bearer KEY`; the key of "
        "this server is in the file `token` of its folder."
    )
    return ApiError(401, text, code="invalid_api_key")
