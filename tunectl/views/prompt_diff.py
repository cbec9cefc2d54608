"""How a prompt template changed: its words, its examples by number, its tokens and their price.

Of a new one the texts are not shown, only how long each section is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NotRequired

from typing_extensions import TypedDict

from tunectl.core.plan import Change
from tunectl.core.prompt_delta import Count, PromptDelta, SectionDelta
from tunectl.core.value import Value
from tunectl.views.fields import is_words, opened
from tunectl.views.money import amount
from tunectl.views.money_shapes import TokenCount
from tunectl.views.text import counted, one_line
from tunectl.views.words import word_diff

_SHOWN = 8  # sections whose tokens are told
_CALLS = "1,000 calls"
_FREE = f"{_CALLS} cost nothing"


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
    """One section that changed; an included file has its path as `id`.

    Of a new prompt each section has `words_after`, the number of its own words, and no `words`.
    """

    id: str
    words: NotRequired[list[WordPiece]]
    words_after: NotRequired[int]
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
    """Yield what a change does to examples and tokens, a line each; of a new one, its sections."""
    delta = change.prompt
    if delta is None:
        return
    if change.before is None:
        yield from _first(change, delta)
        return
    for one in delta.sections:
        if one.added is not None:
            yield f"examples: {one_line(one.id)} {_examples(one)}"
    if tokens := token_sentence(change):
        yield f"tokens: {tokens}"


def token_sentence(change: Change) -> str:
    """Return `system 120 -> 131 (+11) (exact); 1,000 calls cost 0.03 USD more`; empty for none.

    A new prompt has no such sentence: nothing of it was otherwise before.
    """
    delta = change.prompt if change.before is not None else None
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
    return f"{text}; {_cost(delta)}"


def _first(change: Change, delta: PromptDelta) -> Iterable[str]:
    """Yield how long each section of a new prompt is, and what all of them cost together."""
    parts = _parts(change)
    for one in delta.sections[:_SHOWN]:
        yield f"{_part_name(one, parts)}: {_length(one, parts)}"
    if len(delta.sections) > _SHOWN:
        yield f"and {len(delta.sections) - _SHOWN} more sections"
    known = [one.after for one in delta.sections if one.after is not None]
    likely = sum(count[1] for count in known)
    exact = all(count[0] == count[2] for count in known)
    said = f"{likely:,} (exact)" if exact else f"~ {likely:,} (estimated)"
    yield f"tokens: {said} before anything is filled in; {_first_cost(delta, likely)}"


def _part_name(one: SectionDelta, parts: Mapping[str, Mapping[str, Value]]) -> str:
    return f"section {one_line(one.id)}" if one.id in parts else f"file {one_line(one.id)}"


def _length(one: SectionDelta, parts: Mapping[str, Mapping[str, Value]]) -> str:
    """Return `63 words, 95 tokens`, or who fills a section that has no words of its own."""
    section = parts.get(one.id, {})
    if section.get("select") == "nearest":
        return f"the examples nearest to each question, at most {section.get('max')}"
    if one.after is None or one.after[2] == 0:
        return "filled in at each call"
    count = f"{_count(one.after)} tokens"
    if one.added is not None:
        return f"{counted(one.added, 'example')}, {count}"
    return f"{counted(_words(one.id, parts), 'word')}, {count}" if one.id in parts else count


def _words(name: str, parts: Mapping[str, Mapping[str, Value]]) -> int:
    """How many words a template has, as white space divides it."""
    return len(str(parts.get(name, {}).get("template") or "").split())


def _parts(change: Change) -> dict[str, Mapping[str, Value]]:
    """Return the sections of what will be, by their ids."""
    given = change.after.spec.get("sections") if change.after is not None else None
    listed = given if isinstance(given, tuple | list) else ()
    return {str(one.get("id")): one for one in listed if isinstance(one, Mapping)}


def _first_cost(delta: PromptDelta, likely: int) -> str:
    if delta.price is None:
        return _unknown_cost(delta)
    cost = delta.price * likely * 1000 / 1_000_000
    return f"{_CALLS} cost {amount(cost)} {delta.currency} at least" if cost else _FREE


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
        return _unknown_cost(delta)
    if not delta.currency:
        return _FREE
    if not more:
        return f"{_CALLS} cost as much as before"
    return f"{_CALLS} cost {amount(abs(more))} {delta.currency} {'more' if more > 0 else 'less'}"


def _unknown_cost(delta: PromptDelta) -> str:
    why = delta.unknown or "not all of the tokens are known"
    return f"what {_CALLS} cost is unknown ({one_line(why)})"


def prompt_tree(change: Change) -> PromptChange | None:
    """Return the change of a prompt template as JSON; None where no section changed."""
    if change.address.kind != "prompt_template" or change.after is None:
        return None
    words = {
        delta.path[1]: word_diff(str(delta.before), str(delta.after))
        for delta in opened(change.deltas)
        if change.before is not None and is_words(delta)
    }
    parts = _parts(change) if change.before is None else {}
    delta = change.prompt
    told = {one.id: one for one in delta.sections} if delta is not None else {}
    sections: list[SectionChange] = []
    for name in dict.fromkeys((*told, *words)):
        item: SectionChange = {"id": name}
        if name in words:
            item["words"] = [{"op": piece.op, "text": piece.text} for piece in words[name]]
        if "template" in parts.get(name, {}):
            item["words_after"] = _words(name, parts)
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
