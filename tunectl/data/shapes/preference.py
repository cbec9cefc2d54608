"""Two answers to one question, the better one named: rows for preference tuning (DPO).

OpenAI's is the canonical row: `{"input": {"messages": […]}, "preferred_output": […],
"non_preferred_output": […]}`. The specification of May 2025 says `preferred_completion`; guide and
API say `preferred_output`, and so it becomes that.

`chosen` and `rejected` (TRL, LLaMA-Factory and most public sets) are texts, turns or lists of
messages. What was asked stands beside them as `prompt`, `question`, `instruction` or
`conversations`, with or without `system`; or, in lists of messages, it is what both have in common.
Where the lists repeat what was asked, it is taken from them.
"""

from __future__ import annotations

from tunectl.data.fingerprint import Json, Row
from tunectl.data.shapes.alpaca import asked
from tunectl.data.shapes.shape import Shape, message
from tunectl.data.shapes.sharegpt import ROLES, conversation, tools_of

_OLD = {
    "preferred_completion": "preferred_output",
    "non_preferred_completion": "non_preferred_output",
}
_ASKED = ("prompt", "question", "instruction", "instruct", "conversations")
_INPUT_KEYS = ("parallel_tool_calls", "functions")


def _is_preference(row: Row) -> bool:
    return "input" in row and (
        "preferred_output" in row or "non_preferred_output" in row or _OLD.keys() <= row.keys()
    )


def _preference(row: Row) -> Row:
    if row.keys().isdisjoint(_OLD):
        return row
    return {_OLD.get(key, key): value for key, value in row.items()}


def _is_chosen(row: Row) -> bool:
    if "chosen" not in row or "rejected" not in row:
        return False
    return any(key in row for key in _ASKED) or (
        isinstance(row["chosen"], list) and isinstance(row["rejected"], list)
    )


def _chosen(row: Row) -> Row:
    better, worse = _turns(row.pop("chosen")), _turns(row.pop("rejected"))
    before = _before(row)
    if before:
        better, worse = _after(better, before), _after(worse, before)
    else:
        end = _in_common(better, worse)
        before, better, worse = better[:end], better[end:], worse[end:]
    tools = tools_of(row)
    asked_: Row = {"messages": before, **({} if tools is None else {"tools": tools})}
    asked_ |= {key: row.pop(key) for key in _INPUT_KEYS if key in row}
    return {"input": asked_, "preferred_output": better, "non_preferred_output": worse, **row}


def _before(row: Row) -> list[Json]:
    """The messages before the answers; empty when only the answers hold them."""
    if isinstance(row.get("conversations"), list):
        return conversation(row)
    if "instruction" in row or "instruct" in row:
        return asked(row)
    key = next((name for name in _ASKED if name in row), None)
    if key is None:
        return []
    prompt, system = row.pop(key), row.pop("system", None)
    messages = _turns(prompt) if isinstance(prompt, list) else [message("user", prompt)]
    return [message("system", system), *messages] if system not in (None, "") else messages


def _turns(value: Json) -> list[Json]:
    if isinstance(value, list):
        return [_turn(one) for one in value]
    return [_turn(value) if isinstance(value, dict) else message("assistant", value)]


def _turn(one: Json) -> Json:
    if not isinstance(one, dict) or "from" not in one:
        return one
    role = one["from"]
    known = ROLES.get(role.lower(), role) if isinstance(role, str) else role
    rest: Row = {k: v for k, v in one.items() if k not in ("from", "value")}
    return {"role": known, "content": one.get("value"), **rest}


def _after(answer: list[Json], before: list[Json]) -> list[Json]:
    """An answer without the question, where it repeats it."""
    for start in (before, [one for one in before if not _is_system(one)]):
        if start and len(answer) > len(start) and answer[: len(start)] == start:
            return answer[len(start) :]
    return answer


def _is_system(one: Json) -> bool:
    return isinstance(one, dict) and one.get("role") in ("system", "developer")


def _in_common(better: list[Json], worse: list[Json]) -> int:
    """How many messages both begin with; at least one is left for each."""
    most = min(len(better), len(worse)) - 1
    end = 0
    while end < most and better[end] == worse[end]:
        end += 1
    return end


PREFERENCE = Shape(
    "preference",
    "`input`, `preferred_output` and `non_preferred_output`",
    _is_preference,
    _preference,
    method="preference",
)
CHOSEN_REJECTED = Shape(
    "chosen-rejected", "`chosen` and `rejected`", _is_chosen, _chosen, method="preference"
)
