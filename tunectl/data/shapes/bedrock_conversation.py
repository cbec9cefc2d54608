"""Bedrock's conversation schema, as Nova is tuned with.

`{"schemaVersion": "bedrock-conversation-2024", "system": [{"text"}], "messages": [{"role",
"content": [{"text"} | {"image"} | {"toolUse"} | {"toolResult"} | …]}], "toolConfig": {"tools":
[{"toolSpec"}]}}`. Sources: Amazon Nova, "Preparing data for fine-tuning", and the reference of
`ContentBlock` in the Converse API (2026-11).

`toolUse` becomes an entry of `tool_calls`, `toolResult` a `tool` message; a block that has no
counterpart is carried over as written.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.shape import Shape
from tunectl.data.shapes.turns import Turns, json_text


def _matches(row: Row) -> bool:
    return "schemaVersion" in row and isinstance(row.get("messages"), list)


def _canonical(row: Row) -> Row:
    version = row.pop("schemaVersion")
    if not (isinstance(version, str) and version.startswith("bedrock-conversation-")):
        row["schemaVersion"] = version
    messages, system = row.pop("messages"), row.pop("system", None)
    assert isinstance(messages, list)
    turns = Turns()
    if system is not None:
        turns.say("system", _content(system))
    for one in messages:
        _message(one, turns)
    made: Row = {"messages": turns.messages}
    tools = _tools(row)
    return {**made, **({"tools": tools} if tools else {}), **row}


def _message(one: Json, turns: Turns) -> None:
    if not isinstance(one, dict) or not isinstance(one.get("content"), list):
        turns.keep(one)
        return
    blocks, role = one["content"], one.get("role")
    assert isinstance(blocks, list)
    more: Row = {k: v for k, v in one.items() if k not in ("role", "content")}
    said: list[Json] = []

    def flush() -> None:
        if said:
            turns.say(role, _content(said.copy()), more)
            said.clear()

    turns.ends_calls()
    for block in blocks:
        use = block.get("toolUse") if isinstance(block, dict) else None
        result = block.get("toolResult") if isinstance(block, dict) else None
        if isinstance(use, dict) and "name" in use:
            flush()
            turns.call(use["name"], json_text(use.get("input", {})), use.get("toolUseId"), more)
        elif isinstance(result, dict):
            flush()
            turns.answer(_result(result), None, result.get("toolUseId"), _beside(result, more))
        else:
            if not said:
                turns.ends_calls()
            said.append(block)
    flush()
    if not blocks:
        turns.say(role, None, more)


def _beside(result: Row, more: Row) -> Row:
    """What a result says beside its content; success is what goes without saying."""
    extra: Row = {k: v for k, v in result.items() if k not in ("toolUseId", "content")}
    if extra.get("status") == "success":
        del extra["status"]
    return {**more, **extra}


def _result(result: Row) -> Json:
    content = result.get("content")
    if isinstance(content, list) and len(content) == 1:
        [only] = content
        if isinstance(only, dict) and only.keys() == {"json"}:
            return json_text(only["json"])
    return _content(content)


def _content(blocks: Json) -> Json:
    """A single text as a text, anything else as parts."""
    if not isinstance(blocks, list):
        return blocks
    parts = [_part(block) for block in blocks]
    if len(parts) == 1:
        [only] = parts
        if isinstance(only, dict) and only.keys() == {"type", "text"}:
            return only["text"]
    return parts


def _part(block: Json) -> Json:
    if not isinstance(block, dict):
        return block
    if "text" in block and "type" not in block:
        return {"type": "text", **block}
    image = block.get("image")
    if isinstance(image, dict) and len(block) == 1:
        return _image(image) or block
    return block


def _image(image: Row) -> Json:
    """An image in the bucket, or as base64."""
    source, kind = image.get("source"), image.get("format")
    if not isinstance(source, dict) or len(source) != 1 or image.keys() != {"source", "format"}:
        return None
    place, content = source.get("s3Location"), source.get("bytes")
    if isinstance(content, str):
        return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{content}"}}
    if not isinstance(place, dict) or not isinstance(place.get("uri"), str):
        return None
    more: Row = {k: v for k, v in place.items() if k != "uri"}
    uri = str(place["uri"])
    if not uri.lower().endswith((f".{kind}", ".jpg" if kind == "jpeg" else f".{kind}")):
        more["mime_type"] = f"image/{kind}"
    return {"type": "image_url", "image_url": {"url": uri, **more}}


def _tools(row: Row) -> Json:
    """OpenAI's list of functions from `toolConfig`, of which the rest stays in the row."""
    config = row.get("toolConfig")
    if not isinstance(config, dict) or not isinstance(config.get("tools"), list):
        return None
    tools = config["tools"]
    assert isinstance(tools, list)
    rest: Row = {k: v for k, v in config.items() if k != "tools"}
    row.pop("toolConfig")
    if rest:
        row["toolConfig"] = rest
    return [_tool(tool) for tool in tools]


def _tool(tool: Json) -> Json:
    spec = tool.get("toolSpec") if isinstance(tool, dict) else None
    if not isinstance(spec, dict):
        return tool
    schema = spec.get("inputSchema")
    if isinstance(schema, dict) and schema.keys() == {"json"}:
        rest: Row = {k: v for k, v in spec.items() if k != "inputSchema"}
        return {"type": "function", "function": {**rest, "parameters": schema["json"]}}
    return {"type": "function", "function": spec}


BEDROCK_CONVERSATION = Shape(
    "bedrock-conversation", "`schemaVersion` beside `messages`", _matches, _canonical
)
