"""Gemini's row for preference tuning: `contents` that end with the question, and two `completions`.

`"completions": [{"score": 1, "completion": {"role": "model", "parts": […]}}, {"score": 0, …}]`: one
is preferred, the other is not. Source: Google, "Tune Gemini by using preference tuning" (2026-11).
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.gemini import GEMINI
from tunectl.data.shapes.shape import Shape

_SCORES = (1, 0)


def _matches(row: Row) -> bool:
    return isinstance(row.get("contents"), list) and len(_by_score(row)) == len(_SCORES)


def _by_score(row: Row) -> dict[int, Row]:
    """The completion of each score; empty when there are not exactly the two."""
    completions = row.get("completions")
    if not isinstance(completions, list) or len(completions) != len(_SCORES):
        return {}
    found = {}
    for one in completions:
        score = one.get("score") if isinstance(one, dict) else None
        completion = one.get("completion") if isinstance(one, dict) else None
        if isinstance(completion, dict) and isinstance(score, int | float) and score in _SCORES:
            found[int(score)] = completion
    return found


def _canonical(row: Row) -> Row:
    better, worse = (_messages(_by_score(row)[score]) for score in _SCORES)
    asked: Row = {key: value for key, value in row.items() if key != "completions"}
    assert GEMINI.canonical is not None
    read = GEMINI.canonical(asked)
    input_: Row = {key: read.pop(key) for key in ("messages", "tools") if key in read}
    return {"input": input_, "preferred_output": better, "non_preferred_output": worse, **read}


def _messages(completion: Row) -> Json:
    assert GEMINI.canonical is not None
    return GEMINI.canonical({"contents": [completion]})["messages"]


GEMINI_PREFERENCE = Shape(
    "gemini-preference",
    "`contents` with two scored `completions`",
    _matches,
    _canonical,
    method="preference",
)
