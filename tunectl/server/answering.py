"""What an answer is, whoever gives it: a model as files, pieces of text, and their limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

DEFAULT_MAX_TOKENS = 1024
"""Answer tokens when the caller names no limit: a small model may repeat itself for ever."""


@dataclass(frozen=True)
class Piece:
    """A piece of an answer. The last one has `finish_reason` (stop or length) and both counts."""

    text: str
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Loaded:
    """A model as files: the base's Hugging Face folder, its GGUF, and a PEFT folder if tuned."""

    name: str
    base: Path
    gguf: Path | None
    adapter: Path | None
    simulated: bool = False


class ContextOverflowError(ValueError):
    """The prompt does not fit; the wire's 400 with code `context_length_exceeded`."""

    def __init__(self, limit: int, prompt_tokens: int) -> None:
        """Say it in the words of OpenAI's API."""
        super().__init__(
            f"This model's maximum context length is {limit} tokens. However, your messages "
            f"resulted in {prompt_tokens} tokens. Please reduce the length of the messages."
        )
        self.limit = limit
        self.prompt_tokens = prompt_tokens


class Generator(Protocol):
    """Whatever answers chats. One generation runs at a time; `cancelled` ends it early."""

    def chat(
        self,
        model: Loaded,
        messages: Sequence[Mapping[str, Any]],
        *,
        max_tokens: int | None,
        temperature: float,
        top_p: float,
        seed: int | None,
        stop: Sequence[str],
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Check the request now, answer piece by piece when iterated.

        Raises:
            ContextOverflowError: the prompt alone fills the context.
            UnsupportedMessageError: the messages hold anything but text.
        """
        ...


def answer_limit(context: int, prompt_tokens: int, max_tokens: int | None) -> int:
    """How many tokens an answer may have: what was asked for, or the default, if there is room.

    Raises:
        ContextOverflowError: there is no room for a single token.
    """
    room = context - prompt_tokens
    if room < 1:
        raise ContextOverflowError(context, prompt_tokens)
    return min(room, DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens)


@contextmanager
def waiting_for(lock: threading.Lock, cancelled: threading.Event) -> Iterator[bool]:
    """Hold the lock, or give up (False) when the caller goes away while waiting for it."""
    held = False
    while not held and not cancelled.is_set():
        held = lock.acquire(timeout=0.2)
    try:
        yield held
    finally:
        if held:
            lock.release()
