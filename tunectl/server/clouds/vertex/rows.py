"""Training files as the tuning service reads them: one JSON object a line, judged row by row.

Shapes and limits: Vertex AI pages "Prepare supervised fine-tuning data" (2026-09-25) and "Prepare
preference tuning data for Gemini models". The words of the service's complaints are not published:
the codes are right, the sentences are ours.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tunectl.server.clouds.objects.buckets import Buckets
from tunectl.server.clouds.objects.buckets import Refused as NoObject
from tunectl.server.clouds.vertex.refusals import Refused, invalid, missing
from tunectl.server.simulated_answers import count_tokens

LARGEST_FILE = 1 << 30  # bytes
MOST_ROWS = 10_000_000
MOST_TOKENS = 131_072  # in and out, of one example; longer ones are dropped
MOST_VALIDATION_ROWS = 5_000
_SHOWN = 3  # examples that the statistics repeat
_ROW = {
    "contents", "systemInstruction", "system_instruction", "tools", "toolConfig", "tool_config",
    "generationConfig", "generation_config", "labels", "safetySettings", "safety_settings",
}  # fmt: skip
_PARTS = {
    "text", "fileData", "file_data", "inlineData", "inline_data", "functionCall", "function_call",
    "functionResponse", "function_response", "videoMetadata", "video_metadata", "thought",
    "mediaResolution", "media_resolution",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """One row that can be learned from; counts are of tokens."""

    contents: Sequence[dict[str, Any]]
    pairs: tuple[tuple[str, str], ...]
    asked: int
    answered: int
    characters: int


@dataclass(slots=True)
class Dataset:
    """A file that passed.

    Attributes:
        dropped: 1-based numbers of rows that are longer than the limit.
    """

    examples: list[Example] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(example.asked + example.answered for example in self.examples)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every (question, answer) that is learned from."""
        return tuple(pair for example in self.examples for pair in example.pairs)


def open_dataset(buckets: Buckets, uri: str, shape: str, *, training: bool = True) -> Dataset:
    """Read the file that a `gs://` URI names.

    Args:
        buckets: where it is.
        uri: its name.
        shape: `supervised` or `preference` of Gemini, or `open` for any shape of open models.
        training: whether the limit for training files holds, or that for validation files.

    Raises:
        Refused: it is not there, is too large, or a row is not of the shape.
    """
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    try:
        content: bytes = buckets.get(bucket, key).content
    except NoObject as none:
        raise missing(f"Failed to read the dataset {uri}: {none.message}") from none
    if len(content) > LARGEST_FILE:
        raise invalid(f"The dataset {uri} is larger than 1 GB.")
    dataset = Dataset()
    lines = [line for line in content.splitlines() if line.strip()]
    limit = MOST_ROWS if training else MOST_VALIDATION_ROWS
    if not lines or len(lines) > limit:
        raise invalid(f"The dataset {uri} has {len(lines)} examples; 1 to {limit} are supported.")
    for number, line in enumerate(lines, start=1):
        example = _example(line, number, uri, shape)
        if example.asked + example.answered > MOST_TOKENS:
            dataset.dropped.append(number)
        else:
            dataset.examples.append(example)
    return dataset


def _example(line: bytes, number: int, uri: str, shape: str) -> Example:
    try:
        row = orjson.loads(line)
    except ValueError as broken:
        raise _bad(uri, number, f"it is not JSON: {broken}") from broken
    if not isinstance(row, dict):
        raise _bad(uri, number, "it is not a JSON object")
    try:
        return _SHAPES[shape](row)
    except ValueError as wrong:
        raise _bad(uri, number, str(wrong)) from wrong


def _bad(uri: str, number: int, reason: str) -> Refused:
    return invalid(f"Dataset validation failed: example {number} of {uri} is invalid: {reason}.")


def _supervised(row: dict[str, Any]) -> Example:
    _only(row, _ROW)
    contents = _contents(row)
    pairs, question = [], ""
    for turn in contents:
        text = text_of(turn)
        if turn.get("role") == "model":
            pairs.append((question, text))
        else:
            question = text
    if not pairs:
        raise ValueError("it has no turn of role `model`")
    answers = sum(count_tokens(answer) for _, answer in pairs)
    everything = _system(row) + "".join(text_of(turn) for turn in contents)
    asked = max(count_tokens(everything) - answers, 0)
    return Example(contents, tuple(pairs), asked, answers, len(everything))


def _preferred(row: dict[str, Any]) -> Example:
    _only(row, {*_ROW, "completions"})
    contents = _contents(row)
    if contents[-1].get("role") != "user":
        raise ValueError("the last turn of `contents` must be of role `user`")
    completions = row.get("completions")
    if not isinstance(completions, list) or len(completions) != 2:
        raise ValueError("`completions` must hold exactly two completions")
    by_score: dict[int, str] = {}
    for each in completions:
        completion = each.get("completion") if isinstance(each, dict) else None
        if not isinstance(completion, dict) or completion.get("role") != "model":
            raise ValueError("a completion must be a content of role `model`")
        _parts(completion)
        score = each.get("score")
        if score not in (0, 1):
            raise ValueError("a score must be 1 or 0")
        by_score[int(score)] = text_of(completion)
    if len(by_score) != len(completions):
        raise ValueError("one completion must have the score 1 and the other the score 0")
    everything = _system(row) + "".join(text_of(turn) for turn in contents)
    longest = max(count_tokens(text) for text in by_score.values())
    pairs = ((text_of(contents[-1]), by_score[1]),)
    return Example(contents, pairs, count_tokens(everything), longest, len(everything))


def _open(row: dict[str, Any]) -> Example:
    """Read a row of any shape that open models take; `contents` may say `assistant`."""
    prompt, completion = row.get("prompt"), row.get("completion")
    if isinstance(prompt, str) and isinstance(completion, str):
        return _supervised({"contents": [_turn("user", prompt), _turn("model", completion)]})
    said = row.get("messages", row.get("contents"))
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise ValueError("it has neither `prompt` and `completion`, nor `messages`, nor `contents`")
    if "messages" in row:
        roles = {"user": "user", "assistant": "model"}
        spoken = [each for each in said if each.get("role") in ("user", "assistant")]
        turns = [_turn(roles[each["role"]], str(each.get("content") or "")) for each in spoken]
        return _supervised({"contents": turns})
    renamed = [{**e, "role": "model"} if e.get("role") == "assistant" else e for e in said]
    return _supervised({"contents": renamed})


def _turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


_SHAPES: Mapping[str, Callable[[dict[str, Any]], Example]] = {
    "supervised": _supervised,
    "preference": _preferred,
    "open": _open,
}


def _only(row: dict[str, Any], known: set[str]) -> None:
    strange = sorted(set(row) - known)
    if strange:
        raise ValueError(f"no such field: {strange[0]}")


def _contents(row: dict[str, Any]) -> list[dict[str, Any]]:
    contents = row.get("contents")
    if not isinstance(contents, list) or not contents:
        raise ValueError("`contents` is required and must not be empty")
    for turn in contents:
        if not isinstance(turn, dict) or turn.get("role") not in {"user", "model"}:
            raise ValueError("each of `contents` must have the role `user` or `model`")
        _parts(turn)
    return contents


def _parts(turn: dict[str, Any]) -> None:
    parts = turn.get("parts")
    if not isinstance(parts, list) or not parts:
        raise ValueError("`parts` is required and must not be empty")
    for part in parts:
        if not isinstance(part, dict) or not part or set(part) - _PARTS:
            raise ValueError("a part must have `text` or `fileData`")
        if "text" in part and not isinstance(part["text"], str):
            raise ValueError("`text` must be a string")


def _system(row: dict[str, Any]) -> str:
    said = row.get("systemInstruction", row.get("system_instruction"))
    if said is None:
        return ""
    if not isinstance(said, dict):
        raise ValueError("`systemInstruction` must be a content")  # noqa: TRY004 -- one kind here
    _parts(said)
    if any("text" not in part for part in said["parts"]):
        raise ValueError("`systemInstruction` takes text only")
    return text_of(said)


def text_of(content: dict[str, Any]) -> str:
    """Return the text of a content's parts."""
    return "".join(part.get("text", "") for part in content.get("parts", []))


def statistics_of(dataset: Dataset, steps: int, *, preference: bool) -> dict[str, Any]:
    """Return `tuningDataStats` for a file."""
    asked = _distribution([example.asked for example in dataset.examples])
    answered = _distribution([example.answered for example in dataset.examples])
    reasons = [f"Example {n}: more than {MOST_TOKENS} tokens" for n in dataset.dropped]
    shown = [list(example.contents) for example in dataset.examples[:_SHOWN]]
    both = {
        "tuningDatasetExampleCount": len(dataset.examples),
        "totalBillableTokenCount": dataset.tokens,
        "tuningStepCount": steps,
        "userInputTokenDistribution": asked,
        "userOutputTokenDistribution": answered,
        "droppedExampleReasons": reasons,
    }
    if preference:
        dropped = {"droppedExampleIndices": dataset.dropped}
        shown_pairs = [{"contents": contents} for contents in shown]
        stats = {**both, **dropped, "userDatasetExamples": shown_pairs}
        return {"preferenceOptimizationDataStats": stats}
    stats = {
        **both,
        "totalTuningCharacterCount": sum(example.characters for example in dataset.examples),
        "userMessagePerExampleDistribution": _distribution(
            [len(example.contents) for example in dataset.examples]
        ),
        "userDatasetExamples": [contents[0] for contents in shown],
        "totalTruncatedExampleCount": len(dataset.dropped),
        "truncatedExampleIndices": dataset.dropped,
    }
    return {"supervisedTuningDataStats": stats}


def _distribution(values: Sequence[int]) -> dict[str, Any]:
    if not values:
        return {}
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    return {
        "sum": sum(ordered),
        "billableSum": sum(ordered),
        "min": low,
        "max": high,
        "mean": statistics.fmean(ordered),
        "median": statistics.median(ordered),
        "p5": ordered[int(0.05 * (len(ordered) - 1))],
        "p95": ordered[int(0.95 * (len(ordered) - 1))],
        "buckets": [{"count": len(ordered), "left": low, "right": high}],
    }
