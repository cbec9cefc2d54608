"""How a prompt template changed: its words, its examples by number, its tokens and their price."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NotRequired

from typing_extensions import TypedDict

from tunectl.core.plan import Change
from tunectl.core.prompt_delta import Count, PromptDelta, SectionDelta
from tunectl.views.fields import is_words, opened
from tunectl.views.money import TokenCount, amount
from tunectl.views.text import one_line
from tunectl.views.words import word_diff

_SHOWN = 8  # sections whose tokens are told


class WordPiece(TypedDict):
    """A run of words: `same`, `removed`, `added`, or `folded` (unchanged, and left out for people).

    Joined without what was removed they are the text of after, without what was added that of
    before.
    """

    op: str
    text: str


class ExampleChange(TypedDict):
    """How many examples are new, are shown no longer, and stay."""

    added: int
    removed: int
    kept: int


class SectionChange(TypedDict):
    """One section that changed; an included file has its path as `id`."""

    id: str
    words: NotRequired[list[WordPiece]]
    tokens_before: NotRequired[TokenCount | None]
    tokens_after: NotRequired[TokenCount | None]
    examples: NotRequired[ExampleChange]


class PromptChange(TypedDict):
    """How a prompt changed. `cost_per_1000_calls` is how much more they cost (less: negative)."""

    sections: list[SectionChange]
    tokens_more: NotRequired[TokenCount | None]
    tokens_exact: NotRequired[bool]
    cost_per_1000_calls: NotRequired[str | None]
    currency: NotRequired[str]
    cost_unknown: NotRequired[str]


def prompt_sentences(change: Change) -> Iterable[str]:
    """Yield what a change does to examples and tokens, a line each."""
    delta = change.prompt
    if delta is None:
        return
    for one in delta.sections:
        if one.added is not None:
            yield f"examples: {one_line(one.id)} {_examples(one)}"
    if tokens := token_sentence(change):
        yield f"tokens: {tokens}"


def token_sentence(change: Change) -> str:
    """Return `system 120 -> 131 (+11) exact; 1,000 calls +0.03 USD`; empty where none changed."""
    delta = change.prompt
    told = [one for one in delta.sections if _is_told(one)] if delta is not None else []
    unknown = [one for one in told if one.before is None or one.after is None]
    if delta is None or not told:
        return ""
    parts = [_tokens(one) for one in told[:_SHOWN]]
    if len(told) > _SHOWN:
        parts.append(f"and {len(told) - _SHOWN} more sections")
    text = ", ".join(parts)
    if (more := delta.more) is not None and len(told) > 1:
        text += f", together {more[1]:+,}"
    if not unknown:
        text += " (exact)" if delta.exact else " (estimated)"
    return f"{text}; 1,000 calls {_cost(delta)}"


def _is_told(one: SectionDelta) -> bool:
    return one.before is None or one.after is None or one.before != one.after


def _examples(one: SectionDelta) -> str:
    counts = ((one.added, "added"), (one.removed, "removed"), (one.kept, "kept"))
    return ", ".join(f"{number} {word}" for number, word in counts if number) or "none"


def _tokens(one: SectionDelta) -> str:
    text = f"{one_line(one.id)} {_count(one.before)} -> {_count(one.after)}"
    if one.before is None or one.after is None:
        return text
    return f"{text} ({one.after[1] - one.before[1]:+,})"


def _count(count: Count | None) -> str:
    if count is None:
        return "unknown"
    return f"{count[1]:,}" if count[0] == count[2] else f"~ {count[1]:,}"


def _cost(delta: PromptDelta) -> str:
    more = delta.per_thousand
    if more is None:
        why = delta.unknown or "not all of the tokens are known"
        return f"unknown ({one_line(why)})"
    if not delta.currency:
        return "free"
    if not more:
        return "as before"
    text = amount(abs(more))
    if not text[0].isdigit():
        return f"{text} {delta.currency} {'more' if more > 0 else 'less'}"
    return f"{'+' if more > 0 else '-'}{text} {delta.currency}"


def prompt_tree(change: Change) -> PromptChange | None:
    """Return the change of a prompt template as JSON; None where no section changed."""
    if change.address.kind != "prompt_template" or change.before is None or change.after is None:
        return None
    words = {
        delta.path[1]: word_diff(str(delta.before), str(delta.after))
        for delta in opened(change.deltas)
        if is_words(delta)
    }
    delta = change.prompt
    told = {one.id: one for one in delta.sections} if delta is not None else {}
    sections: list[SectionChange] = []
    for name in dict.fromkeys((*told, *words)):
        item: SectionChange = {"id": name}
        if name in words:
            item["words"] = [{"op": piece.op, "text": piece.text} for piece in words[name]]
        if name in told:
            _add_counts(item, told[name])
        sections.append(item)
    if not sections:
        return None
    made: PromptChange = {"sections": sections}
    if delta is not None:
        _add_cost(made, delta)
    return made


def _add_counts(item: SectionChange, one: SectionDelta) -> None:
    item["tokens_before"], item["tokens_after"] = _tree(one.before), _tree(one.after)
    if one.added is not None:
        item["examples"] = {
            "added": one.added,
            "removed": one.removed or 0,
            "kept": one.kept or 0,
        }


def _add_cost(made: PromptChange, delta: PromptDelta) -> None:
    made["tokens_more"] = _tree(delta.more)
    made["tokens_exact"] = delta.exact
    more = delta.per_thousand
    rounded = None if more is None else more.quantize(Decimal("0.000001")) + 0  # no `-0`
    made["cost_per_1000_calls"] = None if rounded is None else str(rounded)
    made["currency"] = delta.currency
    if delta.unknown:
        made["cost_unknown"] = delta.unknown


def _tree(count: Count | None) -> TokenCount | None:
    if count is None:
        return None
    return {"low": count[0], "likely": count[1], "high": count[2]}
