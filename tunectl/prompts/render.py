"""All sections together: within the model's context, with the declared breakpoints of its cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunectl.prompts.budget import MESSAGE
from tunectl.prompts.errors import PromptError
from tunectl.prompts.rendered import Message, Rendered, SectionTokens
from tunectl.prompts.sections import Given, Piece, Sections, rule_of

_BEGIN = 3  # tokens that begin the answer (OpenAI cookbook)
# Which sections give way first, when the whole is too long.
_GIVING_WAY = (
    "drop_oldest_turns",
    "keep_ends",
    "summarize",
    "drop_lowest_score",
    "truncate_middle",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for every rendering of a prompt.

    Attributes:
        sections: as the artefact has them.
        context_tokens: what the model takes; None when that is not known.
        reserve_output: how much of it is kept for the answer, in tokens.
        max_output: the longest answer, in tokens; None where nobody says it.
        output: `{name, schema}`, or None.
        cache: `{ttl}`, or empty.
        citations: whether the answer is to name its sources.
    """

    sections: Sequence[Mapping[str, Any]]
    context_tokens: int | None = None
    reserve_output: int = 0
    max_output: int | None = None
    output: Mapping[str, Any] | None = None
    cache: Mapping[str, Any] | None = None
    citations: bool = False


def render(plan: Plan, engine: Sections, given: Given) -> Rendered:
    """Render every section, and make the whole fit.

    Raises:
        PromptError: a template is wrong, or something is too long and may not be shortened.
    """
    pieces = [engine.piece(one, given, one.get("max_tokens")) for one in plan.sections]
    if plan.context_tokens is not None:
        room = plan.context_tokens - plan.reserve_output
        pieces = _fitted(plan, engine, given, pieces, room)
    messages: list[Message] = []
    for section, piece in zip(plan.sections, pieces, strict=True):
        messages += piece.messages
        if ends_prefix(section) and messages:
            messages[-1] = replace(messages[-1], breakpoint=True)
    return Rendered(
        messages=tuple(messages),
        output=plan.output,
        cache=dict(plan.cache or {}),
        citations=plan.citations,
        report=tuple(
            SectionTokens(
                id=section["id"],
                role=section["role"],
                tokens=piece.tokens,
                limit=section.get("max_tokens"),
                dropped=piece.dropped,
                note=piece.note,
            )
            for section, piece in zip(plan.sections, pieces, strict=True)
        ),
        tokens=_total(pieces),
        context_tokens=plan.context_tokens,
        reserve_output=plan.reserve_output,
        max_output=plan.max_output,
    )


def _total(pieces: Sequence[Piece]) -> int:
    return _BEGIN + sum(map(_weight, pieces))


def _weight(piece: Piece) -> int:
    return piece.tokens + MESSAGE * len(piece.messages)


def _fitted(
    plan: Plan, engine: Sections, given: Given, pieces: list[Piece], room: int
) -> list[Piece]:
    """Shorten what may be shortened until the whole fits: first histories, then documents."""
    if _total(pieces) <= room:
        return pieces
    order = [
        at
        for rule in _GIVING_WAY
        for at, section in enumerate(plan.sections)
        if rule_of(section) == rule
    ]
    fitting = list(pieces)
    for at in order:
        rest = _total(fitting) - _weight(fitting[at])
        fitting[at] = _lighter(plan.sections[at], engine, given, fitting[at], room - rest)
        if _total(fitting) <= room:
            return fitting
    largest = sorted(zip(fitting, plan.sections, strict=True), key=lambda one: -one[0].tokens)[:3]
    named = ", ".join(f"`{section['id']}` {piece.tokens}" for piece, section in largest)
    raise PromptError(
        f"the prompt has {_total(fitting)} tokens; {room} fit: {plan.context_tokens} less "
        f"{plan.reserve_output} for the answer. The largest sections: {named}"
    )


def _lighter(
    section: Mapping[str, Any], engine: Sections, given: Given, piece: Piece, room: int
) -> Piece:
    """Return a section as large as fits the room; where nothing does, the least that there is.

    A summary is bought, so where one is made only one limit is tried.
    """
    low, high = 1, piece.tokens - 1
    if rule_of(section) == "summarize":
        messages = max(1, len(piece.messages))
        low = high = room * piece.tokens // max(1, piece.tokens + MESSAGE * messages)
    best = least = piece
    while 0 < low <= high:
        limit = (low + high) // 2
        try:
            tried = engine.piece(section, given, limit)
        except PromptError:  # so small it cannot be
            low = limit + 1
            continue
        if _weight(tried) <= room:
            best, low = tried, limit + 1
        else:
            high = limit - 1
        least = min(least, tried, key=_weight)
    return best if _weight(best) <= room else least


def ends_prefix(section: Mapping[str, Any]) -> bool:
    """Whether a section says that the cached prefix ends with it."""
    cache = section.get("cache")
    return bool(
        section.get("breakpoint") or (isinstance(cache, Mapping) and cache.get("breakpoint"))
    )
