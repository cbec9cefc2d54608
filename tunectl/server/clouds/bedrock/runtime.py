"""Answers: Converse, ConverseStream and InvokeModel, with the row that comes nearest.

A model that nobody tuned says that it is simulated and repeats the question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import tunectl.server.clouds.bedrock.foundation as foundation
import tunectl.server.clouds.bedrock.prompts as prompts
from tunectl.catalog.bedrock_models import without_context
from tunectl.server.clouds.bedrock.eventstream import event
from tunectl.server.clouds.bedrock.refused import Refused, invalid
from tunectl.server.clouds.bedrock.rows import nearest
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of, named
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.schema_answers import fitting

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PIECE = re.compile(r"\s*\S+")
_STREAM = "application/vnd.amazon.eventstream"
_MILLISECONDS = 12


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its text, why it ended, and what was counted."""

    text: str
    reason: str
    read: int
    cache_read: int = 0
    cache_written: int = 0

    @property
    def usage(self) -> dict[str, int]:
        """The counts, as Converse tells them."""
        written = _tokens(self.text)
        told = {
            "inputTokens": self.read - self.cache_read - self.cache_written,
            "outputTokens": written,
            "totalTokens": self.read + written,
        }
        if self.cache_read or self.cache_written:
            told["cacheReadInputTokens"] = self.cache_read
            told["cacheWriteInputTokens"] = self.cache_written
        return told


def converse(shelf: Shelf, asked: Asked, identifier: str) -> Answered:
    """Answer Converse.

    Raises:
        Refused: the model cannot answer, or the conversation is none.
    """
    said = _conversation(shelf, asked, identifier)
    message = {"role": "assistant", "content": [{"text": said.text}]}
    return Answered.of(
        {
            "output": {"message": message},
            "stopReason": said.reason,
            "usage": said.usage,
            "metrics": {"latencyMs": _MILLISECONDS},
        }
    )


def stream(shelf: Shelf, asked: Asked, identifier: str) -> Answered:
    """Answer ConverseStream.

    Raises:
        Refused: as `converse`.
    """
    said = _conversation(shelf, asked, identifier)
    return Answered(200, headers={"content-type": _STREAM}, pieces=_pieces(said))


def _pieces(said: Said) -> Iterator[bytes]:
    yield event("messageStart", {"role": "assistant"})
    for word in _PIECE.findall(said.text):
        yield event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
    yield event("contentBlockStop", {"contentBlockIndex": 0})
    yield event("messageStop", {"stopReason": said.reason})
    yield event("metadata", {"usage": said.usage, "metrics": {"latencyMs": _MILLISECONDS}})


def _conversation(shelf: Shelf, asked: Asked, identifier: str) -> Said:
    body = body_of(asked)
    if ":prompt/" in identifier:
        identifier, body = prompts.conversation(shelf, identifier, body)
    turns = _turns(body.get("messages"))
    limits = body.get("inferenceConfig") or {}
    _check(limits)
    system = " ".join(block.get("text", "") for block in body.get("system") or ())
    said = _said(shelf, identifier, [("system", system), *turns], limits.get("maxTokens"))
    if schema := _schema(body):
        said = replace(said, text=fitting(schema, said.text))
    read, written = shelf.prompts.counted(identifier, body, shelf.now())
    return replace(said, cache_read=read, cache_written=written)


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of a structured answer (`outputConfig.textFormat`)."""
    form = (body.get("outputConfig") or {}).get("textFormat") or {}
    said = (form.get("structure") or {}).get("jsonSchema") or {}
    if not form:
        return None
    try:
        found = json.loads(said["schema"])
    except (KeyError, TypeError, ValueError):
        raise invalid("outputConfig.textFormat needs a jsonSchema whose schema is JSON.") from None
    return found if isinstance(found, dict) else None


def _turns(messages: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # foreign JSON
    if not isinstance(messages, list) or not messages:
        raise invalid("The value at messages is empty. Add values to messages and try again.")
    turns = []
    for message in messages:
        if message.get("role") not in {"user", "assistant"}:
            raise invalid("Messages must have the role user or assistant.")
        turns.append((message["role"], _text(message.get("content"))))
    if turns[0][0] != "user":
        raise invalid("A conversation must start with a user message.")
    if any(one[0] == other[0] for one, other in pairwise(turns)):
        raise invalid("A conversation must alternate between user and assistant roles.")
    return turns


def _text(content: Any) -> str:  # noqa: ANN401
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise invalid("The content of a message is a list of content blocks.")
    text = "".join(block.get("text", "") for block in content)
    if not text.strip():
        raise invalid("The text field in the ContentBlock object is blank.")
    return text


def _check(limits: Mapping[str, Any]) -> None:
    for name, most in (("temperature", 1), ("topP", 1)):
        value = limits.get(name)
        if value is not None and not 0 <= value <= most:
            raise invalid(f"The value at inferenceConfig.{name} must be between 0 and {most}.")
    if (limits.get("maxTokens") or 1) < 1:
        raise invalid("The value at inferenceConfig.maxTokens must be at least 1.")


def invoke(shelf: Shelf, asked: Asked, identifier: str) -> Answered:
    """Answer InvokeModel, in the words of the model's maker.

    Raises:
        Refused: the model cannot answer, or the body is none of its.
    """
    body = body_of(asked)
    maker = _base_of(shelf, identifier).partition(".")[0]
    if maker == "meta":
        said = _said(shelf, identifier, [("user", str(body["prompt"]))], body.get("max_gen_len"))
        reason = "length" if said.reason == "max_tokens" else "stop"
        counts = {"prompt_token_count": said.read, "generation_token_count": _tokens(said.text)}
        return Answered.of({"generation": said.text, "stop_reason": reason, **counts})
    messages = [_blocks(message) for message in body.get("messages") or ()]
    if maker == "anthropic":
        if body.get("anthropic_version") != "bedrock-2023-05-31" or "max_tokens" not in body:
            raise invalid("anthropic_version and max_tokens: Field required")
        said = _said(shelf, identifier, _turns(messages), body["max_tokens"])
        counts = {"input_tokens": said.read, "output_tokens": _tokens(said.text)}
        content = [{"type": "text", "text": said.text}]
        return Answered.of(
            {
                "type": "message", "role": "assistant", "content": content,
                "stop_reason": said.reason, "usage": counts,
            }
        )  # fmt: skip
    limits = body.get("inferenceConfig") or {}
    said = _said(shelf, identifier, _turns(messages), limits.get("maxTokens"))
    message = {"role": "assistant", "content": [{"text": said.text}]}
    shown = {"output": {"message": message}, "stopReason": said.reason, "usage": said.usage}
    return Answered.of(shown)


def _blocks(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": [{"text": content}] if isinstance(content, str) else content}


def _base_of(shelf: Shelf, identifier: str) -> str:
    model = _model(shelf, identifier)
    return shelf.models[model].base if model in shelf.models else model.rpartition("/")[2]


def _model(shelf: Shelf, identifier: str) -> str:
    """Return the ARN of what answers under an id."""
    if ":custom-model-deployment/" in identifier:
        one = named("the custom model deployment", shelf.deployments, identifier)
        if one.status != "Active":
            raise Refused("ModelNotReadyException", f"The deployment is {one.status}.")
        return str(one.model)
    if ":provisioned-model/" in identifier:
        bought = named("the provisioned model", shelf.throughputs, identifier)
        if bought.status == "Creating":
            raise Refused("ModelNotReadyException", "The model is not ready for inference.")
        return str(bought.model)
    if ":custom-model/" in identifier:
        raise invalid(
            f"Invocation of model ID {identifier} with on-demand throughput isn't supported. "
            "Retry your request with a custom model deployment or a provisioned model."
        )
    return foundation.arn(shelf, foundation.answering(shelf, identifier))


def _said(
    shelf: Shelf, identifier: str, turns: Sequence[tuple[str, str]], most: int | None
) -> Said:
    arn = _model(shelf, identifier)
    question = next((text for role, text in reversed(turns) if role == "user"), "")
    tuned = shelf.models.get(arn)
    text = nearest(tuned.pairs, question) if tuned else None
    if text is None:
        name = without_context(arn.rpartition("/")[2])
        text = f"[{name}, simulated, no weights] {question}"
    reason = "end_turn"
    if most is not None and _tokens(text) > most:
        text, reason = _cut(text, most), "max_tokens"
    return Said(text, reason, sum(_tokens(said) for _, said in turns))


def _cut(text: str, most: int) -> str:
    kept, used = "", 0
    for piece in _PIECE.findall(text):
        used += _tokens(piece)
        if used > most:
            break
        kept += piece
    return kept or text[:1]


def _tokens(text: str) -> int:
    return len(_TOKEN.findall(text))
