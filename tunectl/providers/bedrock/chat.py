"""Answers, streamed through Converse, with the token counts at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunectl.core.errors import InvalidRequestError, UnavailableError
from tunectl.core.ports import Delta
from tunectl.core.value import Plain
from tunectl.providers.bedrock.client import Cloud
from tunectl.providers.bedrock.errors import SenselessAnswerError

# Our name -> Converse's `inferenceConfig` (botocore 1.44.5, service model `bedrock-runtime`).
_LIMITS = {
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop": "stopSequences",
}
_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}


def chat(
    cloud: Cloud, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        cloud: the account.
        model: the ARN of a deployment or of throughput, or the id of a base model.
        messages: `{"role", "content"}`; those of the system come before the conversation.
        params: `max_tokens`, `temperature`, `top_p`, `stop`; what else there is goes to the model
            as `additionalModelRequestFields`.

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
    asked = _asked(model, messages, params)
    ended: str | None = None
    read = written = 0
    for piece in cloud.stream(f"answer with `{model}`", lambda c: _begun(c, asked)):
        if "contentBlockDelta" in piece:
            text = (piece["contentBlockDelta"].get("delta") or {}).get("text")
            if text:
                yield Delta(text=str(text))
        elif "messageStop" in piece:
            ended = str(piece["messageStop"].get("stopReason") or "stop")
        elif "metadata" in piece:
            usage = piece["metadata"].get("usage") or {}
            read, written = int(usage.get("inputTokens", 0)), int(usage.get("outputTokens", 0))
    if ended is None:
        raise UnavailableError.of(
            f"provider `{cloud.provider}` broke off the answer of `{model}`", hint="ask again"
        )
    yield Delta(
        finish_reason=_REASONS.get(ended, ended), prompt_tokens=read, completion_tokens=written
    )


def _begun(client: Any, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    stream = client.converse_stream(**asked).get("stream")
    if stream is None:
        raise SenselessAnswerError("`stream` is missing")
    return iter(stream)


def _asked(
    model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> dict[str, Any]:
    """Return the arguments of ConverseStream: neighbours of one role become one message."""
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
    limits = {_LIMITS[key]: _thawed(value) for key, value in params.items() if key in _LIMITS}
    if isinstance(limits.get("stopSequences"), str):
        limits["stopSequences"] = [limits["stopSequences"]]
    more = {key: _thawed(value) for key, value in params.items() if key not in _LIMITS}
    return {
        "modelId": model,
        "messages": turns,
        **({"system": system} if system else {}),
        **({"inferenceConfig": limits} if limits else {}),
        **({"additionalModelRequestFields": more} if more else {}),
    }


def _thawed(value: Plain) -> Any:  # noqa: ANN401  # a JSON tree
    match value:
        case tuple():
            return [_thawed(item) for item in value]
        case Mapping():
            return {key: _thawed(item) for key, item in value.items()}
        case _:
            return value
