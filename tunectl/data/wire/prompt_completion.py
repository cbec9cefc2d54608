"""`{"prompt": "…", "completion": "…"}`: one text and how it goes on, as Llama 3.1 is tuned with.

Two texts and nothing else: a system text has no place of its own. Source: AWS's user guide to
Bedrock, "Prepare data for fine-tuning text-to-text models" (2026).
"""

from __future__ import annotations

from tunectl.data.fingerprint import Row
from tunectl.data.wire.conversation import conversation
from tunectl.data.wire.format import Format
from tunectl.data.wire.losses import Losses
from tunectl.data.wire.plain_text import exchange, spoken


def _row(row: Row, losses: Losses) -> Row:
    system, question, answer = exchange(*spoken(conversation(row), losses), losses)
    if system:
        losses.note("joined", "the system text")
        question = f"{system}\n\n{question}"
    return {"prompt": question, "completion": answer}


PROMPT_COMPLETION = Format("prompt-completion", {"supervised": _row})
