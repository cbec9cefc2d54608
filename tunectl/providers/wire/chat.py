"""Answers, streamed, with the token counts at the end."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunectl.core.errors import UnavailableError
from tunectl.core.ports import Delta
from tunectl.core.value import Plain
from tunectl.providers.wire.client import Wire
from tunectl.providers.wire.job import unfrozen

if TYPE_CHECKING:
    from openai import OpenAI


def chat(
    wire: Wire, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        wire: the account.
        model: a model's id or an alias.
        messages: `{"role", "content"}` and what else the wire knows.
        params: such as `temperature` and `max_tokens`; what the SDK does not name is sent as is.

    Raises:
        NotFoundError: there is no such model.
        UnavailableError: the answer broke off.
        ProviderError: what else the service refuses.
    """

    def begin(client: OpenAI) -> Iterator[Any]:
        create: Any = client.chat.completions.create
        known = inspect.signature(create).parameters.keys()
        extra = {key: unfrozen(value) for key, value in params.items() if key not in known}
        named = {key: unfrozen(value) for key, value in params.items() if key in known}
        pieces: Iterator[Any] = create(
            **named,
            model=model,
            messages=[unfrozen(message) for message in messages],
            stream=True,
            stream_options={"include_usage": True},
            extra_body=extra or None,
        )
        return pieces

    ended: str | None = None
    read = written = 0
    for piece in wire.stream(f"answer with `{model}`", begin):
        for choice in piece.choices or ():
            if choice.delta is not None and choice.delta.content:
                yield Delta(text=choice.delta.content)
            ended = choice.finish_reason or ended
        if piece.usage is not None:
            read, written = piece.usage.prompt_tokens, piece.usage.completion_tokens
    if ended is None:
        raise UnavailableError.of(
            f"provider `{wire.provider}` broke off the answer of `{model}`",
            hint="ask again",
        )
    yield Delta(finish_reason=ended, prompt_tokens=read, completion_tokens=written)
