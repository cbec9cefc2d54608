"""Training files as the service reads them: one bad row fails the whole job.

Rows: AWS's user guide to Nova, "Preparing data for fine-tuning understanding models", that to
Bedrock, "Prepare your training datasets" and `rft-prepare-data`, and AWS's notebook for Claude 3
Haiku. The words of the failures are ours: the service's are not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from tunectl.catalog.bedrock_models import Family
from tunectl.server.clouds.objects import Buckets, Refused

Pair = tuple[str, str]  # a question and its answer
_TURNS = ("user", "assistant")


class BadFileError(Exception):
    """A training file cannot be used; the words are the job's `failureMessage`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is."""

    bucket: str
    key: str


def place(uri: str) -> Place:
    """Return the bucket and the key of an S3 URI."""
    parts = urlsplit(uri)
    return Place(parts.netloc, unquote(parts.path.lstrip("/")))


def read(
    buckets: Buckets, uri: str, facts: Family, method: str, *, trains: bool = True
) -> list[Pair]:
    """Return the questions and answers of a file of rows.

    Args:
        buckets: where it is.
        uri: its place there.
        facts: of the base model.
        method: `supervised` or `reinforcement`.
        trains: whether it is what is trained on, of which there may be too few.

    Raises:
        BadFileError: it is not there, or a row is none.
    """
    at = place(uri)
    try:
        found = buckets.find(at.bucket, at.key)
    except Refused:
        found = None
    if found is None:
        raise BadFileError(f"Unable to access the training data at {uri}: no such object")
    rows = [row for row in found.content.splitlines() if row.strip()]
    known = facts.training(method)
    least, most = known.least_rows or 0, known.most_rows
    if trains and len(rows) < least:
        raise BadFileError(f"The training data has {len(rows)} records; {least} are needed")
    if most is not None and len(rows) > most:
        raise BadFileError(f"The training data has {len(rows)} records; {most} are allowed")
    if not rows:
        raise BadFileError("The training data has no records")
    reader = _READERS.get(facts.formats[method], _conversation)
    pairs: list[Pair] = []
    for number, line in enumerate(rows, start=1):
        try:
            pairs.extend(reader(orjson.loads(line), facts))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadFileError(f"Invalid record on line {number}: {error}") from None
    return pairs


def _conversation(row: Mapping[str, Any], facts: Family) -> Iterator[Pair]:
    if not row.get("schemaVersion"):
        raise ValueError("`schemaVersion` is missing")
    system = " ".join(block["text"] for block in row.get("system", ()))
    turns = [(m["role"], _text(m["content"])) for m in row["messages"]]
    yield from _alternating([("system", system), *turns], facts)


def _claude(row: Mapping[str, Any], facts: Family) -> Iterator[Pair]:
    if extra := sorted(row.keys() - {"system", "messages"}):
        raise ValueError(f"extraneous key `{extra[0]}`")
    turns = []
    for message in row["messages"]:
        if message.keys() != {"role", "content"} or not isinstance(message["content"], str):
            raise ValueError("a message holds `role` and a text `content`, nothing else")
        turns.append((message["role"], message["content"]))
    yield from _alternating([("system", row.get("system", "")), *turns], facts)


def _completion(row: Mapping[str, Any], facts: Family) -> Iterator[Pair]:
    if row.keys() != {"prompt", "completion"}:
        raise ValueError("a record holds `prompt` and `completion`, nothing else")
    if not all(isinstance(text, str) and text.strip() for text in row.values()):
        raise ValueError("`prompt` and `completion` are texts")
    _unreserved(row["prompt"], facts)
    yield row["prompt"], row["completion"]


def _graded(row: Mapping[str, Any], facts: Family) -> Iterator[Pair]:  # noqa: ARG001
    if not row["messages"] or row["messages"][-1]["role"] == "assistant":
        raise ValueError("`messages` hold the prompt, and end before the answer")
    if "reference_answer" not in row:
        raise ValueError("`reference_answer` is missing")
    answer = row["reference_answer"]
    yield str(row["messages"][-1]["content"]), answer if isinstance(answer, str) else str(answer)


def _text(content: Any) -> str:  # noqa: ANN401  # foreign JSON
    if not isinstance(content, list):
        raise TypeError("`content` is no list of blocks")
    return "".join(block.get("text", "") for block in content)


def _alternating(turns: list[Pair], facts: Family) -> Iterator[Pair]:
    said = turns[1:]
    roles = [role for role, _ in said]
    if len(said) < len(_TURNS) or roles[0] != "user" or roles[-1] != "assistant":
        raise ValueError("the first message is the user's and the last the assistant's")
    if any(role != _TURNS[number % 2] for number, role in enumerate(roles)):
        raise ValueError("roles must alternate between `user` and `assistant`")
    for role, text in turns:
        if role != "assistant":
            _unreserved(text, facts)
    for (_, question), (_, answer) in zip(said[::2], said[1::2], strict=True):
        yield question, answer


def _unreserved(text: str, facts: Family) -> None:
    for word in facts.reserved:
        if word in text:
            raise ValueError(f"the reserved keyword `{word}` is in a prompt")


_READERS = {
    "bedrock": _claude,
    "prompt-completion": _completion,
    "reinforcement": _graded,
}


def nearest(pairs: list[Pair], question: str) -> str | None:
    """Return the answer of the row whose question shares most words with the one asked."""
    asked = _words(question)
    best = max(pairs, key=lambda pair: _likeness(asked, _words(pair[0])), default=None)
    return best[1] if best else None


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / (len(left | right) or 1)


def metrics(steps: int, epochs: int, what: str) -> bytes:
    """Return the table that the service writes (user guide, model-customization-analyze)."""
    lines = [f"step_number,epoch_number,{what},perplexity"]
    for step in range(max(1, steps)):
        loss = loss_at(step)
        lines.append(f"{step},{step * epochs // max(1, steps)},{loss:.4f},{2.718281828**loss:.4f}")
    return ("\n".join(lines) + "\n").encode()


def loss_at(step: int) -> float:
    """Return the simulated loss of a step."""
    return 0.4 + 2.0 / (1 + step)
