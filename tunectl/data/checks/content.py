"""What messages say: something, in a form the role may use.

Sources: OpenAI's specification of May 2025 (an assistant message needs content unless it calls) and
its guide on vision tuning (images in user messages only; no audio and no files).
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.data.checks.rule import Finding, RowRule, Rule, messages_of
from tunectl.data.fingerprint import Json, Row

EMPTY_CONTENT = Rule(
    name="empty-content",
    number="D07",
    hint="an empty text teaches silence: fill it in or remove the row",
)
BAD_CONTENT = Rule(
    name="bad-content",
    number="D04",
    hint="content is a text or a list of parts; images stand in user messages only",
)
_PARTS = {
    "user": frozenset({"text", "image_url"}),
    "assistant": frozenset({"text", "refusal"}),
}
_TEXT = frozenset({"text"})


def _is_empty(content: Json) -> bool:
    if isinstance(content, str):
        return not content.strip()
    if isinstance(content, list):
        return not any(_part_says(part) for part in content)
    return content is None


def _part_says(part: Json) -> bool:
    if not isinstance(part, dict):
        return True
    words = part.get("text", part.get("refusal", "image"))
    return not isinstance(words, str) or bool(words.strip())


def _empty_content(row: Row) -> Iterator[Finding]:
    for index, one in enumerate(messages_of(row)):
        if not _is_empty(one.get("content")):
            continue
        role = one.get("role")
        if role == "assistant" and (
            one.get("tool_calls") or one.get("function_call") or one.get("refusal")
        ):
            continue
        yield Finding(f"`messages[{index}]` of `{role}` says nothing")


def _bad_content(row: Row) -> Iterator[Finding]:
    for index, one in enumerate(messages_of(row)):
        content = one.get("content")
        if content is None or isinstance(content, str):
            continue
        if not isinstance(content, list):
            yield Finding(f"`messages[{index}].content` is neither a text nor a list of parts")
            continue
        role = one.get("role")
        allowed = _PARTS.get(role, _TEXT) if isinstance(role, str) else _TEXT
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in allowed:
                yield Finding(
                    f"`messages[{index}]` of `{role}` may not hold a part of type `{kind}`"
                )


RULES = (RowRule(EMPTY_CONTENT, _empty_content), RowRule(BAD_CONTENT, _bad_content))
