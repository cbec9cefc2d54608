"""`prompt run --json`: one object a line, with the keys of every stream of tunectl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tunectl.core.money import Estimate
from tunectl.core.ports import Delta
from tunectl.views.prompts import Report, citation_tree, report_tree, usage_text, usage_tree

Line = dict[str, Any]


def begun(prompt: str, provider: str, model: str, rendered: Report, at: str) -> Line:
    """Return the first line: what is sent where, in tokens; never its text."""
    said = f"{prompt}: asking {model} at {provider}"
    more = {"prompt": prompt, "provider": provider, "model": model, **report_tree(rendered)}
    return _line("prompt_start", said, at, **more)


def piece(delta: Delta, at: str) -> Iterator[Line]:
    """Yield the lines of a piece of the answer."""
    if delta.text:
        yield _line("prompt_text", delta.text, at, text=delta.text)
    for one in delta.citations:
        yield _line("prompt_citation", one.source or one.title, at, citation=citation_tree(one))


def ended(text: str, last: Delta, cost: Estimate, notes: Sequence[str], at: str) -> Line:
    """Return the last line: the whole answer, why it ended, its counts and its cost."""
    more = {
        "text": text,
        "finish_reason": last.finish_reason,
        "usage": usage_tree(last, cost),
        "notes": list(notes),
    }
    return _line("prompt_end", usage_text(last, cost), at, **more)


def _line(type_: str, message: str, at: str, **more: object) -> Line:
    return {
        "@level": "info",
        "@message": message,
        "@module": "tunectl.ui",
        "@timestamp": at,
        "type": type_,
        **more,
    }
