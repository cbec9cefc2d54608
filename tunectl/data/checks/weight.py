"""`weight`: 0 or 1, on assistant messages only: skip or train.

Source: `FineTuneChatCompletionRequestAssistantMessage` in OpenAI's specification of May 2025.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.data.checks.rule import Finding, RowRule, Rule, messages_of
from tunectl.data.fingerprint import Row
from tunectl.data.sensitive.names import shown
from tunectl.data.targets import SUPERVISED

WEIGHT = Rule(
    name="weight",
    number="",
    hint="`weight` is 0 (skip) or 1 (train), on assistant messages only",
    reason="another weight fails the job, and a row whose every weight is 0 is paid for in vain",
    methods=(SUPERVISED,),
)


def _weight(row: Row) -> Iterator[Finding]:
    messages = messages_of(row)
    for index, one in enumerate(messages):
        if "weight" not in one:
            continue
        weight = one["weight"]
        if one.get("role") != "assistant":
            yield Finding(f"`messages[{index}]` of `{shown(one.get('role'))}` has a `weight`")
        elif type(weight) is not int or weight not in (0, 1):
            kind = "a text" if isinstance(weight, str) else f"`{shown(weight)}`"
            yield Finding(f"`messages[{index}].weight` is {kind}, not 0 or 1")
    weights = [one.get("weight", 1) for one in messages if one.get("role") == "assistant"]
    if weights and all(type(weight) is int and weight == 0 for weight in weights):
        yield Finding("every assistant message has `weight` 0: nothing is learned from the row")


RULES = (RowRule(WEIGHT, _weight),)
