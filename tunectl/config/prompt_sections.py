"""The sections of a prompt as they are planned: what is said, not what goes without saying.

A section is a map: `id`, `role`, then of what was declared `template`, `examples` (`dataset`,
`split`, `sha256`, `rows`), `max`, `select`, `seed`, `query`, `query_turns`, `knowledge` (the name
under `knowledge`), `top_k`, `min_score`, `as`, `wrap`, `volatility` (only where it is not the usual
one), `max_tokens`, `overflow` (`rule` and what belongs to it) and `breakpoint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tunectl.catalog.volatility import volatility_of
from tunectl.config.datasets import rows_of
from tunectl.config.drafts import Draft
from tunectl.config.prompt_texts import Templates
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.value import Address, Ref, Value
from tunectl.kinds.prompt_section import Section
from tunectl.kinds.prompt_template import PromptTemplate

DEFAULT_EXAMPLES = 4
_NEAREST_AMONG = 2000  # as the built-in provider says it
_TOP_K = 5


@dataclass(slots=True)
class Sections:
    """What the sections of one prompt come to.

    Attributes:
        lowered: the sections; those that are unusable are missing.
        sound: whether none is unusable.
        datasets: whose rows are shown.
        knowledge: the knowledge bases that are searched, by the name a section gives them.
    """

    lowered: list[dict[str, Value]] = field(default_factory=list)
    sound: bool = True
    datasets: list[Address] = field(default_factory=list)
    knowledge: dict[str, Address] = field(default_factory=dict)


def lower_sections(world: World, draft: Draft, templates: Templates) -> Sections:
    """Return the sections of a prompt; what is wrong with one is told."""
    model = draft.model
    assert isinstance(model, PromptTemplate)
    found = Sections()
    for index, section in enumerate(model.sections):
        lowered = _lowered(world, draft, section, index, templates, found)
        if lowered is None:
            found.sound = False
        else:
            found.lowered.append(lowered)
    return found


def _lowered(  # one section's facts
    world: World,
    draft: Draft,
    section: Section,
    index: int,
    templates: Templates,
    found: Sections,
) -> dict[str, Value] | None:
    made: dict[str, Value] = {"id": section.id, "role": section.role}
    needs_text = section.template is not None or section.template_file is not None
    text = templates.section(section, index) if needs_text else None
    if needs_text and text is None:
        return None
    if text is not None:
        made["template"] = text
    if section.role == "examples":
        shown = _examples(world, draft, section, index, templates, found)
    elif section.role == "documents":
        shown = _documents(world, draft, section, index, templates, found)
    else:
        shown = {}
    limits = _limits(world, draft, section, index)
    if shown is None or limits is None:
        return None
    return {**made, **shown, **limits}


def _examples(  # one section's facts
    world: World,
    draft: Draft,
    section: Section,
    index: int,
    templates: Templates,
    found: Sections,
) -> dict[str, Value] | None:
    assert section.examples is not None
    rows = rows_of(world, draft, section.examples, ("sections", index, "examples"))
    query = templates.query(section, index) if section.select == "nearest" else ""
    if rows is None or query is None:
        return None
    found.datasets.append(rows.dataset)
    made: dict[str, Value] = {
        "examples": {
            "dataset": str(rows.dataset),
            "split": rows.split,
            "sha256": rows.sha256,
            "rows": rows.rows,
        },
        "max": section.max if section.max is not None else DEFAULT_EXAMPLES,
        "select": section.select or "fixed",
    }
    if section.select == "seeded":
        made["seed"] = section.seed or 0
    if query:
        made |= _asked(section, query)
        if rows.rows > _NEAREST_AMONG:
            world.problems.warn(
                f"the nearest examples are looked for among the first {_NEAREST_AMONG} of "
                f"{rows.rows} rows",
                draft.at("sections", index, "examples"),
                code="many-examples",
                hint="put the best rows into a dataset of their own",
                address=str(draft.address),
            )
    return made


def _documents(  # one section's facts
    world: World,
    draft: Draft,
    section: Section,
    index: int,
    templates: Templates,
    found: Sections,
) -> dict[str, Value] | None:
    assert section.knowledge_base is not None
    path = ("sections", index, "knowledge_base")
    ref = world.reference(draft, section.knowledge_base, ("knowledge_base",), *path)
    query = templates.query(section, index)
    if ref is not None and not isinstance(ref, Ref):
        world.problems.error(
            f"`knowledge_base` must refer to one, not to `{ref}`",
            draft.at(*path),
            code="bad-reference",
            hint="declare a `knowledge_base` and name it: `knowledge_base.NAME`",
            address=str(draft.address),
        )
        return None
    if ref is None or query is None:
        return None
    name = _named(found, ref.address)
    base = world.drafts.get(ref.address)
    retrieval = getattr(base.model, "retrieval", None) if base is not None else None
    top_k, least = section.top_k, section.min_score
    made: dict[str, Value] = {
        "knowledge": name,
        "top_k": top_k if top_k is not None else getattr(retrieval, "top_k", _TOP_K),
    }
    least = least if least is not None else getattr(retrieval, "min_score", None)
    if least:
        made["min_score"] = least
    return {**made, **_asked(section, query)}


def _asked(section: Section, query: str) -> dict[str, Value]:
    turns = section.query_turns
    return {"query": query} if turns is None else {"query": query, "query_turns": turns}


def _named(found: Sections, address: Address) -> str:
    """The name of a knowledge base within the prompt: its own, as long as no other has it."""
    for name, known in found.knowledge.items():
        if known == address:
            return name
    short = address.path[-1] if address.key is None else f"{address.path[-1]}[{address.key}]"
    name = short if short not in found.knowledge else str(address)
    found.knowledge[name] = address
    return name


def _limits(world: World, draft: Draft, section: Section, index: int) -> dict[str, Value] | None:
    """What holds for any role; None where the model that sums up is none."""
    made: dict[str, Value] = {}
    if section.volatility not in {None, volatility_of(section.role, section.select)}:
        made["volatility"] = section.volatility
    if section.as_ is not None:
        made["as"] = section.as_
    if section.wrap is not None:
        made["wrap"] = section.wrap
    if section.max_tokens is not None:
        made["max_tokens"] = section.max_tokens
    if section.overflow not in {None, "error"}:
        rule = _overflow(world, draft, section, index)
        if rule is None:
            return None
        made["overflow"] = rule
    if section.cache is not None and section.cache.breakpoint:
        made["breakpoint"] = True
    return made


def _overflow(
    world: World, draft: Draft, section: Section, index: int
) -> Mapping[str, Value] | None:
    rule: dict[str, Value] = {"rule": section.overflow}
    if section.overflow == "keep_ends":
        rule["keep_first"] = section.keep_first or 0
        rule["keep_last"] = section.keep_last or 0
    if section.summarize_by is None:
        return rule
    path = ("sections", index, "summarize_by")
    found = world.reference(draft, section.summarize_by, ("endpoint", "tuning_job"), *path)
    if found is None:
        return None
    if isinstance(found, Ref):
        by: dict[str, Value] = {"model": Ref(found.address, ("model_id",))}
        if found.address.kind == "endpoint":
            by["base_url"] = Ref(found.address, ("base_url",))
    else:
        by = {"model": found}
    return {**rule, "by": by}
