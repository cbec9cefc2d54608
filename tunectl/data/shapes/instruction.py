"""Pairs of texts, as PaLM's text tuning took them: `{"input_text": "…", "output_text": "…"}`."""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.shape import Shape, message


def _matches(row: Row) -> bool:
    return "input_text" in row and "output_text" in row


def _canonical(row: Row) -> Row:
    messages = [
        message("user", row.pop("input_text")),
        message("assistant", row.pop("output_text")),
    ]
    return {"messages": messages, **row}


INSTRUCTION = Shape("instruction", "`input_text` and `output_text`", _matches, _canonical)
