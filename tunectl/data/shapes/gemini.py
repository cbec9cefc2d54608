"""Gemini's row, as Vertex AI takes it.

`{"systemInstruction": {"parts": [{"text"}]}, "contents": [{"role": "user" | "model", "parts": […]},
…], "tools": [{"functionDeclarations": […]}]}`; keys may be written in snake case. Sources:
Vertex AI, "Supervised fine-tuning: prepare data" and the reference of `Content` and
`FunctionResponse` (2026-11): an `output` that stands alone is the answer of the function, else
all of `response` is.

| Gemini | canonical row |
|---|---|
| one `text` part | the content |
| several parts | a list of parts |
| `functionCall` | an entry of `tool_calls`; `args` as JSON text |
| `functionResponse` | a `tool` message |
| `inlineData` | `image_url` or `input_audio` or `file`, as a data URL or base64 |
| `fileData` | `image_url` or `file` with the address, and the type where the name hides it |
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.media import inline_part, linked_part
from tunectl.data.shapes.shape import Shape
from tunectl.data.shapes.turns import Turns, json_text

_ROLES: dict[str, str] = {"model": "assistant"}
_SNAKE: dict[str, str] = {
    "system_instruction": "systemInstruction",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "inline_data": "inlineData",
    "file_data": "fileData",
    "function_declarations": "functionDeclarations",
    "mime_type": "mimeType",
    "file_uri": "fileUri",
}
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


def _matches(row: Row) -> bool:
    return isinstance(row.get("contents"), list) and "completions" not in row


def _canonical(row: Row) -> Row:
    row = _camel(row)
    contents = row.pop("contents")
    assert isinstance(contents, list)
    turns = Turns()
    system = row.pop("systemInstruction", None)
    if system is not None:
        turns.say("system", _system(system))
    for content in contents:
        _content(content, turns)
    tools = _tools(row.pop("tools", None))
    return {"messages": turns.messages, **({"tools": tools} if tools else {}), **row}


def _camel(value: Row) -> Row:
    """The object with its keys as the REST interface spells them."""
    return {_SNAKE.get(key, key): one for key, one in value.items()}


def _system(value: Json) -> Json:
    if not isinstance(value, dict) or not isinstance(value.get("parts"), list):
        return value
    parts = value["parts"]
    assert isinstance(parts, list)
    return _said([_part(part) for part in parts])


def _content(content: Json, turns: Turns) -> None:
    """One turn: what it says, calls and is answered, in the order of its parts."""
    if not isinstance(content, dict) or not isinstance(content.get("parts"), list):
        turns.keep(content)
        return
    parts, role = content["parts"], content.get("role")
    assert isinstance(parts, list)
    more: Row = {k: v for k, v in content.items() if k not in ("role", "parts")}
    role = _ROLES.get(role, role) if isinstance(role, str) else role
    said: list[Json] = []

    def flush() -> None:
        if said:
            turns.say(role, _said(said.copy()), more)
            said.clear()

    turns.ends_calls()
    for part in parts:
        one = _camel(part) if isinstance(part, dict) else {}
        call, response = one.get("functionCall"), one.get("functionResponse")
        if isinstance(call, dict) and len(one) == 1 and "name" in call:
            flush()
            _call(call, turns, more)
        elif isinstance(response, dict) and len(one) == 1 and "name" in response:
            flush()
            turns.answer(_answer(response), response["name"], response.get("id"), more)
        else:
            if not said:
                turns.ends_calls()
            said.append(_part(part))
    flush()
    if not parts:
        turns.say(role, None, more)


def _call(call: Row, turns: Turns, more: Row) -> None:
    extra: Row = {k: v for k, v in call.items() if k not in ("name", "args", "id")}
    turns.call(call["name"], json_text(call.get("args") or {}), call.get("id"), {**more, **extra})


def _answer(response: Row) -> str:
    """The text of a function's answer."""
    said = response.get("response")
    if isinstance(said, dict) and said.keys() == {"output"}:
        said = said["output"]
    return said if isinstance(said, str) else json_text(said)


def _said(parts: list[Json]) -> Json:
    """A single text as a text, anything else as parts."""
    if len(parts) == 1:
        [only] = parts
        if isinstance(only, dict) and only.keys() == {"type", "text"}:
            return only["text"]
    return parts


def _part(part: Json) -> Json:
    if not isinstance(part, dict):
        return part
    one = _camel(part)
    if "text" in one:
        return {"type": "text", **one}
    data = one.get("inlineData", one.get("fileData"))
    if isinstance(data, dict) and len(one) == 1:
        data = _camel(data)
        made = inline_part(data) if "inlineData" in one else linked_part(data)
        if made is not None:
            return made
    return part


def _tools(tools: Json) -> Json:
    """OpenAI's list of functions; a tool that is none is carried over."""
    if not isinstance(tools, list):
        return tools
    made: list[Json] = []
    for tool in tools:
        one = _camel(tool) if isinstance(tool, dict) else {}
        declared = one.pop("functionDeclarations", None)
        if not isinstance(declared, list):
            made.append(tool)
            continue
        made += [{"type": "function", "function": _function(each)} for each in declared]
        if one:
            made.append(one)
    return made


def _function(declared: Json) -> Json:
    if not isinstance(declared, dict) or "parameters" not in declared:
        return declared
    return {**declared, "parameters": _schema(declared["parameters"])}


def _schema(schema: Json) -> Json:
    """JSON Schema's names of types: Gemini writes them in capitals."""
    if not isinstance(schema, dict):
        return schema
    made: Row = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str) and value in _TYPES:
            made[key] = value.lower()
        elif key == "properties" and isinstance(value, dict):
            made[key] = {name: _schema(one) for name, one in value.items()}
        elif key in ("anyOf", "prefixItems") and isinstance(value, list):
            made[key] = [_schema(one) for one in value]
        else:
            made[key] = _schema(value) if key == "items" else value
    return made


GEMINI = Shape("gemini", "`contents` with `parts`", _matches, _canonical)
