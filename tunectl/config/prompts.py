"""Prompt templates: sections with their text, examples by reference, and one version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tunectl.config.datasets import rows_of
from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.prompt_source import Origin, load_template, names_used
from tunectl.config.world import World
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Plain, Ref, Value, canonical
from tunectl.kinds.prompt_template import PromptTemplate, Section

_EXAMPLES = 4


def lower_prompts(world: World) -> None:
    """Declare every prompt template."""
    for draft in in_file_order(world.drafts, "prompt_template"):
        world.check_builtin(draft)
        model = draft.model
        assert isinstance(model, PromptTemplate)
        target = world.model_reference(draft, model.model, ("endpoint", "tuning_job"), "model")
        sections, datasets = _sections(world, draft, model)
        depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
        if target is None or sections is None:
            continue
        inputs = _inputs(model)
        # The file is found by this name: after a move another file must be made.
        spec: dict[str, Value] = {"name": _name(draft.address), "model": target}
        if isinstance(target, Ref) and target.address.kind == "endpoint":
            spec["base_url"] = Ref(target.address, ("base_url",))
        spec["inputs"] = inputs
        spec["sections"] = sections
        spec["version"] = version(inputs, sections)
        world.resources[draft.address] = Resource(
            address=draft.address,
            provider=BUILTIN,
            spec=spec,
            immutable=frozenset({"name"}),
            outputs=model.outputs,
            depends_on=tuple(dict.fromkeys((*depends_on, *datasets))),
            lifecycle=lifecycle,
            destroy_first=True,  # its file has a fixed name
            labels=world.labels_of(draft),
            source=draft.source,
        )


def _name(address: Address) -> str:
    name = ".".join(address.path)
    return name if address.key is None else f"{name}[{address.key}]"


def version(inputs: Mapping[str, Plain], sections: tuple[Plain, ...]) -> str:
    """Return the content hash of a prompt: sha256 over its inputs and sections."""
    return hashlib.sha256(canonical((inputs, sections)).encode()).hexdigest()


def _inputs(model: PromptTemplate) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for name, one in model.inputs.items():
        rule: dict[str, Plain] = {"type": one.type}
        if one.max_chars is not None:
            rule["max_chars"] = one.max_chars
        if one.default is not None:
            rule["default"] = one.default
        if one.description:
            rule["description"] = one.description
        found[name] = rule
    return found


def _sections(
    world: World, draft: Draft, model: PromptTemplate
) -> tuple[tuple[Plain, ...] | None, list[Address]]:
    """Return the lowered sections, None when one of them is unusable, and the datasets used."""
    found: list[Plain] = []
    used: set[str] = set()
    datasets: list[Address] = []
    sound = True
    _check_defaults(world, draft, model)
    for index, section in enumerate(model.sections):
        if section.role == "examples":
            lowered = _examples(world, draft, section, index, datasets)
        else:
            lowered = _text(world, draft, section, index, model, used)
        sound = sound and lowered is not None
        if lowered is not None:
            found.append(lowered)
    for name in model.inputs:
        if sound and name not in used:
            world.problems.warn(
                f"input `{name}` is never used",
                draft.node.find(("inputs", name))[0].key_source,
                code="unused-input",
                hint="remove it, or use it in a template",
                address=str(draft.address),
            )
    return (tuple(found) if sound else None), datasets


_SORTS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def _check_defaults(world: World, draft: Draft, model: PromptTemplate) -> None:
    for name, one in model.inputs.items():
        value = one.default
        if value is None:
            continue
        fits = isinstance(value, _SORTS[one.type])
        if not fits or (isinstance(value, bool) and one.type != "boolean"):
            world.problems.error(
                f"the default of input `{name}` is no {one.type}",
                draft.at("inputs", name, "default"),
                code="wrong-type",
                hint="its type is said under `type:`",
                address=str(draft.address),
            )


def _examples(
    world: World, draft: Draft, section: Section, index: int, datasets: list[Address]
) -> Plain:
    assert section.examples is not None
    rows = rows_of(world, draft, section.examples, ("sections", index, "examples"))
    if rows is None:
        return None
    datasets.append(rows.dataset)
    lowered: dict[str, Plain] = {
        "id": section.id,
        "role": "examples",
        "examples": {
            "dataset": str(rows.dataset),
            "split": rows.split,
            "sha256": rows.sha256,
            "rows": rows.rows,
        },
        "max": section.max if section.max is not None else _EXAMPLES,
        "select": section.select or "fixed",
    }
    if section.select == "seeded":
        lowered["seed"] = section.seed or 0
    return lowered


def _text(  # one section's facts
    world: World,
    draft: Draft,
    section: Section,
    index: int,
    model: PromptTemplate,
    used: set[str],
) -> Plain:
    if section.template_file is not None:
        path = ("sections", index, "template_file")
        node = draft.node.find(path)[0]
        file = load_template(world, section.template_file, node.source)
        if file is None:
            return None
        origin, text = Origin(file, node), file.text
    else:
        assert section.template is not None
        node = draft.node.find(("sections", index, "template"))[0]
        origin, text = Origin(None, node), section.template
    used |= names_used(text, origin, model.inputs, world.problems, str(draft.address))
    return {"id": section.id, "role": section.role, "template": text}
