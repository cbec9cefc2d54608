"""The order of turns in supervised chat.

At most one system or developer message, first; then the user and the assistant in turn, tool
answers between the assistant's call and its next turn; the assistant last.

Providers differ: AWS's notebook for Claude 3 Haiku demands it, OpenAI's specification of 2025-05-20
names no order of turns. For those that name none another order is a warning, but for the end:
there is nothing to learn after the last answer (OpenAI's cookbook, chat fine-tuning data).
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Severity
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
from tunectl.data.checks.structure import ROLES
from tunectl.data.fingerprint import Json, Row
from tunectl.data.targets import PREFERENCE, SUPERVISED

NO_ASSISTANT_TURN = Rule(
    name="no-assistant-turn",
    number="D06",
    hint="there is nothing to learn: add the wanted answer",
    reason="a row teaches by its assistant messages alone",
    methods=(SUPERVISED, PREFERENCE),
)
MESSAGE_ORDER = Rule(
    name="message-order",
    number="D06",
    hint="the order is: system (if any), user, assistant, user, …, assistant",
    reason="providers refuse other orders, or learn what never happens in use",
    methods=(SUPERVISED, PREFERENCE),
)

# What may follow what; "" is the beginning, `call` an assistant message that calls tools.
FOLLOWERS: dict[str, frozenset[str]] = {
    "": frozenset({"system", "user"}),
    "system": frozenset({"user"}),
    "user": frozenset({"assistant"}),
    "assistant": frozenset({"user"}),
    "call": frozenset({"tool", "user"}),
    "tool": frozenset({"tool", "assistant"}),
}
_AS = {"developer": "system", "function": "tool"}


def _no_assistant_turn(row: Row) -> Iterator[Finding]:
    messages = messages_of(row)
    if messages and all(one.get("role") != "assistant" for one in messages):
        yield Finding("the row has no assistant message")


def _message_order(context: Context) -> RowCheck:
    known = rules_for(context, context.method)
    every = {target.provider for target in context.targets}
    strict = next((rules.provider for rules in known if rules.order == "strict"), "")
    free = sum(rules.order == "free" for rules in known)
    # One provider that names no order is no word for the others.
    severity = Severity.WARNING if free and free == len(every) else None

    def check(row: Row) -> Iterator[Finding]:
        roles = [one.get("role") for one in messages_of(row)]
        if "assistant" not in roles or any(role not in ROLES for role in roles):
            return
        wrong, last = _first_wrong(messages_of(row))
        if wrong:
            refused = f", which `{strict}` refuses" if strict and free else ""
            # Of a preference the question may not be empty (the same specification).
            asked = context.method != PREFERENCE or roles[0] != "assistant"
            yield Finding(wrong + refused, severity=severity if asked else None)
        if last and (severity is not None or not wrong):
            yield Finding(f"the last message is from `{last}`, not from `assistant`")

    return check


def _first_wrong(messages: list[dict[str, Json]]) -> tuple[str, str]:
    """What stands where it may not, empty for nothing; and who speaks last, empty for an answer."""
    before, said, wrong = "", "", ""
    for index, one in enumerate(messages):
        role = str(one["role"])
        now = _AS.get(role, role)
        if not wrong and now not in FOLLOWERS[before]:
            after = f"after `{said}`" if said else "first"
            wrong = f"`{role}` may not come {after} (`messages[{index}]`)"
        calls = now == "assistant" and (one.get("tool_calls") or one.get("function_call"))
        before, said = ("call" if calls else now), role
    return wrong, "" if before in ("assistant", "call") else said


RULES = (RowRule(NO_ASSISTANT_TURN, _no_assistant_turn),)
BOUND = (ContextRule(MESSAGE_ORDER, _message_order, talks=True),)
