"""ShareGPT's row: `{"conversations": [{"from", "value"}, …], "system": "…", "tools": "[…]"}`.

`from` is `human`, `gpt`, `system`, `function_call`, `observation` and their usual other names; a
turn may as well say `role` and `content`. `tools` is a list as JSON text, and the value of a
`function_call` is `{"name", "arguments"}` as JSON text, or a list of these. Source: LLaMA-Factory,
`data/README.md`, "ShareGPT format" (2026-11).

A call right after the assistant's own words is one message with them. `function` is a call when its
value has that form, else an answer: both are written so.
"""

from __future__ import annotations

import json
import re

import orjson

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.shape import Shape, message
from tunectl.data.shapes.turns import Turns, as_written

ROLES: dict[str, str] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}
_CALLS = frozenset({"function_call", "function-call", "tool_call", "tool-call"})
_ANSWERS = frozenset(
    {
        "observation",
        "tool",
        "tool_response",
        "tool_result",
        "function_response",
        "function-response",
    }
)
_EITHER = "function"
_ARGUMENTS = re.compile(r'"arguments"\s*:\s*')
_DECODER = json.JSONDecoder()


def _matches(row: Row) -> bool:
    return isinstance(row.get("conversations"), list) and not {"chosen", "rejected"} <= row.keys()


def _canonical(row: Row) -> Row:
    made: Row = {"messages": conversation(row)}
    tools = tools_of(row)
    return {**made, **({} if tools is None else {"tools": tools}), **row}


def conversation(row: Row) -> list[Json]:
    """The messages of `system` and `conversations`, which are taken out of the row."""
    turns = Turns()
    conversations, system = row.pop("conversations"), row.pop("system", None)
    if system not in (None, ""):
        turns.keep(message("system", system))
    assert isinstance(conversations, list)
    for one in conversations:
        add_turn(one, turns)
    return turns.messages


def add_turn(one: Json, turns: Turns) -> None:
    """Add what one turn says; what is not understood is carried over as written."""
    if not isinstance(one, dict) or not ("from" in one or "role" in one):
        turns.keep(one)
        return
    who, said = ("from", "value") if "from" in one else ("role", "content")
    role, value = one[who], one.get(said)
    more: Row = {k: v for k, v in one.items() if k not in (who, said)}
    known = role.lower() if isinstance(role, str) else ""
    calls = calls_in(value) if known in _CALLS or known == _EITHER else []
    if calls:
        for name, arguments, id_ in calls:
            turns.call(name, arguments, id_, more)
    elif known in _ANSWERS or known == _EITHER:
        turns.answer(value, more.pop("name", None), more.pop("tool_call_id", None), more)
    else:
        turns.say(ROLES.get(known, role), value, more)


def calls_in(value: Json) -> list[tuple[Json, Json, Json]]:
    """Name, arguments and id of each call in a value; empty when it is no call."""
    text = ""
    if isinstance(value, str):
        text = value
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return []
    found = []
    for one in value if isinstance(value, list) else [value]:
        call = _one_call(one)
        if call is None:
            return []
        found.append(call)
    spelled = _spelled(text)
    if len(spelled) != len(found):
        return found
    if [orjson.loads(one) for one in spelled] != [orjson.loads(str(one[1])) for one in found]:
        return found
    return [(name, own, id_) for (name, _, id_), own in zip(found, spelled, strict=True)]


def _spelled(text: str) -> list[str]:
    """The arguments as the text spells them: white space and order are what is taught."""
    found = []
    at = 0
    while key := _ARGUMENTS.search(text, at):
        if text.startswith('"', key.end()):
            return []
        _, at = _DECODER.raw_decode(text, key.end())
        found.append(text[key.end() : at])
    return found


def _one_call(one: Json) -> tuple[Json, Json, Json] | None:
    if not isinstance(one, dict):
        return None
    inner = one.get("function")
    if isinstance(inner, dict) and one.keys() <= {"id", "type", "function"}:
        one = {**inner, "id": one.get("id")}
    if not {"name", "arguments"} <= one.keys() <= {"name", "arguments", "id"}:
        return None
    arguments = one["arguments"]
    text = arguments if isinstance(arguments, str) else as_written(arguments)
    return one["name"], text, one.get("id")


def tools_of(row: Row) -> Json:
    """OpenAI's list of functions from `tools`, which is taken out of the row; None without any."""
    tools = row.pop("tools", None)
    if isinstance(tools, str):
        if not tools.strip():
            return None
        try:
            tools = orjson.loads(tools)
        except orjson.JSONDecodeError:
            return tools
    if not isinstance(tools, list):
        return tools
    return [_tool(tool) for tool in tools] or None


def _tool(tool: Json) -> Json:
    if isinstance(tool, dict) and "name" in tool and "function" not in tool:
        return {"type": "function", "function": tool}
    return tool


SHAREGPT = Shape("sharegpt", "`conversations` with `from` and `value`", _matches, _canonical)
