"""Answers of models that have no weights: the nearest training row's answer, honestly echoed.

A base answers that it is simulated and repeats the question; a tuned model gives the answer of the
training row whose question shares most words and letter triples with the one asked. Both are
functions of their input alone, so a rehearsal repeats. Temperature, top_p and seed change nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tunectl.server.row_forms import learnt
from tunectl.server.schema_answers import fitting
from tunectl.server.validate import text_of

if TYPE_CHECKING:
    from tunectl.server.answering import Loaded, Piece

ROWS_FILE = "rows.jsonl"
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PIECE = re.compile(r"\s*\S+\s*")


def count_tokens(text: str) -> int:
    """Return the words and punctuation marks in `text`: what a simulated model calls tokens."""
    return len(_TOKEN.findall(text))


class SimulatedGenerator:
    """Implements the generator interface for models that were trained by `simulated`."""

    def __init__(self, schema: Mapping[str, Any] | None = None) -> None:
        """Answer in text, or with the plainest value that fits a JSON Schema."""
        self._schema = schema

    def chat(
        self,
        model: Loaded,
        messages: Sequence[Mapping[str, Any]],
        *,
        max_tokens: int | None,
        temperature: float,  # noqa: ARG002 -- part of the interface
        top_p: float,  # noqa: ARG002
        seed: int | None,  # noqa: ARG002
        stop: Sequence[str],
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Yield the answer word by word; the last piece has the reason and the counts."""
        from tunectl.server.answering import Piece

        question = _last_user(messages)
        answer = _nearest(model.adapter, question) if model.adapter else None
        if answer is None:
            answer = f"[{model.name}, simulated, no weights] {question}"
        if self._schema is not None:
            answer = fitting(self._schema, answer)
        cut = min((at for word in stop if word and (at := answer.find(word)) >= 0), default=None)
        answer = answer if cut is None else answer[:cut]
        prompt = sum(count_tokens(text_of(m.get("content"))) for m in messages)
        said, reason = 0, "stop"
        for piece in _PIECE.findall(answer):
            tokens = count_tokens(piece)
            if cancelled.is_set():
                return
            if max_tokens is not None and said + tokens > max_tokens:
                reason = "length"
                break
            said += tokens
            yield Piece(piece)
        yield Piece("", reason, prompt, said)


def training_pairs(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (question, answer) for each assistant text in a row that is learned from."""
    pairs, question = [], ""
    for message in learnt(row):
        text = text_of(message.get("content"))
        if message["role"] == "user":
            question = text
        elif message["role"] == "assistant" and text and message.get("weight") != 0:
            pairs.append((question, text))
    return pairs


def nearest_answer(pairs: Sequence[tuple[str, str]], question: str) -> str | None:
    """Return the answer of the (question, answer) pair that is most like `question`; None of none.

    Costs time in the number of pairs: for rehearsals, not for serving.
    """
    asked = _features(question)
    return max(pairs, key=lambda pair: _similarity(asked, _features(pair[0])), default=("", None))[
        1
    ]


def _last_user(messages: Sequence[Mapping[str, Any]]) -> str:
    texts = [text_of(m.get("content")) for m in messages if m.get("role") == "user"]
    return texts[-1] if texts else ""


def _nearest(adapter: Path, question: str) -> str | None:
    path = adapter / ROWS_FILE
    try:
        rows = _rows(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    asked = _features(question)
    best = max(rows, key=lambda row: _similarity(asked, row[0]), default=None)
    return best[1] if best else None


@lru_cache(maxsize=8)
def _rows(path: Path, _changed: int) -> tuple[tuple[frozenset[str], str], ...]:
    pairs = (orjson.loads(line) for line in path.read_bytes().splitlines())
    return tuple((_features(question), answer) for question, answer in pairs)


def _features(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", text.casefold())
    joined = f" {' '.join(words)} "
    return frozenset(words) | {joined[i : i + 3] for i in range(len(joined) - 2)}


def _similarity(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / (len(left | right) or 1)
