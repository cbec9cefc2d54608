"""A rendered prompt in the words of a service: the whole body of a request, all but the model.

May: arrange messages, mark what is cached, state the schema of the answer.
Never: changes a text, drops a message, asks a service, imports an SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tunectl.prompts.dialects import anthropic, bedrock, gemini, openai
from tunectl.prompts.errors import PromptError
from tunectl.prompts.rendered import Rendered

DIALECTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "openai": openai.body,
    "anthropic": anthropic.body,
    "gemini": gemini.body,
    "bedrock": bedrock.body,
}


def body(dialect: str, rendered: Rendered, *, model: str = "") -> dict[str, Any]:
    """Return the body of a request.

    Args:
        dialect: a key of `DIALECTS`.
        rendered: the prompt.
        model: its id, where what a model takes depends on it; it is not in the body.

    Raises:
        PromptError: there is no such dialect, or the service takes no such prompt.
    """
    if dialect not in DIALECTS:
        known = ", ".join(f"`{name}`" for name in DIALECTS)
        raise PromptError(f"there is no dialect `{dialect}`; there are {known}")
    return DIALECTS[dialect](rendered, model=model)


__all__ = ["DIALECTS", "body"]
