"""Chats to token ids, with labels only where an assistant speaks.

Works with any chat template that is *prefix-stable*: what it writes for the first messages does
not change when more follow. That is asserted for each row, not assumed. It needs no
`{% generation %}` marks, which few templates have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tunectl.server.chat_messages import refuse_tools, text_messages

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that is not learned (PyTorch's `ignore_index`)."""


class UnusableRowError(Exception):
    """A row cannot be learned from; `line` counts from 1, `reason` is in words for people."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep line and reason apart; the caller knows which file it is."""
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Example:
    """Token ids of one chat and, position by position, their labels."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    cut: bool = False

    @property
    def learned(self) -> int:
        """How many tokens count: nothing predicts the first position."""
        return sum(label != IGNORED for label in self.labels[1:])


def encode_file(path: Path, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> list[Example]:
    """Every row of a JSONL file, in file order; blank lines are skipped.

    Args:
        path: rows of `{"messages": [...]}`, UTF-8, with or without a byte order mark.
        tokenizer: with a chat template.
        max_tokens: longer chats are cut at the end.

    Raises:
        UnusableRowError: the first row that cannot be learned from.
    """
    examples = []
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for line, text in enumerate(raw.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as cause:
            raise UnusableRowError(line, f"not JSON: {cause}") from cause
        if not isinstance(row, dict):
            raise UnusableRowError(line, "not a JSON object")
        try:
            examples.append(encode(row, tokenizer, max_tokens))
        except ValueError as cause:
            raise UnusableRowError(line, str(cause)) from cause
    return examples


def encode(row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> Example:
    """Ids and labels of one chat.

    Learned are the content of each assistant message, the token that ends it, and what the
    template writes after that; `weight: 0` on a message takes it out.

    Raises:
        ValueError: the row is not a chat of text, the template is not prefix-stable on it, or the
            cut at `max_tokens` leaves nothing to learn (the mean loss of nothing is not a number).
    """
    refuse_tools(row)
    messages = text_messages(row.get("messages"))
    weights = [_weight(message) for message in row["messages"]]
    ids: list[int] = []
    labels: list[int] = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = tokens(tokenizer, messages[:index], generation_prompt=True)
        after = tokens(tokenizer, messages[: index + 1], generation_prompt=False)
        if before[: len(ids)] != ids or after[: len(before)] != before:
            raise ValueError(
                "the base model's chat template is not prefix-stable on this row: it rewrites "
                "earlier text when a message follows; use single-turn examples or another base"
            )
        labels += [IGNORED] * (len(before) - len(labels))
        answer = after[len(before) :]
        labels += answer if weights[index] else [IGNORED] * len(answer)
        ids = after
    if all(label == IGNORED for label in labels):
        raise ValueError("no assistant message to learn from")
    example = Example(tuple(ids[:max_tokens]), tuple(labels[:max_tokens]), len(ids) > max_tokens)
    if not example.learned:
        raise ValueError(
            f"the example has {len(ids)} tokens and is cut at {max_tokens}, which leaves no part "
            "of an assistant message to learn; shorten what comes before it"
        )
    return example


def tokens(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Mapping[str, str]],
    *,
    generation_prompt: bool,
) -> list[int]:
    """Render and tokenize; the template writes its own special tokens, so none are added."""
    text = tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=generation_prompt
    )
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def _weight(message: Mapping[str, Any]) -> int:
    """The weight of a message, 0 or 1; OpenAI documents no other."""
    weight = message.get("weight", 1)
    if weight is None:
        return 1
    if isinstance(weight, bool) or weight not in (0, 1):
        raise ValueError(f"`weight` is 0 or 1, not `{weight}`")
    return int(weight)
