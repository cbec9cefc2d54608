"""What the answers of several services have alike: how they end, and in what form one asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tunectl.core.errors import UnavailableError

# What Claude's services call the end of an answer (Messages API, `stop_reason`; botocore 1.44.5,
# `StopReason`), in the words of the others where they have one for it.
_REASONS = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
        "content_filtered": "content_filter",
        "guardrail_intervened": "content_filter",
    }
)


def finish_reason(stopped: str) -> str:
    """Return why an answer ended, in OpenAI's words where there is one.

    >>> finish_reason("max_tokens")
    'length'
    """
    return _REASONS.get(stopped, stopped)


def broken_off(provider: str, model: str) -> UnavailableError:
    """Return the error of an answer without an end."""
    return UnavailableError.of(
        f"provider `{provider}` broke off the answer of `{model}`", hint="ask again"
    )


def as_json(value: Any) -> Any:  # noqa: ANN401  # a tree of the declaration
    """Return a value in what JSON encoders know: maps and lists of their own."""
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
