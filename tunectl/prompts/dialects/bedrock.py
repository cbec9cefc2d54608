"""Bedrock's Converse: system, messages, cache points; sampling is left to who sends it.

Cache points and documents to cite are sent only to models that take them: Claude and Nova, and
Claude alone (Amazon Bedrock user guide, "Prompt caching" and "Converse", 2026-11). Where the model
is not known by its name, as with a profile or an imported one, cache points are left out, because
others refuse the whole request.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tunectl.prompts.dialects.schema import for_anthropic
from tunectl.prompts.dialects.turns import Turn, alternating, arguments_of, marked
from tunectl.prompts.rendered import Message, Rendered

_CACHING = re.compile(r"anthropic\.|claude|amazon\.nova|nova-")
_CITING = re.compile(r"anthropic\.|claude")
_UNNAMED = re.compile(r"[^0-9A-Za-z\s\-()\[\]]|\s+")  # what a document's name may not hold
Block = dict[str, Any]


def body(rendered: Rendered, *, model: str = "") -> dict[str, Any]:
    """Return the body of Converse, all but the model.

    Args:
        rendered: the prompt.
        model: its id; empty for any that can do everything.

    Raises:
        PromptError: no user says anything.
    """
    system, turns = alternating(rendered, "Bedrock")
    caching = not model or _CACHING.search(model) is not None
    citing = rendered.citations and (not model or _CITING.search(model) is not None)
    wire = [*system, *(one for turn in turns for one in turn.messages)]
    ends = marked(wire, cached=bool(rendered.cache), declared=rendered.messages)
    point: Block = {"cachePoint": {"type": "default"}}
    if rendered.cache.get("ttl") == "1h":
        point["cachePoint"]["ttl"] = "1h"
    writer = _Writer(ends if caching else frozenset(), point, citing)
    found: dict[str, Any] = {"messages": [writer.message(turn) for turn in turns]}
    if system:
        found["system"] = [
            block for one in system for block in writer.ended([{"text": one.text}], one)
        ]
    if rendered.max_output is not None:
        found["inferenceConfig"] = {"maxTokens": rendered.max_output}
    if rendered.output:
        schema = for_anthropic(rendered.output["schema"])
        found["outputConfig"] = {
            "textFormat": {
                "type": "json_schema",
                "structure": {
                    "jsonSchema": {
                        "schema": json.dumps(schema, ensure_ascii=False),
                        "name": rendered.output.get("name") or "answer",
                    }
                },
            }
        }
    return found


class _Writer:
    """Writes the blocks of one request."""

    def __init__(self, ends: frozenset[int], point: Block, citing: bool) -> None:
        self._ends, self._point, self._citing = ends, point, citing
        self._documents = 0

    def message(self, turn: Turn) -> dict[str, Any]:
        content = [block for one in turn.messages for block in self.ended(self._blocks(one), one)]
        return {"role": turn.role, "content": content}

    def ended(self, blocks: list[Block], message: Message) -> list[Block]:
        return [*blocks, dict(self._point)] if id(message) in self._ends else blocks

    def _blocks(self, message: Message) -> list[Block]:
        if message.role == "tool":
            call = str(message.extra.get("tool_call_id") or "")
            return [{"toolResult": {"toolUseId": call, "content": [{"text": message.text}]}}]
        if self._citing and message.passages:
            return [self._document(one.source, one.title, one.text) for one in message.passages]
        blocks: list[Block] = [{"text": message.text}] if message.text.strip() else []
        for call in message.extra.get("tool_calls") or ():
            identity, name, arguments = arguments_of(call)
            use = {"toolUseId": identity, "name": name, "input": arguments}
            blocks.append({"toolUse": use})
        return blocks

    def _document(self, source: str, title: str, text: str) -> Block:
        self._documents += 1
        name = " ".join(_UNNAMED.sub(" ", title or source).split())[:180]
        return {
            "document": {
                "format": "txt",
                # A name stands once in a request, so it is numbered.
                "name": f"{self._documents} {name}".strip(),
                "source": {"text": text},
                "context": source,
                "citations": {"enabled": True},
            }
        }
