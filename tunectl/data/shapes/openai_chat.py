"""OpenAI's chat object, the canonical row: `{"messages": [{"role", "content"}, …], "tools": …}`."""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.shape import Shape


def _matches(row: Row) -> bool:
    messages = row.get("messages")
    if not isinstance(messages, list) or "system" in row:
        return False
    if not messages:
        return True
    first = messages[0]
    return isinstance(first, dict) and "author" not in first


OPENAI_CHAT = Shape("openai-chat", "`messages` with `role`", _matches)
