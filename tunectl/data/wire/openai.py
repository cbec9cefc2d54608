"""OpenAI's rows: chat, preference (DPO) and reinforcement.

Source: `FineTuneChatRequestInput`, `FineTunePreferenceRequestInput` (whose outputs are now called
`preferred_output` and `non_preferred_output`) and `FineTuneReinforcementRequestInput` in OpenAI's
public specification of May 2025; API reference of 2026-11. The canonical row is this row, so only
keys that OpenAI refuses are lost.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown_name
from tunectl.data.wire.conversation import UnreadableRowError
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses

_CHAT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_INPUT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})
_PREFERENCE_KEYS = ("input", "preferred_output", "non_preferred_output")
_MESSAGE_KEYS = frozenset({"role", "content", "name", "weight"})
_IMAGE_KEYS = frozenset({"url", "detail"})
_OF_ROLE = {
    "assistant": _MESSAGE_KEYS | {"tool_calls", "function_call", "refusal", "audio"},
    "tool": _MESSAGE_KEYS | {"tool_call_id"},
}


def _only(row: Row, known: frozenset[str], path: str, losses: Losses) -> Row:
    made = {}
    for key, value in row.items():
        if key in known:
            made[key] = value
        elif value is not None:
            named = f"{path}{shown_name(key)}"
            losses.note("keys", f"the key `{named}`", named)
    return made


def _messages(value: Json, path: str, losses: Losses) -> Json:
    if not isinstance(value, list):
        raise UnreadableRowError(f"`{path}` is not a list")
    made: list[Json] = []
    for index, one in enumerate(value):
        if not isinstance(one, dict):
            raise UnreadableRowError(f"`{path}[{index}]` is not an object")
        role = one.get("role")
        known = _OF_ROLE.get(role, _MESSAGE_KEYS) if isinstance(role, str) else _MESSAGE_KEYS
        kept = one if one.keys() <= known else _only(one, known, f"{path}[].", losses)
        if isinstance(content := kept.get("content"), list):
            kept = {**kept, "content": [_part(part, losses) for part in content]}
        made.append(kept)
    return made


def _part(part: Json, losses: Losses) -> Json:
    """A part; of an image only what OpenAI takes."""
    image = part.get("image_url") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(image, dict) or image.keys() <= _IMAGE_KEYS:
        return part
    return {**part, "image_url": _only(image, _IMAGE_KEYS, "content[].image_url.", losses)}


def _chat(row: Row, losses: Losses) -> Row:
    made = _only(row, _CHAT_KEYS, "", losses)
    return {**made, "messages": _messages(row.get("messages"), "messages", losses)}


def _preferred_only(row: Row, losses: Losses) -> Row:
    """A chat row of the preferred answer."""
    whole = _preference(row, losses)
    losses.note("rejected", "the answer that was not preferred")
    asked, answer = whole["input"], whole["preferred_output"]
    assert isinstance(asked, dict)
    messages = asked["messages"]
    assert isinstance(messages, list)
    assert isinstance(answer, list)
    return {**asked, "messages": [*messages, *answer]}


def _preference(row: Row, losses: Losses) -> Row:
    made = _only(row, frozenset(_PREFERENCE_KEYS), "", losses)
    asked = row.get("input")
    if not isinstance(asked, dict):
        raise UnreadableRowError("`input` is not an object")
    kept = _only(asked, _INPUT_KEYS, "input.", losses)
    made["input"] = {**kept, "messages": _messages(asked.get("messages"), "messages", losses)}
    for key in _PREFERENCE_KEYS[1:]:
        made[key] = _messages(row.get(key), key, losses)
    return made


def _reinforcement(row: Row, losses: Losses) -> Row:
    """Every other key reaches the grader, so none is lost."""
    return {**row, "messages": _messages(row.get("messages"), "messages", losses)}


CHAT = Format("openai-chat", {"supervised": _chat, "preference": _preferred_only})
PREFERENCE = Format("preference", {"preference": _preference})
REINFORCEMENT = Format("reinforcement", {"reinforcement": _reinforcement})
