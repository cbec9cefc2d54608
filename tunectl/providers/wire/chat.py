"""Answers, streamed, with the token counts at the end."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tunectl.core.ports import Citation, Delta
from tunectl.core.value import Plain
from tunectl.providers.answers import as_json, broken_off
from tunectl.providers.wire.client import Wire

_LIMITS = ("max_completion_tokens", "max_tokens")

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CompletionUsage


def chat(
    wire: Wire, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer to messages alone.

    Args:
        wire: the account.
        model: a model's id or an alias.
        messages: `{"role", "content"}` and what else the wire knows.
        params: such as `temperature` and `max_tokens`.

    Raises:
        ProviderError: as `answer` says.
    """
    return answer(wire, model, {"messages": list(messages)}, params)


def answer(
    wire: Wire, model: str, body: Mapping[str, Any], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        wire: the account.
        model: a model's id or an alias.
        body: the request, all but the model; what the SDK does not name is sent as is.
        params: such as `temperature` and `max_tokens`; they go before what the body says.

    Raises:
        NotFoundError: there is no such model.
        UnavailableError: the answer broke off.
        ProviderError: what else the service refuses.
    """

    def begin(client: OpenAI) -> Iterator[Any]:
        create: Any = client.chat.completions.create
        asked = as_json(_limited(body, params, wire.profile.answer_limit))
        known = inspect.signature(create).parameters.keys()
        extra = {key: value for key, value in asked.items() if key not in known}
        named = {key: value for key, value in asked.items() if key in known}
        pieces: Iterator[Any] = create(
            **named,
            model=model,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=extra or None,
        )
        return pieces

    ended: str | None = None
    counted = Delta()
    for piece in wire.stream(f"answer with `{model}`", begin):
        for choice in piece.choices or ():
            if choice.delta is not None:
                text, cited = choice.delta.content or "", _cited(choice.delta)
                if text or cited:
                    yield Delta(text=text, citations=cited)
            ended = choice.finish_reason or ended
        if piece.usage is not None:
            counted = _counts(piece.usage)
    if ended is None:
        raise broken_off(wire.provider, model)
    yield replace(counted, finish_reason=ended)


def _limited(body: Mapping[str, Any], params: Mapping[str, Plain], field: str) -> dict[str, Any]:
    """Return what is asked, with the longest answer under the name that the service knows."""
    asked = {**body, **params}
    said = [one[name] for one in (params, body) for name in _LIMITS if one.get(name) is not None]
    rest = {key: value for key, value in asked.items() if key not in _LIMITS}
    return {**rest, field: said[0]} if said else rest


def _counts(usage: CompletionUsage) -> Delta:
    """Return the token counts; cached ones are part of the prompt's (openai 3.54)."""
    details = usage.prompt_tokens_details
    return Delta(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cache_read_tokens=(details.cached_tokens or 0) if details else 0,
        cache_written_tokens=(details.cache_write_tokens or 0) if details else 0,
    )


def _cited(delta: Any) -> tuple[Citation, ...]:  # noqa: ANN401  # the SDK's type lacks the field
    """Return the annotations of a piece: `url_citation` is the only kind there is (openai 3.54).

    The SDK names them on a whole message alone; on a piece they come as a field it does not know.
    """
    found = getattr(delta, "annotations", None)
    pages = [
        one["url_citation"]
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, Mapping) and isinstance(one.get("url_citation"), Mapping)
    ]
    return tuple(
        Citation(source=str(page.get("url") or ""), title=str(page.get("title") or ""))
        for page in pages
    )
