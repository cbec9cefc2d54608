"""Alpaca: `instruction`, `input` and `output`; `chosen` and `rejected` for preferences.

The whole question stands in `instruction`. `system` and `history` (earlier questions with their
answers, as pairs) are written where there is any. Sources: stanford_alpaca; LLaMA-Factory, data
README, "Alpaca format" (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence

from tunectl.data.fingerprint import Json, Row
from tunectl.data.wire.conversation import UnreadableRowError, conversation, preference
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.plain_text import answer_text, exchange, note_extras, one_text, spoken

_PAIR = ("user", "assistant")


def _supervised(row: Row, losses: Losses) -> Row:
    system, turns = spoken(conversation(row), losses)
    history = _history(turns[:-2])
    if history is not None:
        turns = turns[-2:]
    system_text, question, answer = exchange(system, turns, losses)
    asked: Row = {"instruction": question, "input": "", "output": answer}
    return {**asked, **_before(system_text, history)}


def _preference(row: Row, losses: Losses) -> Row:
    pair = preference(row)
    note_extras(pair.extras, losses)
    system, turns = spoken(pair.input, losses)
    if not turns or turns[-1][0] != "user":
        raise UnreadableRowError("`input` does not end with a question")
    history = _history(turns[:-1])
    if history is None:
        losses.note("turns", f"{len(turns) - 1} turns before the last question")
    return {
        "instruction": turns[-1][1],
        "input": "",
        "chosen": answer_text(pair.preferred, losses),
        "rejected": answer_text(pair.rejected, losses),
        **_before(one_text(system, losses), history),
    }


def _before(system: str, history: list[Json] | None) -> Row:
    made: Row = {"system": system} if system else {}
    return {**made, "history": history} if history else made


def _history(turns: Sequence[tuple[str, str]]) -> list[Json] | None:
    """Earlier turns as pairs; None where they are no pairs of question and answer."""
    pairs: list[Json] = []
    for at in range(0, len(turns), 2):
        pair = turns[at : at + 2]
        if tuple(role for role, _ in pair) != _PAIR:
            return None
        pairs.append([text for _, text in pair])
    return pairs


ALPACA = Format("alpaca", {"supervised": _supervised, "preference": _preference})
