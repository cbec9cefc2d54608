"""Anthropic's messages: instructions apart, blocks, breakpoints of the cache, documents to cite."""

from __future__ import annotations

from typing import Any

from tunectl.prompts.dialects.schema import for_anthropic
from tunectl.prompts.dialects.turns import Turn, alternating, arguments_of, marked
from tunectl.prompts.errors import PromptError
from tunectl.prompts.rendered import Message, Rendered

_MAX_TOKENS = 4096  # the API has no default of its own; every model allows as much
Block = dict[str, Any]


def body(rendered: Rendered, *, model: str = "") -> dict[str, Any]:  # noqa: ARG001  # one signature
    """Return the body of a message, all but the model.

    Raises:
        PromptError: no user says anything, or citations are asked for together with a schema,
            which the API refuses.
    """
    if rendered.citations and rendered.output:
        raise PromptError("Anthropic cites no sources in structured output; keep one of them")
    system, turns = alternating(rendered, "Anthropic")
    wire = [*system, *(one for turn in turns for one in turn.messages)]
    ends = marked(wire, cached=bool(rendered.cache), declared=rendered.messages)
    control: Block = {"type": "ephemeral"}
    if ttl := rendered.cache.get("ttl"):
        control["ttl"] = ttl
    # The API wants a limit: where none is said it is what was kept free for the answer.
    most = rendered.max_output or rendered.reserve_output or _MAX_TOKENS
    found: dict[str, Any] = {"max_tokens": most}
    if system:
        found["system"] = [
            block for one in system for block in _ended([_text(one.text)], one, ends, control)
        ]
    found["messages"] = [
        {"role": turn.role, "content": _content(turn, rendered.citations, ends, control)}
        for turn in turns
    ]
    if rendered.output:
        schema = for_anthropic(rendered.output["schema"])
        found["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return found


def _content(turn: Turn, citing: bool, ends: frozenset[int], control: Block) -> list[Block]:
    return [
        block for one in turn.messages for block in _ended(_blocks(one, citing), one, ends, control)
    ]


def _ended(
    blocks: list[Block], message: Message, ends: frozenset[int], control: Block
) -> list[Block]:
    if id(message) in ends and blocks:
        blocks[-1]["cache_control"] = dict(control)
    return blocks


def _blocks(message: Message, citing: bool) -> list[Block]:
    if message.role == "tool":
        call = str(message.extra.get("tool_call_id") or "")
        return [{"type": "tool_result", "tool_use_id": call, "content": message.text}]
    if citing and message.passages:
        return [
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": one.text},
                "title": one.title or one.source,
                "context": one.source,
                "citations": {"enabled": True},
            }
            for one in message.passages
        ]
    blocks = [_text(message.text)] if message.text.strip() else []
    for call in message.extra.get("tool_calls") or ():
        identity, name, arguments = arguments_of(call)
        blocks.append({"type": "tool_use", "id": identity, "name": name, "input": arguments})
    return blocks


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
