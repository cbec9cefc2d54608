"""`/v1/messages`: checked as the service checks, answered by a model without weights."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tunectl.server.clouds.anthropic.citing import citations
from tunectl.server.clouds.anthropic.models import model_for
from tunectl.server.clouds.anthropic.refusals import RefusedError
from tunectl.server.clouds.wire import Answered
from tunectl.server.schema_answers import fitting

# anthropic 2.12.0, `types.message_create_params` and `message_count_tokens_params`; the sampling
# parameters left the SDK with 1.0 and are still read for older models.
_COUNTED = frozenset(
    {
        "messages", "model", "cache_control", "output_config", "speed", "system", "thinking",
        "tool_choice", "tools",
    }
)  # fmt: skip
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_KNOWN = _COUNTED | _SAMPLING | frozenset(
    {
        "max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier",
        "stop_sequences", "stream",
    }
)  # fmt: skip
# Models that still take sampling parameters (platform.claude.com/docs, Model deprecations:
# "Claude 4.7 and later" refuse them).
_SAMPLED = re.compile(
    r"claude-(?:[123]|instant)|claude-[a-z]+-4-[0-6](?:-|$)|claude-[a-z]+-4-\d{8}"
)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\s*\S+\s*")
_FLOOR = 1024  # tokens below which a prefix is silently not cached; 512 to 4,096 by model
_LIFE = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}


@dataclass
class Cache:
    """The prompt cache: until when each prefix is kept."""

    kept: dict[str, datetime] = field(default_factory=dict)


def counted(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answer `count_tokens`."""
    _check(body, _COUNTED)
    model_for(body["model"], now)
    return {"input_tokens": sum(_tokens(text) for text, _ in _prompt(body))}


def answered(body: Mapping[str, Any], now: datetime, cache: Cache) -> Answered:
    """Answer one message, whole or as a stream of events."""
    _check(body, _KNOWN)
    most = body.get("max_tokens")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        said = "Field required" if most is None else "Input should be greater than or equal to 1"
        raise RefusedError(400, f"max_tokens: {said}")
    model = model_for(body["model"], now)
    for name in sorted(_SAMPLING & body.keys()):
        if not _SAMPLED.match(model.id):
            raise RefusedError(400, f"{name}: this parameter is not supported for {model.id}")
    cited = citations(body)
    words, reason, stop = _said(body, most)
    usage = _usage(body, now, cache)
    message: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model.id,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "diagnostics": None,
        "usage": {**usage, "output_tokens": 1},
    }
    spent = {"output_tokens": _tokens("".join(words)) or 1}
    if body.get("stream") is True:
        events = _events(message, words, cited, (reason, stop), spent)
        return Answered(200, headers={"content-type": "text/event-stream"}, pieces=events)
    ended = {"stop_reason": reason, "stop_sequence": stop, "usage": {**usage, **spent}}
    block = {"type": "text", "text": "".join(words), "citations": cited or None}
    text = [block] if words else []
    return Answered.of({**message, "content": text, **ended})


def _said(body: Mapping[str, Any], most: int) -> tuple[list[str], str, str | None]:
    """Return the words of the answer, why it ends, and the stop sequence that ended it."""
    asked = [m for m in body["messages"] if m["role"] == "user"]
    text = f"[{body['model']}, simulated, no weights] {_text(asked[-1]['content'])}"
    form = (body.get("output_config") or {}).get("format")
    if form is not None:
        text = fitting(_schema(form), text)
    found = [(text.find(s), s) for s in body.get("stop_sequences") or () if s and s in text]
    at, stop = min(found, default=(len(text), None))
    words = _WORD.findall(text[:at])
    kept: list[str] = []
    for word in words:
        if _tokens("".join([*kept, word])) > most:
            return kept, "max_tokens", None
        kept.append(word)
    return kept, "end_turn" if stop is None else "stop_sequence", stop


def _schema(form: Any) -> Mapping[str, Any]:  # noqa: ANN401  # foreign JSON
    found = form.get("schema") if isinstance(form, Mapping) else None
    if not isinstance(found, Mapping) or form.get("type") != "json_schema":
        raise RefusedError(400, "output_config.format: Input should be `json_schema` with a schema")
    return found


def _events(
    message: Mapping[str, Any],
    words: list[str],
    cited: list[dict[str, Any]],
    ended_by: tuple[str, str | None],
    spent: Mapping[str, int],
) -> Iterator[bytes]:
    reason, stop = ended_by
    yield _event({"type": "message_start", "message": message})
    block = {"type": "text", "text": "", "citations": None}
    yield _event({"type": "content_block_start", "index": 0, "content_block": block})
    yield _event({"type": "ping"})
    for word in words:
        delta: dict[str, Any] = {"type": "text_delta", "text": word}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta})
    for one in cited:
        delta = {"type": "citations_delta", "citation": one}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield _event({"type": "content_block_stop", "index": 0})
    ended = {"stop_reason": reason, "stop_sequence": stop, "stop_details": None, "container": None}
    yield _event({"type": "message_delta", "delta": ended, "usage": dict(spent)})
    yield _event({"type": "message_stop"})


def _event(data: Mapping[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _usage(body: Mapping[str, Any], now: datetime, cache: Cache) -> dict[str, Any]:
    """Count what is read, written to the cache and taken from it.

    The prefix up to the last block with `cache_control` is what is cached: byte for byte.
    """
    prompt = list(_prompt(body))
    total = sum(_tokens(text) for text, _ in prompt)
    marked = [index for index, (_, life) in enumerate(prompt) if life]
    written, taken, life = 0, 0, "5m"
    if marked:
        prefix = prompt[: marked[-1] + 1]
        size = sum(_tokens(text) for text, _ in prefix)
        life = prefix[-1][1] or life
        named = "\x00".join([str(body["model"]), *(text for text, _ in prefix)])
        key = hashlib.sha256(named.encode()).hexdigest()
        if size >= _FLOOR:
            if cache.kept.get(key, now) > now:
                taken = size
            else:
                written = size
            cache.kept[key] = now + _LIFE[life]
    hour = written if life == "1h" else 0
    return {
        "input_tokens": max(0, total - written - taken),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": taken,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written - hour,
            "ephemeral_1h_input_tokens": hour,
        },
        "service_tier": "standard",
    }


def _prompt(body: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the texts of a prompt in the order of the cache: tools, system, messages."""
    for tool in body.get("tools") or ():
        yield json.dumps(tool, sort_keys=True), _life(tool)
    for content in (body.get("system"), *(m["content"] for m in body["messages"])):
        if isinstance(content, str):
            yield content, None
        for block in content if isinstance(content, list) else ():
            plain = {key: value for key, value in block.items() if key != "cache_control"}
            text = block.get("text")
            yield text if isinstance(text, str) else json.dumps(plain, sort_keys=True), _life(block)


def _life(block: Mapping[str, Any]) -> str | None:
    said = block.get("cache_control")
    if not isinstance(said, Mapping):
        return None
    life = said.get("ttl", "5m")
    if said.get("type") != "ephemeral" or life not in _LIFE:
        raise RefusedError(400, "cache_control: Input should be `ephemeral`, with ttl `5m` or `1h`")
    return str(life)


def _check(body: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in ("model", "messages"):
        if name not in body:
            raise RefusedError(400, f"{name}: Field required")
    if unknown := sorted(body.keys() - known):
        raise RefusedError(400, f"{unknown[0]}: Extra inputs are not permitted")
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise RefusedError(400, "messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(index, message)
    if messages[0]["role"] != "user":
        raise RefusedError(400, "messages: first message must use the `user` role")
    system = body.get("system")
    if system is not None and not isinstance(system, str | list):
        raise RefusedError(400, "system: Input should be a valid string or list")


def _check_message(index: int, message: object) -> None:
    where = f"messages.{index}"
    if not isinstance(message, Mapping):
        raise RefusedError(400, f"{where}: Input should be an object")
    if message.get("role") not in {"user", "assistant"}:
        raise RefusedError(400, f"{where}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if isinstance(content, str):
        if not content:
            raise RefusedError(400, f"{where}: user messages must have non-empty content")
        return
    if not isinstance(content, list) or not content:
        raise RefusedError(400, f"{where}.content: Input should be a valid string or list")
    for number, block in enumerate(content):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise RefusedError(400, f"{where}.content.{number}: Input should be a content block")
        if block["type"] == "text" and not block.get("text"):
            raise RefusedError(400, f"{where}: text content blocks must be non-empty")


def _text(content: str | list[Mapping[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(block.get("text", "")) for block in content if block["type"] == "text")


def _tokens(text: str) -> int:
    return len(_TOKEN.findall(text))
