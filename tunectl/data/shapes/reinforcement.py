"""OpenAI's row for reinforcement tuning: `{"messages": […], "reference": …}`.

The messages end before the answer, which the model will give and a grader will judge; any key
beside `messages` and `tools` is the grader's (`{{ item.KEY }}`). Source:
`FineTuneReinforcementRequestInput` in OpenAI's specification of May 2025, and its API reference.

Without a key for the grader a row is taken for a chat whose answer is missing, which is by far the
more frequent; `format: reinforcement` says otherwise.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.shape import Shape

_CHAT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
# Keys of Bedrock's rows.
_OTHERS = frozenset({"system", "schemaVersion"})
_ASKING = frozenset({"user", "tool", "function", "developer"})


def ends_before_answer(row: Row) -> bool:
    """Whether the row has the grader's keys and no answer at its end."""
    if row.keys() <= _CHAT_KEYS or not _OTHERS.isdisjoint(row):
        return False
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") in _ASKING


def _has_messages(row: Row) -> bool:
    messages = row.get("messages")
    return isinstance(messages, list) and _OTHERS.isdisjoint(row)


_EVIDENCE = "`messages` that end before the answer, and keys for a grader"
REINFORCEMENT = Shape("reinforcement", _EVIDENCE, ends_before_answer, method="reinforcement")
# What `format: reinforcement` means: also rows that by themselves could be chats.
NAMED_REINFORCEMENT = Shape("reinforcement", "`messages`", _has_messages, method="reinforcement")
