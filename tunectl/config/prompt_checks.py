"""What is noticed about a prompt as a whole: unused inputs, the order that caches need, its tests.

The law of caches (Anthropic, Bedrock, OpenAI and Gemini alike, 2026-11): what is remembered is the
longest equal beginning. So whatever changes more often must not stand before what changes less
often, as far as the prompt is to be cached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast, get_args

from tunectl.catalog.volatility import Volatility, volatility_of
from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.prompt_parts import complaint
from tunectl.config.prompt_texts import Templates
from tunectl.config.world import World
from tunectl.kinds.prompt_section import Section
from tunectl.kinds.prompt_template import PromptTemplate, PromptTest

MOST_BREAKPOINTS = 4  # Anthropic's limit, and OpenAI's; Bedrock's is the same (2026-11)

_LOST = "nothing from there on is read from the cache"
_ORDER = {name: rank for rank, name in enumerate(get_args(Volatility))}
_CHANGES = {
    "per_user": "with each user",
    "per_conversation": "with each conversation",
    "per_turn": "with each turn",
}


def check_prompt(world: World, draft: Draft, templates: Templates) -> None:
    """Tell what is noticed about a prompt whose sections are usable."""
    model = draft.model
    assert isinstance(model, PromptTemplate)
    _check_unused(world, draft, model, templates)
    _check_following(world, draft, model)
    _check_cache(world, draft, model, templates)
    for index, test in enumerate(model.tests):
        _check_test(world, draft, model, test, index, templates)


def _check_following(world: World, draft: Draft, model: PromptTemplate) -> None:
    """What was said before can be searched for only where somebody keeps the conversation."""
    if model.memory is not None or any(one.role == "history" for one in model.sections):
        return
    for index, section in enumerate(model.sections):
        if section.query_turns is not None:
            world.problems.error(
                f"section `{section.id}` sets `query_turns`, and the template has no conversation",
                draft.at("sections", index, "query_turns"),
                code="no-conversation",
                hint="name a `memory`, or add a section with `role: history`",
                address=str(draft.address),
            )


def _check_unused(world: World, draft: Draft, model: PromptTemplate, templates: Templates) -> None:
    for name in model.inputs:
        if name not in templates.used:
            world.problems.warn(
                f"input `{name}` is never used",
                draft.node.find(("inputs", name))[0].key_source,
                code="unused-input",
                hint="remove it, or use it in a template",
                address=str(draft.address),
            )
    if model.memory is not None and all(
        one.role not in {"profile", "history"} and one.query_turns is None for one in model.sections
    ):
        world.problems.warn(
            "`memory` is never used",
            draft.at("memory"),
            code="unused-memory",
            hint="add a section with `role: history` or `role: profile`, or remove it",
            address=str(draft.address),
        )


def volatility(section: Section) -> Volatility:
    """How often a section changes, said or usual."""
    return section.volatility or volatility_of(section.role, section.select)


def cached_sections(model: PromptTemplate) -> int:
    """Return how many sections, from the first on, are to be cached; 0 where nothing is said.

    Without a breakpoint `cache:` means all up to the last one that is static or of the user.
    """
    marked = [i for i, one in enumerate(model.sections) if one.cache and one.cache.breakpoint]
    if marked:
        return marked[-1] + 1
    if model.cache is None:
        return 0
    lasting = [
        i for i, one in enumerate(model.sections) if volatility(one) in {"static", "per_user"}
    ]
    return lasting[-1] + 1 if lasting else 0


def _check_cache(world: World, draft: Draft, model: PromptTemplate, templates: Templates) -> None:
    marked = [i for i, one in enumerate(model.sections) if one.cache and one.cache.breakpoint]
    if len(marked) > MOST_BREAKPOINTS:
        world.problems.error(
            f"{len(marked)} sections set a cache breakpoint; {MOST_BREAKPOINTS} may",
            draft.at("sections", marked[MOST_BREAKPOINTS], "cache"),
            code="limit",
            hint="keep those where the volatility changes",
            address=str(draft.address),
        )
    cached = cached_sections(model)
    for index, summary, hint in _cache_faults(model, cached, templates):
        world.problems.warn(
            summary,
            draft.at("sections", index),
            code="cache-order",
            hint=hint,
            address=str(draft.address),
        )


def _cache_faults(
    model: PromptTemplate, cached: int, templates: Templates
) -> Iterator[tuple[int, str, str]]:
    """What keeps the beginning of a prompt from being the same again."""
    highest: Section | None = None
    ordered = True
    for index, section in enumerate(model.sections[:cached]):
        often = volatility(section)
        if highest is not None and _ORDER[volatility(highest)] > _ORDER[often]:
            said = f"section `{section.id}` is {often} and stands after `{highest.id}`, which "
            said += f"changes {_CHANGES[volatility(highest)]}: {_LOST}"
            ordered = False
            yield index, said, f"move `{highest.id}` behind the cache breakpoint"
        inputs = sorted(templates.by_section.get(section.id, ()))
        if inputs and often == "static":
            said = f"section `{section.id}` is static and uses {listed(inputs)}: where that "
            hint = "say it in a later section, or give this one its `volatility:`"
            yield index, f"{said}changes, {_LOST}", hint
        if highest is None or _ORDER[often] > _ORDER[volatility(highest)]:
            highest = section
    if ordered and highest is not None and volatility(highest) == "per_turn":
        said = f"section `{highest.id}` changes with each turn and stands before the cache "
        said += "breakpoint: what is written to the cache is never read"
        yield model.sections.index(highest), said, "set the breakpoint at an earlier section"
    for index, section in enumerate(model.sections):
        if 0 < cached <= index and section.role == "examples" and volatility(section) == "static":
            said = f"examples `{section.id}` never change and stand after the cache breakpoint, "
            yield index, f"{said}so they are paid in full each time", "move them before it"


def _check_test(  # one test's facts
    world: World,
    draft: Draft,
    model: PromptTemplate,
    test: PromptTest,
    index: int,
    templates: Templates,
) -> None:
    def error(summary: str, *path: str, hint: str = "") -> None:
        world.problems.error(
            f"test `{test.name}`: {summary}",
            draft.at("tests", index, *path),
            code="bad-test",
            hint=hint,
            address=str(draft.address),
        )

    for name, value in test.inputs.items():
        if name not in model.inputs:
            hint = did_you_mean(name, model.inputs, f"inputs are {listed(model.inputs)}")
            error(f"there is no input `{name}`", "inputs", name, hint=hint)
        elif wrong := complaint(model.inputs[name], value):
            error(f"input `{name}` {wrong}", "inputs", name, hint="see `inputs:` above")
    for name, rule in model.inputs.items():
        if name not in test.inputs and rule.default is None:
            error(f"input `{name}` is missing", hint=f"add it: `inputs: {{{name}: …}}`")
    injected = templates.injected
    for name in test.profile:
        if injected is None:
            error("has a `profile:`, and the template has no memory", "profile", hint="remove it")
            break
        if name not in injected.fields:
            hint = did_you_mean(name, injected.fields, f"fields are {listed(injected.fields)}")
            error(f"`{injected.memory}` has no field `{name}`", "profile", name, hint=hint)
    roles = {cast("str", one.role) for one in model.sections}
    for role, given in (("history", test.history), ("documents", test.documents)):
        if given and role not in roles:
            error(f"has `{role}:`, and no section shows it", role, hint="remove it")
