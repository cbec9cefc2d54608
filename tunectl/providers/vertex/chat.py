"""Answers: `streamGenerateContent` for Gemini, `predict` for what has machines of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunectl.core.errors import NotFoundError, UnavailableError
from tunectl.core.ports import Delta
from tunectl.core.value import Plain
from tunectl.providers.answers import broken_off
from tunectl.providers.vertex.client import Cloud
from tunectl.providers.vertex.grounding import cited_by
from tunectl.providers.vertex.places import Name, location_of
from tunectl.providers.vertex.teardown import model_named

# Our words for sampling, and those of `GenerationConfig` (Vertex AI REST reference, 2026-10).
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
# google-cloud-aiplatform 2.7.0, `Candidate.FinishReason` and `PromptFeedback.BlockedReason`
_FILTERED = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "JAILBREAK",
)  # fmt: skip
_ENDS = {"STOP": "stop", "MAX_TOKENS": "length"} | dict.fromkeys(_FILTERED, "content_filter")
_SYSTEM = frozenset({"system", "developer"})


def chat(
    cloud: Cloud, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer to messages in OpenAI's form.

    Args:
        cloud: the account.
        model: an endpoint's name, a tuned model's, or a base model's id.
        messages: `{"role", "content"}`.
        params: such as `temperature` and `max_tokens`.

    Raises:
        ProviderError: as `answer` says.
    """
    return answer(cloud, model, request_of(messages, {}), params)


def answer(
    cloud: Cloud, model: str, body: Mapping[str, Any], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        cloud: the account.
        model: an endpoint's name, a tuned model's, or a base model's id.
        body: a `generateContent` request. To what has machines of its own its texts, roles and
            limits are sent as its container takes them: as chat completions, without a schema.
        params: such as `temperature` and `max_tokens`; they go before what the body says.

    Raises:
        NotFoundError: there is no such model or endpoint.
        UnavailableError: the answer broke off.
        ProviderError: what else the service refuses.
    """
    target = _target(cloud, model)
    name = Name.of(target)
    url = _machines_at(cloud, target) if name and name.collection == "endpoints" else ""
    if url:
        yield from _predicted(
            cloud, url, target, messages_of(body), {**settings_of(body), **params}
        )
    else:
        yield from _generated(cloud, target, _configured(body, params))


def _target(cloud: Cloud, model: str) -> str:
    """Return what is asked: an endpoint, or a published model in our location."""
    name = Name.of(model)
    if name is None:
        if model.startswith("projects/"):
            return model
        bare = model.removeprefix("publishers/google/models/")
        return f"{cloud.parent}/publishers/google/models/{bare}"
    if name.collection != "models":
        return model
    found = model_named(cloud, model)
    if found is None or not found.deployed_models:
        raise NotFoundError.of(
            f"the model `{model}` is on no endpoint of provider `{cloud.provider}`",
            hint="a tuned model answers by its endpoint; declare one: `endpoint:`",
        )
    return str(found.deployed_models[0].endpoint)


def _machines_at(cloud: Cloud, endpoint: str) -> str:
    """Return where an endpoint with machines of its own answers; empty where it has none."""
    location = location_of(endpoint)
    found = cloud.ask(
        f"read the endpoint `{endpoint}`", lambda: cloud.get_json(location, f"v1/{endpoint}")
    )
    if not any("dedicatedResources" in one for one in found.get("deployedModels") or ()):
        return ""
    return cloud.answering_url(location, str(found.get("dedicatedEndpointDns") or ""))


def _generated(cloud: Cloud, target: str, body: Mapping[str, Any]) -> Iterator[Delta]:
    ended: str | None = None
    usage: Mapping[str, Any] = {}
    lines = cloud.stream(
        f"answer with `{target}`",
        lambda: cloud.post_lines(location_of(target), f"v1/{target}:streamGenerateContent", body),
    )
    for line in lines:
        piece = json.loads(line)
        for candidate in piece.get("candidates") or ():
            parts = (candidate.get("content") or {}).get("parts") or ()
            text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
            cited = cited_by(candidate)
            if text or cited:
                yield Delta(text=text, citations=cited)
            ended = _end(candidate.get("finishReason")) or ended
        if blocked := (piece.get("promptFeedback") or {}).get("blockReason"):
            ended = _end(blocked)
        usage = piece.get("usageMetadata") or usage
    if ended is None:
        raise broken_off(cloud.provider, target)
    yield Delta(
        finish_reason=ended,
        # What came from a cache is counted in the prompt (Vertex AI REST reference, 2026-10).
        prompt_tokens=int(usage.get("promptTokenCount") or 0),
        cache_read_tokens=int(usage.get("cachedContentTokenCount") or 0),
        # Thoughts are billed as output (Vertex AI pricing, 2026-10).
        completion_tokens=int(usage.get("candidatesTokenCount") or 0)
        + int(usage.get("thoughtsTokenCount") or 0),
    )


def _end(reason: object) -> str | None:
    """Return why an answer ended, in OpenAI's words where there is one."""
    return _ENDS.get(str(reason), str(reason).lower()) if reason else None


def request_of(
    messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> dict[str, Any]:
    """Return a `generateContent` request for messages in OpenAI's form.

    >>> request_of([{"role": "user", "content": "Cześć"}], {})
    {'contents': [{'role': 'user', 'parts': [{'text': 'Cześć'}]}]}
    """
    system: list[dict[str, str]] = []
    contents: list[dict[str, Any]] = []
    for message in messages:
        parts = [{"text": text} for text in _texts(message.get("content"))]
        if message.get("role") in _SYSTEM:
            system.extend(parts)
        else:
            role = "model" if message.get("role") == "assistant" else "user"
            contents.append({"role": role, "parts": parts})
    instruction = {"systemInstruction": {"parts": system}} if system else {}
    return _configured({"contents": contents, **instruction}, params)


def _configured(body: Mapping[str, Any], params: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the request with the parameters in its `generationConfig`."""
    ours = {
        _SAMPLING.get(key, key): [value] if key == "stop" and isinstance(value, str) else value
        for key, value in params.items()
        if value is not None
    }
    config = {**(body.get("generationConfig") or {}), **ours}
    return {**body, **({"generationConfig": config} if config else {})}


def messages_of(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the messages in OpenAI's form that a `generateContent` request says.

    >>> messages_of({"contents": [{"role": "model", "parts": [{"text": "Tak"}]}]})
    [{'role': 'assistant', 'content': 'Tak'}]
    """
    system = body.get("systemInstruction")
    turns = [{**system, "role": "system"}] if system else []
    turns += [
        {**turn, "role": "assistant" if turn.get("role") == "model" else "user"}
        for turn in body.get("contents") or ()
    ]
    return [
        {"role": turn["role"], "content": "\n".join(_texts(list(turn.get("parts") or ())))}
        for turn in turns
    ]


def settings_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a `generateContent` request wants to be answered, in the words of `chat`.

    >>> settings_of({"generationConfig": {"maxOutputTokens": 9, "responseMimeType": "text/plain"}})
    {'max_tokens': 9}
    """
    config = body.get("generationConfig") or {}
    return {ours: config[theirs] for ours, theirs in _SAMPLING.items() if theirs in config}


def _texts(content: object) -> Iterator[str]:
    """Yield the texts of a message: its content is one, or a list of parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        for part in content:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                yield str(part["text"])


def _predicted(
    cloud: Cloud,
    url: str,
    target: str,
    messages: list[dict[str, str]],
    params: Mapping[str, Plain],
) -> Iterator[Delta]:
    """Ask a deployment as the text containers of Model Garden want it; the answer comes at once."""
    instance = {"@requestFormat": "chatCompletions", "messages": messages, **params}
    answer = cloud.ask(
        f"answer with `{target}`",
        lambda: cloud.post_json(
            location_of(target), f"v1/{target}:predict", {"instances": [instance]}, url
        ),
    )
    found = answer.get("predictions")
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, str):
        yield Delta(text=first.partition("\nOutput:\n")[2] or first)
        yield Delta(finish_reason="stop")
        return
    told: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
    choices = told.get("choices")
    if not choices or not isinstance(choices, list):
        raise UnavailableError.of(
            f"`{target}` gave an answer that is none of a chat",
            hint="its container must take chat completions; ask it by another tool",
            detail=json.dumps(found, ensure_ascii=False)[:300],
        )
    usage = told.get("usage") or {}
    yield Delta(text=str(choices[0].get("message", {}).get("content") or ""))
    yield Delta(
        finish_reason=choices[0].get("finish_reason") or "stop",
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
    )
