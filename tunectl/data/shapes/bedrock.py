"""Bedrock's row for Claude: `{"system": "…", "messages": [{"role", "content"}, …]}`.

`system` may be missing. Source: the official cookbook for tuning Claude 3 Haiku.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.shape import Shape, first_message, message


def _matches(row: Row) -> bool:
    first = first_message(row)
    if first is None or "role" not in first or "schemaVersion" in row:
        return False
    return isinstance(row.get("system", ""), str)


def _canonical(row: Row) -> Row:
    if "system" not in row:
        return row
    system = row.pop("system")
    messages = row["messages"]
    assert isinstance(messages, list)
    return {**row, "messages": [message("system", system), *messages]}


BEDROCK = Shape("bedrock", "`system` beside `messages`", _matches, _canonical)
