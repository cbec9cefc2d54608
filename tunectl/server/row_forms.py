"""The forms of rows that methods learn from: a chat, two answers to one question, a task.

The rules are those of `FineTunePreferenceRequestInput` and `FineTuneReinforcementRequestInput` in
OpenAI's specification of May 2025, with the keys of its guide to direct preference optimization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OUTPUTS = ("preferred_output", "non_preferred_output")
PREFERENCE_KEYS = frozenset({"input", *OUTPUTS})
INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


def learnt(row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the conversation that a checked row teaches: of two answers the better one."""
    asked = row.get("input")
    if isinstance(asked, Mapping):
        return [*asked["messages"], *row[OUTPUTS[0]]]
    messages: Sequence[Mapping[str, Any]] = row["messages"]
    return messages
