"""The order of turns in supervised chat.

At most one system or developer message, first; then the user and the assistant in turn, tool
answers between the assistant's call and its next turn; the assistant last.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.data.checks.rule import Finding, RowRule, Rule, messages_of
from tunectl.data.checks.structure import ROLES
from tunectl.data.fingerprint import Row
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


def _message_order(row: Row) -> Iterator[Finding]:
    roles = [one.get("role") for one in messages_of(row)]
    if "assistant" not in roles or any(role not in ROLES for role in roles):
        return
    before, said = "", ""
    for index, one in enumerate(messages_of(row)):
        role = str(one["role"])
        now = _AS.get(role, role)
        if now not in FOLLOWERS[before]:
            after = f"after `{said}`" if said else "first"
            yield Finding(f"`{role}` may not come {after} (`messages[{index}]`)")
            return
        calls = now == "assistant" and (one.get("tool_calls") or one.get("function_call"))
        before, said = ("call" if calls else now), role
    if before not in ("assistant", "call"):
        yield Finding(f"the last message is from `{said}`, not from `assistant`")


RULES = (RowRule(NO_ASSISTANT_TURN, _no_assistant_turn), RowRule(MESSAGE_ORDER, _message_order))
