"""A table of texts: the columns `input`, `output` and `system`, one question and one answer."""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.wire.conversation import UnreadableRowError, conversation
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.plain_text import exchange, spoken


def _row(row: Row, losses: Losses) -> Row:
    system, question, answer = exchange(*spoken(conversation(row), losses), losses)
    if "\x00" in f"{system}{question}{answer}":
        raise UnreadableRowError("a text holds a NUL character, and a table cannot")
    return {"input": question, "output": answer, "system": system}


CSV = Format("csv", {"supervised": _row}, ("input", "output", "system"))
