"""Tool calls and their answers belong together.

Every `tool` message answers an earlier call by its id, every call is answered before the talk goes
on, and `arguments` is a text that holds JSON (OpenAI's guide to supervised tuning).
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from tunectl.data.checks.rule import Finding, RowRule, Rule, messages_of
from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown

TOOL_CALLS = Rule(
    name="tool-calls",
    number="",
    hint="a call has `id`, `type`, `function: {name, arguments}`; its answer names the id",
    reason="a call and its answer that do not fit each other fail the job, or teach wrong calls",
)
TOOLS = Rule(
    name="tools",
    number="",
    hint='a tool looks like `{"type": "function", "function": {"name": "…"}}`',
    reason="the model learns to call what is declared here",
)


def _tool_calls(row: Row) -> Iterator[Finding]:
    known: set[str] = set()
    open_: dict[str, int] = {}
    messages = messages_of(row)
    for index, one in enumerate(messages):
        role = one.get("role")
        if role == "tool":
            yield from _answer(one, index, known, open_)
            continue
        if open_ and role in ("user", "assistant"):
            yield Finding(
                f"the call `{shown(next(iter(open_)))}` is not answered before `messages[{index}]`"
            )
            open_.clear()
        if role == "assistant" and one.get("tool_calls") is not None:
            yield from _calls(one["tool_calls"], index, known, open_)
    if open_ and messages[-1].get("role") == "tool":
        yield Finding(f"the call `{shown(next(iter(open_)))}` is never answered")


def _answer(one: Row, index: int, known: set[str], open_: dict[str, int]) -> Iterator[Finding]:
    id_ = one.get("tool_call_id")
    if not isinstance(id_, str):
        yield Finding(f"`messages[{index}]` of `tool` has no `tool_call_id`")
    elif id_ not in known:
        yield Finding(
            f"`messages[{index}]` answers `{shown(id_)}`, and no earlier call has that id"
        )
    else:
        open_.pop(id_, None)


def _calls(calls: Json, index: int, known: set[str], open_: dict[str, int]) -> Iterator[Finding]:
    if not isinstance(calls, list) or not calls:
        yield Finding(f"`messages[{index}].tool_calls` is not a list of calls")
        return
    for number, call in enumerate(calls):
        where = f"`messages[{index}].tool_calls[{number}]`"
        if not isinstance(call, dict):
            yield Finding(f"{where} is not an object")
            continue
        yield from _function(call, where)
        id_ = call.get("id")
        if not isinstance(id_, str) or not id_:
            yield Finding(f"{where} has no `id`")
        elif id_ in known:
            yield Finding(f"{where} has the id `{shown(id_)}` of an earlier call")
        else:
            known.add(id_)
            open_[id_] = index


def _function(call: Row, where: str) -> Iterator[Finding]:
    function = call.get("function")
    if call.get("type") != "function" or not isinstance(function, dict):
        yield Finding(f"{where} is not a call of a function")
        return
    if not isinstance(function.get("name"), str) or not function["name"]:
        yield Finding(f"{where} does not name its function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        yield Finding(f"`arguments` of {where} is not a text")
        return
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        yield Finding(f"`arguments` of {where} is not JSON")


def _tools(row: Row) -> Iterator[Finding]:
    if "tools" not in row:
        return
    tools = row["tools"]
    if not isinstance(tools, list):
        yield Finding("`tools` is not a list")
        return
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            yield Finding(f"`tools[{index}]` does not name a function")


RULES = (RowRule(TOOL_CALLS, _tool_calls), RowRule(TOOLS, _tools))
