"""Prompt templates: sections with their text, examples by reference, and one version.

What is lowered is what was declared: a template of a former grammar has the same settings and the
same version as before, but for `format`, which says how its artefact is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.memory import compiled_memory
from tunectl.config.prompt_checks import check_prompt
from tunectl.config.prompt_model import OPENAI, address_of, base_of, dialect_of
from tunectl.config.prompt_parts import (
    budget_of,
    check_defaults,
    injected_of,
    inputs_of,
    memory_of,
    output_of,
)
from tunectl.config.prompt_sections import Sections, lower_sections
from tunectl.config.prompt_texts import Templates
from tunectl.config.world import World
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Join, Plain, Ref, Value, canonical
from tunectl.kinds.prompt_template import PromptTemplate

ARTEFACT = 2
"""The format of the artefact that is written; another one than recorded is written again."""

# What shapes the text beside inputs and sections.
_SHAPING = ("partials", "output", "budget", "memory", "citations")


def lower_prompts(world: World) -> None:
    """Declare every prompt template."""
    for draft in in_file_order(world.drafts, "prompt_template"):
        world.check_builtin(draft)
        _lower(world, draft)


def _lower(world: World, draft: Draft) -> None:
    model = draft.model
    assert isinstance(model, PromptTemplate)
    target = world.model_reference(draft, model.model, ("endpoint", "tuning_job"), "model")
    memory = memory_of(world, draft, model)
    templates = Templates(world, draft, tuple(model.inputs), injected_of(memory))
    check_defaults(world, draft, model)
    sections = lower_sections(world, draft, templates)
    output = output_of(world, draft, model)
    depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
    if sections.sound:
        check_prompt(world, draft, templates)
    lost = (model.memory is not None and memory is None) or (output is None) != (
        model.output is None
    )
    if target is None or not sections.sound or lost:
        return
    spec: dict[str, Value] = {
        **_of_model(world, draft, target),
        **_rest(world, model, templates, base_of(world, target), output, memory),
    }
    spec["inputs"] = inputs_of(model)
    spec["sections"] = tuple(sections.lowered)
    if sections.knowledge:
        spec["knowledge"] = {n: Ref(a, ("search",)) for n, a in sections.knowledge.items()}
    spec["version"] = version(_plain(spec["inputs"]), _hashed(sections), _shape(spec))
    needed = (*depends_on, *sections.datasets, *([memory[0]] if memory is not None else ()))
    world.resources[draft.address] = Resource(
        address=draft.address,
        provider=BUILTIN,
        spec=spec,
        immutable=frozenset({"name"}),
        outputs=model.outputs,
        stable=frozenset({"path"}),
        depends_on=tuple(dict.fromkeys(needed)),
        lifecycle=lifecycle,
        destroy_first=True,  # its file has a fixed name
        labels=world.labels_of(draft),
        source=draft.source,
    )


def _of_model(world: World, draft: Draft, target: str | Ref | Join) -> dict[str, Value]:
    # The file is found by this name: after a move another file must be made.
    spec: dict[str, Value] = {"name": _name(draft.address), "format": ARTEFACT, "model": target}
    dialect = dialect_of(world, target)
    if isinstance(target, Ref) and target.address.kind == "endpoint":
        spec["base_url"] = Ref(target.address, ("base_url",))
    elif (address := address_of(world, draft, target, dialect)) is not None:
        spec["base_url"] = address
    return spec if dialect == OPENAI else {**spec, "dialect": dialect}


def _rest(  # what a template may have beside inputs and sections
    world: World,
    model: PromptTemplate,
    templates: Templates,
    base: str | None,
    output: Mapping[str, Plain] | None,
    memory: tuple[Address, object] | None,
) -> dict[str, Value]:
    """The other settings; what was not declared is not there."""
    found: dict[str, Value] = {
        "partials": dict(sorted(templates.partials.items())) or None,
        "budget": budget_of(model, base),
        "output": output,
        "cache": {"ttl": model.cache.ttl} if model.cache is not None else None,
        "citations": model.citations or None,
        "memory": compiled_memory(world, memory[0]) if memory is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _name(address: Address) -> str:
    name = ".".join(address.path)
    return name if address.key is None else f"{name}[{address.key}]"


def version(
    inputs: Plain, sections: Sequence[Plain], shape: Mapping[str, Plain] | None = None
) -> str:
    """Return the content hash of a prompt: sha256 over all that shapes its text.

    Args:
        inputs: their rules.
        sections: without the models that sum conversations up.
        shape: what else shapes the text; without any the hash is over inputs and sections alone,
            as it always was.
    """
    parts: tuple[Plain, ...] = (inputs, tuple(sections))
    return hashlib.sha256(canonical((*parts, shape) if shape else parts).encode()).hexdigest()


def _shape(spec: Mapping[str, Value]) -> dict[str, Plain]:
    found = {name: _plain(spec[name]) for name in _SHAPING if name in spec}
    memory, output, budget = found.get("memory"), found.get("output"), found.get("budget")
    if isinstance(memory, Mapping):
        found["memory"] = {k: v for k, v in memory.items() if k in {"profile", "sessions"}}
    if isinstance(output, Mapping):  # the order of a schema is the order of the answer
        found["output"] = json.dumps(output, ensure_ascii=False)
    if isinstance(budget, Mapping):
        found["budget"] = {k: v for k, v in budget.items() if k != "of"}
    return found


def _hashed(sections: Sections) -> tuple[Plain, ...]:
    """The sections as they are hashed: who sums up is no part of the text."""
    found: list[Plain] = []
    for section in sections.lowered:
        overflow = section.get("overflow")
        if isinstance(overflow, Mapping):
            rule = {k: v for k, v in overflow.items() if k != "by"}
            found.append(_plain({**section, "overflow": rule}))
        else:
            found.append(_plain(section))
    return tuple(found)


def _plain(value: Value) -> Plain:
    """A value without references; there are none in what is hashed."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    assert not isinstance(value, Ref | Join)
    return value
