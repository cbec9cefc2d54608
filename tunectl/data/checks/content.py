"""What messages say: something, in a form the role may use.

Source: OpenAI's specification of May 2025 (an assistant message needs content unless it calls).
Which parts content may have differs between providers: the catalog says what is known of each, and
without a provider only what all of them refuse is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.catalog.dataset_rules import DatasetRules
from tunectl.data.checks.providers import rules_for
from tunectl.data.checks.rule import (
    Context,
    ContextRule,
    Finding,
    RowCheck,
    RowRule,
    Rule,
    messages_of,
)
from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown

EMPTY_CONTENT = Rule(
    name="empty-content",
    number="D07",
    hint="fill it in or remove the row",
    reason="an empty answer teaches silence, and an empty question answers nothing",
)
BAD_CONTENT = Rule(
    name="bad-content",
    number="D04",
    hint="content is a text or a list of parts, each an object of a type that the provider takes",
    reason="a provider fails the job for content of another form",
)


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
        if _needs_no_content(one):
            continue
        yield Finding(f"`messages[{index}]` of `{shown(role)}` says nothing")


def _needs_no_content(message: Row) -> bool:
    """Whether a message of the assistant says something without content."""
    other = message.get("tool_calls") or message.get("function_call") or message.get("refusal")
    return message.get("role") == "assistant" and bool(other)


def _bad_content(context: Context) -> RowCheck:
    known = [rules for rules in rules_for(context, context.method) if rules.parts is not None]

    def check(row: Row) -> Iterator[Finding]:
        for index, one in enumerate(messages_of(row)):
            content = one.get("content")
            if content is None or isinstance(content, str):
                continue
            if not isinstance(content, list):
                yield Finding(f"`messages[{index}].content` is neither a text nor a list of parts")
                continue
            if not content and _needs_no_content(one):
                yield Finding(f"`messages[{index}].content` is a list without a part")
            for part in content:
                if not isinstance(part, dict) or not part:
                    yield Finding(f"`messages[{index}].content` holds a part that is no object")
                    continue
                for rules in known:
                    yield from _refused(part, f"`messages[{index}]`", one.get("role"), rules)

    return check


def _refused(part: Row, place: str, role: Json, rules: DatasetRules) -> Iterator[Finding]:
    """What a provider has against a part; a part without a type goes by its first key."""
    assert rules.parts is not None
    allowed = rules.parts.get(role if isinstance(role, str) else "", rules.parts[""])
    kind = part.get("type", next(iter(part)))
    if kind in allowed or (kind == "image_url" and rules.images is False):
        return  # that it takes no images at all is said once, by `provider-rows`
    yield Finding(
        f"`{rules.provider}` takes no part of type `{shown(kind)}` in {place} of `{shown(role)}`",
        about=rules.provider,
    )


RULES = (RowRule(EMPTY_CONTENT, _empty_content),)
BOUND = (ContextRule(BAD_CONTENT, _bad_content, talks=True),)
