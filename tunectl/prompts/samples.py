"""Invented values for a prompt: two sets that differ in everything, to see what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunectl.prompts.prompt import Prompt
from tunectl.prompts.rendered import VOLATILITIES, Rendered, Volatility

# Alike neither at their beginnings nor at their ends: what is alike is then the template's.
_TEXTS = ("Gdzie jest moja paczka", "Как вернуть товар и сколько это стоит")
_ENDS = "?…"
_NAMES = ("Zofia", "Андрей")


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one rendering.

    Attributes:
        inputs: of the declared inputs.
        profile: of the fields of the memory.
        history: messages.
        documents: passages.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    documents: Sequence[Any] = ()


def samples(prompt: Prompt, given: Sample | None = None) -> tuple[Sample, Sample]:
    """Return two sets of values that differ in every one; the first is the given one, completed."""
    first, second = _invented(prompt, 0), _invented(prompt, 1)
    if given is None:
        return first, second
    inputs = {**first.inputs, **given.inputs}
    other = {
        name: first.inputs[name] if value == inputs[name] else value
        for name, value in second.inputs.items()
    }
    kept = Sample(
        inputs,
        {**first.profile, **given.profile},
        given.history or first.history,
        given.documents or first.documents,
    )
    return kept, replace(second, inputs=other)


def _invented(prompt: Prompt, which: int) -> Sample:
    rules = (prompt.memory or {}).get("profile") or {}
    return Sample(
        inputs={name: _value(name, rule, which) for name, rule in prompt.inputs.items()},
        profile={name: _value(name, rule, which) for name, rule in rules.items()},
        history=[
            {"role": role, "content": _text(which, at)}
            for at in range(2 + which)
            for role in ("user", "assistant")
        ],
        documents=[
            {"text": _text(which, at), "source": f"docs/{_NAMES[which]}-{at}.md"}
            for at in range(2 + which)
        ],
    )


def _value(name: str, rule: Mapping[str, Any], which: int) -> Any:  # noqa: ANN401  # of any type
    kind = rule.get("type") or "string"
    choices = rule.get("one_of")
    if choices:
        chosen = choices[min(which, len(choices) - 1)]
        return [chosen] if kind == "list" else chosen
    text = _text(which, len(name))[: rule.get("max_chars") or 200]
    match kind:
        case "boolean":
            return bool(which)
        case "integer" | "number":
            return 7 + 34 * which
        case "list":
            return [text] * (1 + which)
        case "date":
            return ("2026-11-22", "2027-01-06")[which]
    return text


def _text(which: int, at: int) -> str:
    return f"{_TEXTS[which]} {at}{_ENDS[which]}"


def offline(prompt: Prompt, which: int) -> Prompt:
    """Return the prompt with rows of its own in place of those that would be searched for."""
    return replace(prompt, sections=[_without_index(one, which) for one in prompt.sections])


def _without_index(section: Mapping[str, Any], which: int) -> Mapping[str, Any]:
    if not section.get("index"):
        return section
    rows = list(section.get("rows") or ())
    most = section.get("max") or len(rows)
    chosen = rows[:most] if which == 0 else rows[-most:][::-1]
    messages = [message for row in chosen for message in row]
    return {**{k: v for k, v in section.items() if k != "index"}, "messages": messages}


def rendered_with(
    prompt: Prompt, pair: tuple[Sample, Sample], keeping: Volatility | None
) -> Rendered:
    """Render with the first values, and the second ones of all that changes more often.

    Args:
        prompt: the prompt.
        pair: two sets of values.
        keeping: what changes at most so often stays; None keeps everything.

    Raises:
        PromptError: it cannot be rendered.
    """
    kept = len(VOLATILITIES) if keeping is None else VOLATILITIES.index(keeping)

    def at(volatility: Volatility) -> int:
        return int(VOLATILITIES.index(volatility) > kept)

    user, talk, now = at("per_user"), at("per_conversation"), at("per_turn")
    return offline(prompt, now).render(
        user=_NAMES[user],
        session=f"session {talk}",
        profile=pair[user].profile if prompt.memory else None,
        history=pair[talk].history,
        documents={
            one["id"]: pair[now].documents for one in prompt.sections if one["role"] == "documents"
        },
        **pair[now].inputs,
    )
