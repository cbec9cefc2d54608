"""OpenAI's chat completions, and every service that speaks them.

Neighbouring messages of one side become one, because templates of open models want sides to
alternate. The cache of GPT-5.6 and later is told where the stable prefix ends, so that the newest
message, which never comes again, is not written into it and paid for (OpenAI prompt caching guide,
2026-11); for every other model caching is automatic, and servers that only speak like OpenAI are
sent no field they may not know.
"""

from __future__ import annotations

import re
from typing import Any

from tunectl.prompts.dialects.schema import for_openai
from tunectl.prompts.dialects.turns import marked
from tunectl.prompts.rendered import Message, Rendered

_VERSION = re.compile(r"^(?:ft:)?gpt-(\d+)(?:\.(\d+))?")
_OPENAIS = re.compile(r"^(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o\d)")
_FIRST_WITH_BREAKPOINTS = (5, 6)
# A breakpoint lives at least so long; there are no other lifetimes (openai 3.54.0).
_LIFETIMES = {"5m": "30m", "1h": "12h"}


def body(rendered: Rendered, *, model: str = "") -> dict[str, Any]:
    """Return the body of a chat completion, all but the model."""
    explicit = _has_breakpoints(model)
    cached = bool(rendered.cache)
    ends = marked(rendered.messages, cached=cached) if explicit else frozenset[int]()
    groups: list[list[Message]] = []
    for one in rendered.messages:
        alone = one.role == "tool" or bool(one.extra)
        before = groups[-1][-1] if groups else None
        joins = before is not None and before.role == one.role and not (alone or before.extra)
        if joins:
            groups[-1].append(one)
        elif one.text.strip() or alone:
            groups.append([one])
    lifetime = _LIFETIMES.get(str(rendered.cache.get("ttl")), "30m")
    found: dict[str, Any] = {"messages": [_message(one, ends, lifetime) for one in groups]}
    if ends:
        found["prompt_cache_options"] = {"mode": "explicit", "ttl": "30m"}
    if rendered.max_output is not None:
        found[limit_of(model)] = rendered.max_output
    if rendered.output:
        schema, strict = for_openai(rendered.output["schema"], tuned=model.startswith("ft:"))
        found["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": rendered.output.get("name") or "answer",
                "schema": schema,
                "strict": strict,
            },
        }
    return found


def limit_of(model: str) -> str:
    """Return the field that limits an answer.

    OpenAI's reasoning models refuse the older `max_tokens`, which is deprecated for all of its
    models; other services of this wire know that one alone (API reference, chat completions,
    2026-11). A model without a name is OpenAI's.
    """
    return "max_completion_tokens" if not model or _OPENAIS.match(model) else "max_tokens"


def _has_breakpoints(model: str) -> bool:
    version = _VERSION.match(model)
    if version is None:
        return False
    return (int(version[1]), int(version[2] or 0)) >= _FIRST_WITH_BREAKPOINTS


def _message(group: list[Message], ends: frozenset[int], lifetime: str) -> dict[str, Any]:
    first = group[0]
    if not any(id(one) in ends for one in group):
        text = "\n\n".join(one.text for one in group if one.text.strip())
        content: Any = text or (None if first.extra.get("tool_calls") else "")
        return {"role": first.role, "content": content, **first.extra}
    parts: list[dict[str, Any]] = []
    for at, one in enumerate(group):
        gap = "\n\n" if at else ""
        part: dict[str, Any] = {"type": "text", "text": gap + one.text}
        if id(one) in ends:
            part["prompt_cache_breakpoint"] = {"mode": "explicit", "ttl": lifetime}
        parts.append(part)
    return {"role": first.role, "content": parts, **first.extra}
