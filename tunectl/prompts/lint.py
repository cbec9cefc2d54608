"""What is wrong with a prompt, or costs more than it must: found by rendering invented values.

Pure: nothing is asked of a model, a store or a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from tunectl.prompts.cache_floors import floor_of
from tunectl.prompts.dialects.turns import MOST_BREAKPOINTS, marked
from tunectl.prompts.errors import PromptError
from tunectl.prompts.prefix import HOISTING, Prefix, common, measured, prefix, text_of, wire_order
from tunectl.prompts.prompt import Prompt
from tunectl.prompts.rendered import VOLATILITIES, Message
from tunectl.prompts.samples import Sample, rendered_with, samples
from tunectl.prompts.sections import rule_of

Severity = Literal["E", "W", "I"]

_WORTH = 0.1  # of a prompt that could be cached and is not, to be worth saying
_DENSE_TEXT = "Zażółć gęślą jaźń, proszę. "
_LATER = "declare `as: user` for `{}`: this service reads all instructions before the examples"
_OFTEN = {
    "static": "never changes",
    "per_user": "changes with the user",
    "per_conversation": "changes with the conversation",
    "per_turn": "changes at each turn",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know.

    Attributes:
        rule: its name, stable.
        severity: `E` is wrong, `W` may be, `I` is good to know.
        section: the id of the section; empty for the whole prompt.
        message: what is so.
        hint: what helps.
    """

    rule: str
    severity: Severity
    section: str
    message: str
    hint: str = ""


def lint(
    prompt: Prompt, *, dialect: str | None = None, sample: Sample | None = None
) -> list[Finding]:
    """Return what is to be said of a prompt, the worst first.

    Args:
        prompt: the prompt.
        dialect: of the service it is sent to; by default its own.
        sample: values to render with, in place of invented ones.
    """
    spoken = dialect or prompt.dialect
    found = [*_unused(prompt)]
    pair = samples(prompt, sample)
    try:
        rendered_with(prompt, pair, None)
        found += _volatility(prompt, pair, spoken)
        found += _caching(prompt, pair, spoken)
        found += _budget(prompt, pair)
        found += _prefix(prompt, spoken, sample)
    except PromptError as error:
        found.append(Finding("render", "E", "", str(error), "give `tests:` values that fit"))
    return sorted(found, key=lambda one: "EWI".index(one.severity))


def _unused(prompt: Prompt) -> Iterator[Finding]:
    from jinja2 import Environment, TemplateSyntaxError, meta

    used: set[str] = set()
    environment = Environment(autoescape=False)  # noqa: S701  # only parses
    sources = [one.get(key) for one in prompt.sections for key in ("template", "query")]
    for source in [*sources, *prompt.partials.values()]:
        try:
            used |= meta.find_undeclared_variables(environment.parse(source or ""))
        except TemplateSyntaxError:
            return  # rendering says where
    texts = [name for name, rule in prompt.inputs.items() if rule.get("type") == "string"]
    searches = any(
        one["role"] == "documents" or one.get("index") for one in prompt.sections
    ) and not all(one.get("query") for one in prompt.sections if one["role"] == "documents")
    for name in prompt.inputs:
        if name not in used and not (searches and texts == [name]):
            yield Finding(
                "unused-input",
                "W",
                "",
                f"the input `{name}` is used by no section",
                f"remove it, or write `{{{{ {name} }}}}` where it belongs",
            )


def _cached(prompt: Prompt, messages: Sequence[Message], dialect: str) -> list[Message]:
    """Return the messages of the cached prefix; none where nothing is cached."""
    wire = wire_order(messages, dialect)
    ends = marked(wire, cached=bool(prompt.cache))
    last = max((at for at, one in enumerate(wire) if id(one) in ends), default=-1)
    return wire[: last + 1]


def _volatility(prompt: Prompt, pair: tuple[Sample, Sample], dialect: str) -> Iterator[Finding]:
    """A section must not change more often than it says, least of all in the cached prefix."""
    first = rendered_with(prompt, pair, None)
    cached = {one.section for one in _cached(prompt, first.messages, dialect)}
    for section in prompt.sections:
        said = section["volatility"]
        other = text_of(rendered_with(prompt, pair, said), section["id"])
        text = text_of(first, section["id"])
        if text == other:
            continue
        really = measured(prompt, pair, section["id"]) or "per_turn"
        at = common(text, other)
        inside = section["id"] in cached
        cost = ", so the cache before its breakpoint is written anew each time" if inside else ""
        yield Finding(
            "prefix-changes" if inside else "volatility",
            "E" if inside else "W",
            section["id"],
            f"section `{section['id']}` is declared `{said}` and {_OFTEN[really]}, from character "
            f"{at} of {len(text)} on{cost}",
            f"move what changes to its end or into a section after the breakpoint, or declare "
            f"`volatility: {really}`",
        )
    yield from _order(_cached(prompt, first.messages, dialect))


def _order(cached: Sequence[Message]) -> Iterator[Finding]:
    reached, by, side = 0, "", ""
    for one in cached:
        level = VOLATILITIES.index(one.volatility)
        if level < reached:
            yield Finding(
                "volatility-order",
                "W",
                one.section,
                f"section `{one.section}` {_OFTEN[one.volatility]} and is read after `{by}`, which "
                f"{_OFTEN[VOLATILITIES[reached]]}: it is cached anew with every change of that",
                f"put `{one.section}` before `{by}`"
                if one.role == "system" or side != "system"
                else _LATER.format(by),
            )
            return
        if level > reached:
            reached, by, side = level, one.section, one.role


def _caching(prompt: Prompt, pair: tuple[Sample, Sample], dialect: str) -> Iterator[Finding]:
    rendered = rendered_with(prompt, pair, None)
    said = [one for one in rendered.messages if one.breakpoint]
    if len(said) > MOST_BREAKPOINTS:
        yield Finding(
            "breakpoints",
            "W",
            "",
            f"{len(said)} breakpoints are declared, and services take {MOST_BREAKPOINTS}: the last "
            "ones are sent",
            "keep those at the ends of what changes equally often",
        )
    cached = _cached(prompt, rendered.messages, dialect)
    least, surely = floor_of(dialect, prompt.model)
    tokens = sum(one.tokens for one in cached)
    if cached and tokens < surely:
        never = tokens < least
        yield Finding(
            "cache-floor",
            "W" if never else "I",
            cached[-1].section,
            f"the cached prefix has about {tokens} tokens, and {dialect} keeps none below "
            + (f"{least}" if never else f"{least} to {surely}, by model")
            + ": it says nothing and caches nothing",
            "put more of what never changes before the breakpoint, or remove `cache:`",
        )
    if said and dialect != "gemini":
        yield from _shared(cached, least)
    if (prompt.cache or said) and not cached:
        yield Finding(
            "cache-floor",
            "W",
            "",
            "caching is declared, and the prompt begins with what changes at each turn",
            "begin with a section that is `static`",
        )


def _shared(cached: Sequence[Message], least: int) -> Iterator[Finding]:
    """What is the same for all users is kept once for all only where a breakpoint ends it."""
    lead = list(takewhile(lambda one: one.volatility == "static", cached))
    alone = len(lead) == len(cached) or any(one.breakpoint for one in lead)
    if alone or not lead or sum(one.tokens for one in lead) < least:
        return
    yield Finding(
        "shared-prefix",
        "I",
        lead[-1].section,
        f"what never changes ends with `{lead[-1].section}` and no breakpoint is there: it is "
        "cached anew for each user",
        f"give `{lead[-1].section}` a breakpoint too, or declare `cache:` alone, which sets both",
    )


def _budget(prompt: Prompt, pair: tuple[Sample, Sample]) -> Iterator[Finding]:
    """Add the limits up: the worst that may come."""
    context = prompt.budget.get("context_tokens")
    rendered = rendered_with(prompt, pair, None)
    sizes = {one.id: one.tokens for one in rendered.report}
    fixed = giving = 0
    for section in prompt.sections:
        limit = section.get("max_tokens")
        open_ended = section["role"] in {"history", "documents"} and not limit
        if open_ended:
            yield Finding(
                "no-limit",
                "W",
                section["id"],
                f"section `{section['id']}` has no `max_tokens`, and grows with what is "
                f"{'said' if section['role'] == 'history' else 'found'}",
                "set `max_tokens` and an `overflow` rule",
            )
        worst = limit or sizes[section["id"]] + _inputs(prompt, section)
        if rule_of(section) == "error":
            fixed += worst
        else:
            giving += worst
    if context is None:
        return
    room = context - (prompt.budget.get("reserve_output") or 0)
    if fixed > room:
        yield Finding(
            "budget",
            "E",
            "",
            f"the prompt can reach {fixed + giving} tokens, {fixed} of which may not be shortened; "
            f"{room} fit the model",
            "lower `max_tokens` or `max_chars`, or give sections an `overflow` rule",
        )
    elif fixed + giving > room:
        yield Finding(
            "budget",
            "I",
            "",
            f"the limits add up to {fixed + giving} tokens and {room} fit the model: sections with "
            "an `overflow` rule are then shortened below their `max_tokens`",
            "lower `max_tokens` to what the model takes",
        )


def _inputs(prompt: Prompt, section: Mapping[str, Any]) -> int:
    """Return how many tokens the inputs can add to a section: in a language that needs many."""
    template = str(section.get("template") or "")
    longest = sum(
        rule.get("max_chars") or 0 for name, rule in prompt.inputs.items() if name in template
    )
    return prompt.count((_DENSE_TEXT * (longest // len(_DENSE_TEXT) + 1))[:longest])


def _prefix(prompt: Prompt, dialect: str, sample: Sample | None) -> Iterator[Finding]:
    found = prefix(prompt, dialect=dialect, sample=sample)
    if found.possible_share - found.share < _WORTH:
        return
    first = next(iter(found.changes))
    hint = _moving(prompt, found, first, dialect)
    if not hint:
        return
    yield Finding(
        "stable-prefix",
        "I",
        first,
        f"{found.share:.0%} of the prompt is a stable prefix that a cache can keep; "
        f"{found.possible_share:.0%} could be: the first change is in `{first}`",
        hint,
    )


def _moving(prompt: Prompt, found: Prefix, first: str, dialect: str) -> str:
    """Say what makes the stable prefix longer; empty where nothing can be moved."""
    section = next(one for one in prompt.sections if one["id"] == first)
    instructs = section["role"] == "profile" and (section.get("as") or "system") == "system"
    if instructs and dialect in HOISTING:
        return _LATER.format(first)
    ordered = list(found.order) == [
        one["id"] for one in prompt.sections if one["id"] in found.order
    ]
    hints = [] if ordered else ["order the sections " + ", ".join(f"`{n}`" for n in found.order)]
    # What has no template of its own, such as a profile, changes as a whole.
    if section.get("template") and (ordered or found.changes[first]):
        hints.append(
            f"move what changes to the end of `{first}`, or into a section behind the others"
        )
    return "; ".join(hints)
