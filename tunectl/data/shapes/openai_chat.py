"""OpenAI's chat object, the canonical row: `{"messages": [{"role", "content"}, …], "tools": …}`."""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.reinforcement import ends_before_answer
from tunectl.data.shapes.shape import Shape


def _has_messages(row: Row) -> bool:
    messages = row.get("messages")
    if not isinstance(messages, list):
        return False
    if len(row) > 1 and ("system" in row or "schemaVersion" in row):
        return False
    if not messages:
        return True
    first = messages[0]
    return isinstance(first, dict) and "author" not in first


def _matches(row: Row) -> bool:
    return _has_messages(row) and (len(row) == 1 or not ends_before_answer(row))


_EVIDENCE = "`messages` with `role`"
OPENAI_CHAT = Shape("openai-chat", _EVIDENCE, _matches)
# What `format: openai-chat` means: also a row without an answer, which the checks then refuse.
NAMED_OPENAI_CHAT = Shape("openai-chat", _EVIDENCE, _has_messages)
