"""Preference rows: one question, two answers, of which one is better.

Sources: `FineTunePreferenceRequestInput` in OpenAI's specification of May 2025, with the keys of
its guide to direct preference optimization (`preferred_output`, `non_preferred_output`): text only,
and each answer one assistant message; Azure's documentation of 2026 takes answers of several
messages too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunectl.data.checks.rule import Context, ContextRule, Finding, RowCheck, Rule, messages_of
from tunectl.data.checks.texts import content_text
from tunectl.data.fingerprint import Json, Row, canonical_bytes
from tunectl.data.pattern import regex
from tunectl.data.sensitive.names import shown
from tunectl.data.targets import PREFERENCE

OUTPUTS = ("preferred_output", "non_preferred_output")
_KEYS = frozenset({"input", *OUTPUTS})
_INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})
_INDEX = regex(r"messages\[(\d+)\]")

PREFERENCE_OUTPUT = Rule(
    name="preference-output",
    number="D06",
    hint="each answer is a list with one assistant message of text",
    reason="the two answers are compared as they stand, and the service refuses other forms",
    methods=(PREFERENCE,),
)
SAME_ANSWERS = Rule(
    name="same-answers",
    number="D13",
    hint="remove the row, or give it an answer that is worse",
    reason="where both answers are equal there is nothing to prefer",
    methods=(PREFERENCE,),
)


def whole(row: Row) -> Iterator[Finding]:
    """What makes a row impossible to understand as a question with two answers."""
    for key in _KEYS - row.keys():
        yield Finding(f"the row has no `{key}`")
    for key in row.keys() - _KEYS:
        yield Finding(f"a preference row has no key `{shown(key)}`", about=f"`{shown(key)}`")
    asked = row.get("input", {})
    if not isinstance(asked, dict):
        yield Finding("`input` is not an object")
    elif "input" in row:
        if not isinstance(asked.get("messages"), list):
            yield Finding("`input.messages` is not a list")
        for key in asked.keys() - _INPUT_KEYS:
            yield Finding(f"`input` has no key `{shown(key)}`", about=f"`input.{shown(key)}`")
    for key in OUTPUTS:
        said = row.get(key, [])
        if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
            yield Finding(f"`{key}` is not a list of messages")
        elif key in row and not said:
            yield Finding(f"`{key}` is empty")


def sides(row: Row) -> Iterator[tuple[str, Row, int]]:
    """The conversation with each of the answers: the answer's key, the chat, where it begins."""
    asked = row["input"]
    assert isinstance(asked, dict)
    messages = asked["messages"]
    assert isinstance(messages, list)
    for key in OUTPUTS:
        said = row[key]
        assert isinstance(said, list)
        yield key, {**asked, "messages": [*messages, *said]}, len(messages)


def placed(text: str, place: str, start: int) -> str:
    """A finding about `sides`, with its messages named by where they stand in the row."""

    def one(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"input.messages[{index}]" if index < start else f"{place}[{index - start}]"

    return _INDEX.sub(one, text)


def _outputs(context: Context) -> RowCheck:
    """One message an answer, but where a provider is known to take several; text everywhere."""
    one_only = {target.provider for target in context.targets} != {"azure"}

    def check(row: Row) -> Iterator[Finding]:
        asked = row["input"]
        assert isinstance(asked, dict)
        if not all(_is_text(one.get("content")) for one in messages_of(asked)):
            yield Finding("`input` holds something other than text", about="`input`")
        for key in OUTPUTS:
            said = row[key]
            assert isinstance(said, list)
            if len(said) != 1 and one_only:
                yield Finding(f"`{key}` has {len(said)} messages instead of one", about=f"`{key}`")
            for one in said:
                if isinstance(one, dict) and not _is_text(one.get("content")):
                    yield Finding(f"`{key}` holds something other than text", about=f"`{key}`")

    return check


def _is_text(content: Json) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, dict) and part.get("type") == "text" for part in content)
    return content is None or isinstance(content, str)


def _same(_: Context) -> RowCheck:
    def check(row: Row) -> Iterator[Finding]:
        better, worse = row["preferred_output"], row["non_preferred_output"]
        if canonical_bytes(better) == canonical_bytes(worse) or _words(better) == _words(worse):
            yield Finding("the preferred answer and the other one are the same")

    return check


def _words(said: Json) -> object:
    """What is said, white space aside; the whole of it where that is not text alone."""
    if not isinstance(said, list) or any(isinstance(m, dict) and "tool_calls" in m for m in said):
        return canonical_bytes(said)
    return tuple(" ".join(content_text(m).split()) for m in said if isinstance(m, dict))


RULES = (
    ContextRule(PREFERENCE_OUTPUT, _outputs),
    ContextRule(SAME_ANSWERS, _same),
)
