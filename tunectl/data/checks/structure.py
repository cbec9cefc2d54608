"""Keys and roles: what OpenAI's chat row may hold.

Source: `FineTuneChatRequestInput` in OpenAI's public specification of May 2025, and the API
reference of 2026-11 for the role `developer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from tunectl.data.checks.rule import Finding, RowRule, Rule, messages_of
from tunectl.data.fingerprint import Row
from tunectl.data.sensitive.names import shown

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_MESSAGE_KEYS = {
    "assistant": frozenset(
        {"role", "content", "name", "weight", "tool_calls", "function_call", "refusal", "audio"}
    ),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
# `weight` outside an assistant message is the business of the rule `weight`.
_OTHER_KEYS = frozenset({"role", "content", "name", "weight"})

BAD_MESSAGES = Rule(
    name="bad-messages",
    number="D04",
    hint='`messages` is a list of objects such as `{"role": "user", "content": "…"}`',
    reason="the provider finds no conversation in such a row and fails the job",
)
UNKNOWN_KEY = Rule(
    name="unknown-key",
    number="D04",
    hint="name it under `strip:` when it must not leave this machine, or remove it",
    reason="providers refuse keys they do not know, after the upload",
    shown=1,
)
UNKNOWN_ROLE = Rule(
    name="unknown-role",
    number="D05",
    hint=f"roles are {', '.join(f'`{role}`' for role in ROLES)}",
    reason="providers fail the whole job for one role they do not know",
)


def _bad_messages(row: Row) -> Iterator[Finding]:
    messages = row.get("messages")
    if not isinstance(messages, list):
        yield Finding("`messages` is not a list")
    elif not messages:
        yield Finding("`messages` is empty")
    else:
        for index, one in enumerate(messages):
            if not isinstance(one, dict):
                yield Finding(f"`messages[{index}]` is not an object")


def unknown_in_row(row: Row) -> frozenset[str]:
    """The keys that no chat row has."""
    return frozenset(row.keys() - _ROW_KEYS)


def unknown_in_message(message: Row) -> frozenset[str]:
    """The keys that no message of its role has."""
    role = message.get("role")
    known = _MESSAGE_KEYS.get(role, _OTHER_KEYS) if isinstance(role, str) else _OTHER_KEYS
    return frozenset(message.keys() - known)


def _unknown_key(row: Row) -> Iterator[Finding]:
    for key in unknown_in_row(row):
        yield Finding(f"a chat row has no key `{shown(key)}`", about=f"`{shown(key)}`")
    for one in messages_of(row):
        role = one.get("role")
        for key in unknown_in_message(one):
            named, who = shown(key), shown(role)
            yield Finding(
                f"a message of `{who}` has no key `{named}`", about=f"`{named}` of `{who}`"
            )


def _unknown_role(row: Row) -> Iterator[Finding]:
    for index, one in enumerate(messages_of(row)):
        if "role" not in one:
            yield Finding(f"`messages[{index}]` has no `role`")
            continue
        role = one["role"]
        if role not in ROLES:
            close = get_close_matches(role.lower(), ROLES, n=1) if isinstance(role, str) else []
            mean = f", did you mean `{close[0]}`?" if close else ""
            yield Finding(f"unknown role `{shown(role)}` in `messages[{index}]`{mean}")


RULES = (
    RowRule(BAD_MESSAGES, _bad_messages),
    RowRule(UNKNOWN_KEY, _unknown_key),
    RowRule(UNKNOWN_ROLE, _unknown_role),
)
