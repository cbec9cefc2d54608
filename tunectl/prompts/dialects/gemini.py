"""Gemini's `generateContent`: `systemInstruction`, `contents`, `generationConfig`.

Its implicit cache is automatic, so breakpoints are not told; an explicit cache is a resource of its
own that is billed by the hour, and none is made here.
"""

from __future__ import annotations

from typing import Any

from tunectl.prompts.dialects.schema import for_gemini
from tunectl.prompts.dialects.turns import Turn, alternating, arguments_of
from tunectl.prompts.rendered import Message, Rendered

_SIDES = {"user": "user", "assistant": "model"}


def body(rendered: Rendered, *, model: str = "") -> dict[str, Any]:  # noqa: ARG001  # one signature
    """Return the body of `generateContent`.

    Raises:
        PromptError: no user says anything.
    """
    system, turns = alternating(rendered, "Gemini")
    names = {
        identity: name
        for one in rendered.messages
        for identity, name, _ in map(arguments_of, one.extra.get("tool_calls") or ())
    }
    found: dict[str, Any] = {"contents": [_content(turn, names) for turn in turns]}
    if system:
        found["systemInstruction"] = {"parts": [{"text": one.text} for one in system]}
    config: dict[str, Any] = {}
    if rendered.max_output is not None:
        config["maxOutputTokens"] = rendered.max_output
    if rendered.output:
        config["responseMimeType"] = "application/json"
        config |= for_gemini(rendered.output["schema"])
    return {**found, "generationConfig": config} if config else found


def _content(turn: Turn, names: dict[str, str]) -> dict[str, Any]:
    parts = [part for one in turn.messages for part in _parts(one, names)]
    return {"role": _SIDES[turn.role], "parts": parts}


def _parts(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = names.get(str(message.extra.get("tool_call_id")), "")
        return [{"functionResponse": {"name": name, "response": {"result": message.text}}}]
    parts: list[dict[str, Any]] = [{"text": message.text}] if message.text.strip() else []
    for call in message.extra.get("tool_calls") or ():
        _, name, arguments = arguments_of(call)
        parts.append({"functionCall": {"name": name, "args": arguments}})
    return parts
