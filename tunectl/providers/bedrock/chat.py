"""Answers, streamed through Converse, with the token counts at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunectl.core.errors import InvalidRequestError
from tunectl.core.ports import Citation, Delta
from tunectl.core.value import Plain
from tunectl.providers.answers import as_json, broken_off, finish_reason
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.bedrock.client import Cloud

# Our name -> Converse's `inferenceConfig` (botocore 1.44.5, service model `bedrock-runtime`).
_LIMITS = {
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop": "stopSequences",
}


def chat(
    cloud: Cloud, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer to messages in OpenAI's form.

    Args:
        cloud: the account.
        model: the ARN of a deployment or of throughput, or the id of a base model.
        messages: `{"role", "content"}`; those of the system come before the conversation.
        params: `max_tokens`, `temperature`, `top_p`, `stop` and what else the model takes.

    Raises:
        ProviderError: as `answer` says.
    """
    return answer(cloud, model, conversation(messages), params)


def answer(
    cloud: Cloud, model: str, body: Mapping[str, Any], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        cloud: the account.
        model: the ARN of a deployment or of throughput, or the id of a base model.
        body: the request of Converse, all but the model.
        params: `max_tokens`, `temperature`, `top_p`, `stop`, which go before what the body says;
            what else there is goes to the model as `additionalModelRequestFields`.

    Raises:
        InvalidRequestError: the model answers only behind an endpoint.
        NotFoundError: there is no such model.
        UnavailableError: the answer broke off.
        ProviderError: what else the service refuses.
    """
    if ":custom-model/" in model:
        raise InvalidRequestError.of(
            f"Amazon Bedrock answers for a tuned model only behind an endpoint: `{model}`",
            hint="declare an `endpoint` of the tuning job and ask that one",
        )
    asked = _asked(model, body, params)
    ended: str | None = None
    counted = Delta()
    for piece in cloud.stream(f"answer with `{model}`", lambda c: _begun(c, asked)):
        if "contentBlockDelta" in piece:
            delta = piece["contentBlockDelta"].get("delta") or {}
            if delta.get("text"):
                yield Delta(text=str(delta["text"]))
            if delta.get("citation"):
                yield Delta(citations=(_citation(delta["citation"]),))
        elif "messageStop" in piece:
            ended = str(piece["messageStop"].get("stopReason") or "stop")
        elif "metadata" in piece:
            counted = _counts(piece["metadata"].get("usage") or {})
    if ended is None:
        raise broken_off(cloud.provider, model)
    yield replace(counted, finish_reason=finish_reason(ended))


def _counts(usage: Mapping[str, Any]) -> Delta:
    """Return the token counts.

    `inputTokens` leaves out what a cache read or wrote (Amazon Bedrock user guide, prompt caching,
    2026: "total input tokens = inputTokens + cacheReadInputTokens + cacheWriteInputTokens").
    """
    read = int(usage.get("cacheReadInputTokens") or 0)
    written = int(usage.get("cacheWriteInputTokens") or 0)
    return Delta(
        prompt_tokens=int(usage.get("inputTokens") or 0) + read + written,
        completion_tokens=int(usage.get("outputTokens") or 0),
        cache_read_tokens=read,
        cache_written_tokens=written,
    )


def _citation(said: Mapping[str, Any]) -> Citation:
    """Return what is cited (botocore 1.44.5, `CitationsDelta` and `CitationLocation`)."""
    place = said.get("location") or {}
    indices = [
        one[name]
        for one in place.values()
        for name in ("documentIndex", "searchResultIndex")
        if isinstance(one, Mapping) and name in one
    ]
    page = str((place.get("web") or {}).get("url") or "")
    return Citation(
        text="".join(str(part.get("text") or "") for part in said.get("sourceContent") or ()),
        source=str(said.get("source") or page),
        title=str(said.get("title") or ""),
        index=indices[0] if indices else None,
    )


def _begun(client: Any, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    stream = client.converse_stream(**asked).get("stream")
    if stream is None:
        raise SenselessAnswerError("`stream` is missing")
    return iter(stream)


def conversation(messages: Sequence[Mapping[str, Plain]]) -> dict[str, Any]:
    """Return `system` and `messages` of Converse: neighbours of one role become one message."""
    system: list[dict[str, str]] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role, block = message.get("role"), {"text": str(message.get("content") or "")}
        if role in {"system", "developer"}:
            system.append(block)
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"].append(block)
        else:
            turns.append({"role": role, "content": [block]})
    return {"messages": turns, **({"system": system} if system else {})}


def _asked(model: str, body: Mapping[str, Any], params: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the arguments of ConverseStream."""
    limits = {_LIMITS[key]: as_json(value) for key, value in params.items() if key in _LIMITS}
    if isinstance(limits.get("stopSequences"), str):
        limits["stopSequences"] = [limits["stopSequences"]]
    limits = {**(body.get("inferenceConfig") or {}), **limits}
    more = {key: as_json(value) for key, value in params.items() if key not in _LIMITS}
    more = {**(body.get("additionalModelRequestFields") or {}), **more}
    return {
        **body,
        "modelId": model,
        **({"inferenceConfig": limits} if limits else {}),
        **({"additionalModelRequestFields": more} if more else {}),
    }
