"""Chat completions on the wire: what a request may say, and its answer whole or as a stream."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tunectl.server.folder import new_id
from tunectl.server.models import Model
from tunectl.server.prompt_caches import PromptCache
from tunectl.server.service import Service
from tunectl.server.simulated_answers import SimulatedGenerator
from tunectl.server.validate import text_of
from tunectl.server.wire import ApiError, Call

if TYPE_CHECKING:
    from tunectl.server.answering import Generator, Loaded, Piece

_USED = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed",
    "stop", "n", "stream", "stream_options",
}  # fmt: skip
# Accepted because they change nothing in an answer.
_NEUTRAL = {
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "verbosity", "reasoning_effort", "parallel_tool_calls",
}  # fmt: skip
# Accepted only with the value that asks for nothing: ignoring them would be a lie.
_INERT: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0, None),
    "presence_penalty": (0, None),
    "logit_bias": (None, {}),
    "logprobs": (False, None),
    "top_logprobs": (None, 0),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, ["text"]),
    "tools": (None, []),
    "tool_choice": (None, "none", "auto"),
    "functions": (None, []),
    "function_call": (None, "none", "auto"),
    "audio": (None,),
    "prediction": (None,),
    "web_search_options": (None,),
    "moderation": (None,),
}
_KNOWN = frozenset(_USED | _NEUTRAL | _INERT.keys())
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_MAX_CHOICES, _MAX_STOPS = 128, 4


@dataclass(frozen=True)
class Chat:
    """One checked request."""

    model: Model
    messages: Sequence[Mapping[str, Any]]
    max_tokens: int | None
    temperature: float
    top_p: float
    seed: int | None
    stop: Sequence[str]
    choices: int
    stream: bool
    usage_chunk: bool
    schema: Mapping[str, Any] | None = None


def read_chat(service: Service, call: Call) -> Chat:
    """Return the checked request of POST /chat/completions.

    Raises:
        ApiError: 400 for what it cannot mean here, 404 for an unknown model.
    """
    body = call.body(_KNOWN)
    schema = _schema(body.get("response_format")) if service.settings.mimic else None
    for param, harmless in _INERT.items():
        held = param == "response_format" and schema is not None
        if param in body and body[param] not in harmless and not held:
            raise ApiError(
                400, f"Unsupported parameter: '{param}' is not supported by this server.", param,
                code="unsupported_parameter",
            )  # fmt: skip
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise ApiError(
            400, "Missing required parameter: 'model'.", "model", code="missing_required_parameter"
        )
    options = body.get("stream_options") or {}
    stream = bool(body.get("stream"))
    if options and not stream:
        raise ApiError(
            400, "'stream_options' is only allowed when 'stream' is enabled.", "stream_options"
        )
    most = "max_completion_tokens" if body.get("max_completion_tokens") else "max_tokens"
    return Chat(
        model=service.catalogue.resolve(name),
        messages=_messages(body.get("messages")),
        max_tokens=_integer(body, most, 1, 1_000_000),
        temperature=_number(body, "temperature", 2.0),
        top_p=_number(body, "top_p", 1.0),
        seed=_integer(body, "seed", -(2**63), 2**63 - 1),
        stop=_stops(body.get("stop")),
        choices=_integer(body, "n", 1, _MAX_CHOICES) or 1,
        stream=stream,
        usage_chunk=bool(options.get("include_usage")),
        schema=schema,
    )


def _schema(given: object) -> Mapping[str, Any] | None:
    """Return the JSON Schema of a structured answer: only a mimicked service holds to one."""
    said = given.get("json_schema") if isinstance(given, dict) else None
    found = said.get("schema") if isinstance(said, dict) else None
    return found if isinstance(found, dict) else None


class Answers:
    """Holds the generators of one server; the real one is opened when it is first needed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._simulated = SimulatedGenerator()
        self._real: Generator | None = None
        self._mutex = threading.Lock()
        self._cache = PromptCache() if service.settings.mimic else None

    def cached(self, chat: Chat) -> int:
        """Return how many tokens of the prompt a mimicked service has in its cache."""
        if self._cache is None:
            return 0
        texts = (text_of(message.get("content")) for message in chat.messages)
        return self._cache.read(chat.model.id, texts)

    def pieces(self, chat: Chat, choice: int, cancelled: threading.Event) -> Iterator[Piece]:
        """Return the pieces of answer number `choice`; a seed is counted up from the first."""
        loaded = self._loaded(chat.model)
        generator = self._simulated if loaded.simulated else self._opened()
        if chat.schema is not None:
            generator = SimulatedGenerator(chat.schema)
        return generator.chat(
            loaded,
            chat.messages,
            max_tokens=chat.max_tokens,
            temperature=chat.temperature,
            top_p=chat.top_p,
            seed=None if chat.seed is None else chat.seed + choice,
            stop=chat.stop,
            cancelled=cancelled,
        )

    def _opened(self) -> Generator:
        from tunectl.server.generate import open_generator

        with self._mutex:
            if self._real is None:
                settings = self._service.settings
                self._real = open_generator(self._service.root.path, settings.vllm)
            return self._real

    def _loaded(self, model: Model) -> Loaded:
        from tunectl.server.answering import Loaded

        if model.simulated:
            nowhere = self._service.root.models / "simulated"
            return Loaded(model.id, nowhere, None, model.adapter, simulated=True)
        if model.base is None:
            raise ApiError(500, f"The base of `{model.id}` is gone.", code="server_error")
        return Loaded(model.id, model.base.path, model.base.gguf, model.adapter)


async def answer(
    answers: Answers, chat: Chat, cancelled: threading.Event
) -> AsyncIterator[tuple[int, Piece]]:
    """Yield (choice, piece) as they are made; sets `cancelled` when nobody listens any more."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[int, Piece] | None] = asyncio.Queue()

    def work() -> None:
        try:
            for choice in range(chat.choices):
                for piece in answers.pieces(chat, choice, cancelled):
                    if cancelled.is_set():
                        return
                    loop.call_soon_threadsafe(queue.put_nowait, (choice, piece))
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    worker = loop.run_in_executor(None, work)
    try:
        while (item := await queue.get()) is not None:
            yield item
        await worker
    finally:
        cancelled.set()


async def whole(
    chat: Chat, pieces: AsyncIterator[tuple[int, Piece]], cached: int = 0
) -> dict[str, Any]:
    """Return the chat completion object."""
    texts, reasons, usage = [""] * chat.choices, ["stop"] * chat.choices, _Usage(cached)
    async for choice, piece in pieces:
        texts[choice] += piece.text
        reasons[choice] = piece.finish_reason or reasons[choice]
        usage.add(piece)
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": chat.model.id,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": reasons[index],
            }
            for index, text in enumerate(texts)
        ],
        "usage": usage.shown(),
    }


async def streamed(
    chat: Chat,
    pieces: AsyncIterator[tuple[int, Piece]],
    failure: Callable[[BaseException], dict[str, Any]],
    expected: tuple[type[Exception], ...],
    cached: int = 0,
) -> AsyncIterator[bytes]:
    """Yield server-sent events: a chunk a piece, the usage if asked for, `[DONE]`.

    An error after the first byte cannot change the HTTP status any more; it is sent as an event
    with the envelope, as OpenAI does.
    """
    head = {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": chat.model.id,
    }
    usage = _Usage(cached)
    empty = {"usage": None} if chat.usage_chunk else {}

    def event(choice: int, delta: dict[str, Any], reason: str | None) -> bytes:
        part = {"index": choice, "delta": delta, "finish_reason": reason}
        return _event({**head, "choices": [part], **empty})

    begun: set[int] = set()
    try:
        async for choice, piece in pieces:
            if choice not in begun:
                begun.add(choice)
                yield event(choice, {"role": "assistant", "content": "", "refusal": None}, None)
            usage.add(piece)
            if piece.text:
                yield event(choice, {"content": piece.text}, None)
            if piece.finish_reason:
                yield event(choice, {}, piece.finish_reason)
    except expected as error:
        yield _event(failure(error))
        return
    if chat.usage_chunk:
        yield _event({**head, "choices": [], "usage": usage.shown()})
    yield b"data: [DONE]\n\n"


class _Usage:
    """Counts tokens over the choices; the prompt is paid for once."""

    def __init__(self, cached: int) -> None:
        self.cached = cached
        self.prompt = 0
        self.completion = 0

    def add(self, piece: Piece) -> None:
        if piece.finish_reason:
            self.prompt = piece.prompt_tokens
            self.completion += piece.completion_tokens

    def shown(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        }
        if self.cached:
            told["prompt_tokens_details"] = {"cached_tokens": min(self.cached, self.prompt)}
        return told


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _messages(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise ApiError(400, "'messages' must be a non-empty array.", "messages")
    for index, message in enumerate(value):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            names = ", ".join(f"'{role}'" for role in sorted(_ROLES))
            raise ApiError(400, f"Invalid '{where}.role': expected one of {names}.", where)
        content = message.get("content")
        parts = content if isinstance(content, list) else []
        if any(not isinstance(p, dict) or p.get("type") != "text" for p in parts):
            raise ApiError(
                400, f"Invalid '{where}.content': this server takes text only.", where,
                code="unsupported_value",
            )  # fmt: skip
        if not isinstance(content, str | list) and message["role"] != "assistant":
            raise ApiError(400, f"Invalid '{where}.content': expected text.", where)
    return value


def _number(body: dict[str, Any], name: str, most: float) -> float:
    value = body.get(name)
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ApiError(400, f"Invalid '{name}': expected a number from 0 to {most:g}.", name)
    return float(value)


def _integer(body: dict[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ApiError(400, f"Invalid '{name}': expected an integer from {least} to {most}.", name)
    return value


def _stops(value: object) -> list[str]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or len(stops) > _MAX_STOPS:
        raise ApiError(400, f"Invalid 'stop': expected at most {_MAX_STOPS} strings.", "stop")
    if not all(isinstance(word, str) and word for word in stops):
        raise ApiError(400, "Invalid 'stop': expected strings that are not empty.", "stop")
    return stops
