"""Instructions with their answers: Alpaca, and the sets that grew from it.

`{"instruction", "input", "output"}`; `input` may be missing or empty and is else put below the
instruction, on a line of its own, as LLaMA-Factory does. Also read: `instruct` for the instruction
(Polish sets), `context` and `response` (Dolly), `system`, `history` as pairs of texts, and seed
files in which each instruction has `instances` with an `input` and an `output`: every instance is
a row. Sources: stanford_alpaca, `README.md`; LLaMA-Factory, `data/README.md` (2026-11);
self-instruct, `seed_tasks.jsonl`.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.shape import Shape, message

INSTANCES = "instances"


def _matches(row: Row) -> bool:
    return ("instruction" in row or "instruct" in row) and (
        "output" in row or "response" in row or isinstance(row.get(INSTANCES), list)
    )


def _parts(row: Row) -> list[Row]:
    """One object for each instance, with the keys that all share."""
    instances = row.get(INSTANCES)
    if not isinstance(instances, list) or not instances:
        return [row]
    if not all(isinstance(one, dict) for one in instances):
        return [row]
    shared = {key: value for key, value in row.items() if key != INSTANCES}
    return [{**shared, **one} for one in instances if isinstance(one, dict)]


def _canonical(row: Row) -> Row:
    messages = asked(row)
    answer = _first(row, "output", "response")
    return {"messages": [*messages, message("assistant", answer)], **row}


def asked(row: Row) -> list[Json]:
    """The messages before the answer, whose keys are taken out of the row."""
    messages: list[Json] = []
    system = row.pop("system", None)
    if system not in (None, ""):
        messages.append(message("system", system))
    messages += _history(row)
    instruction = _first(row, "instruction", "instruct")
    below = _first(row, "input", "context")
    if below not in (None, ""):
        if isinstance(instruction, str) and isinstance(below, str):
            instruction = f"{instruction}\n{below}" if instruction else below
        else:
            row["input"] = below
    messages.append(message("user", instruction))
    return messages


def _first(row: Row, *names: str) -> Json:
    """Take the first of the keys out of the row."""
    for name in names:
        if name in row:
            return row.pop(name)
    return None


def _history(row: Row) -> list[Json]:
    history = row.get("history")
    if history is None or history == []:
        row.pop("history", None)
        return []
    if not isinstance(history, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in history
    ):
        return []
    row.pop("history")
    return [
        message(role, text)
        for pair in history
        if isinstance(pair, list)
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


def _told(row: Row) -> str:
    asked_by = "instruction" if "instruction" in row else "instruct"
    if isinstance(row.get(INSTANCES), list):
        return f"`{asked_by}` and nested `{INSTANCES}`"
    return f"`{asked_by}` and `{'output' if 'output' in row else 'response'}`"


ALPACA = Shape(
    "alpaca", "`instruction` and `output`", _matches, _canonical, parts=_parts, told=_told
)
