"""What a prompt has beside its sections: inputs, memory, budget, and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunectl.config.drafts import Draft
from tunectl.config.policy import read_schema
from tunectl.config.prompt_texts import Injected
from tunectl.config.world import World
from tunectl.core.value import Address, Plain, Ref
from tunectl.kinds import MEMORY
from tunectl.kinds.prompt_template import Input, PromptTemplate

if TYPE_CHECKING:
    from tunectl.kinds.memory import Memory

_SORTS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list, tuple),
}


def inputs_of(model: PromptTemplate) -> dict[str, Plain]:
    """Return the rules of the inputs."""
    found: dict[str, Plain] = {}
    for name, one in model.inputs.items():
        rule: dict[str, Plain] = {"type": one.type}
        if one.max_chars is not None:
            rule["max_chars"] = one.max_chars
        if one.one_of is not None:
            rule["one_of"] = tuple(one.one_of)
        if one.default is not None:
            rule["default"] = _plain(one.default)
        if one.description:
            rule["description"] = one.description
        found[name] = rule
    return found


def check_defaults(world: World, draft: Draft, model: PromptTemplate) -> None:
    """Tell which defaults are no values of their inputs."""
    for name, one in model.inputs.items():
        wrong = "" if one.default is None else complaint(one, one.default)
        if wrong:
            world.problems.error(
                f"the default of input `{name}` {wrong}",
                draft.at("inputs", name, "default"),
                code="wrong-type",
                hint="its type is said under `type:`",
                address=str(draft.address),
            )


def complaint(rule: Input, value: object) -> str:
    """Say what is wrong with a value of an input, empty when nothing; the value is not said."""
    fits = isinstance(value, _SORTS[rule.type])
    if not fits or (isinstance(value, bool) and rule.type != "boolean"):
        return f"is no {rule.type}"
    texts = value if isinstance(value, list | tuple) else [value]
    if rule.type == "list" and not all(isinstance(one, str) for one in texts):
        return "is no list of texts"
    if rule.one_of is not None and any(one not in rule.one_of for one in texts):
        return "is not under `one_of`"
    longest = max((len(one) for one in texts if isinstance(one, str)), default=0)
    if rule.max_chars is not None and longest > rule.max_chars:
        return f"is longer than {rule.max_chars} characters"
    return ""


def memory_of(
    world: World, draft: Draft, model: PromptTemplate
) -> tuple[Address, Memory | None] | None:
    """Return the memory of a prompt, with its fields where they are usable; None for none."""
    if model.memory is None:
        return None
    found = world.reference(draft, model.memory, ("memory",), "memory")
    if isinstance(found, Ref):
        other = world.drafts.get(found.address)
        fields = other.model if other is not None else None
        return found.address, fields if MEMORY.fits(fields) else None
    if found is not None:
        world.problems.error(
            f"`memory` must refer to one, not to `{found}`",
            draft.at("memory"),
            code="bad-reference",
            hint="declare a `memory` and name it: `memory: memory.NAME`",
            address=str(draft.address),
        )
    return None


def injected_of(memory: tuple[Address, Memory | None] | None) -> Injected | None:
    """Return what may be said of a user; None where nobody knows."""
    if memory is None or memory[1] is None:
        return None
    fields = {name: one.inject for name, one in memory[1].profile.items()}
    return Injected(str(memory[0]), fields)


def budget_of(model: PromptTemplate, base: str | None) -> dict[str, Plain] | None:
    """Return the limits of the whole; `auto` keeps the name of the model it is asked of."""
    if model.budget is None:
        return None
    said = model.budget.context_tokens
    budget: dict[str, Plain] = {"context_tokens": said}
    if said == "auto" and base is not None:
        budget["of"] = base
    if model.budget.max_output is not None:
        budget["max_output"] = model.budget.max_output
    return {**budget, "reserve_output": model.budget.kept_free}


def output_of(world: World, draft: Draft, model: PromptTemplate) -> dict[str, Plain] | None:
    """Return the form of the answer, None for free text and for a schema that is none: told."""
    said = model.output
    if said is None:
        return None
    schema: object = said.schema_
    at = draft.at("output", "schema")
    if said.schema_file is not None:
        at = draft.at("output", "schema_file")
        schema = _schema_file(world, draft, said.schema_file)
    if not isinstance(schema, dict):
        return None
    wrong = _schema_complaint(schema)
    if wrong:
        world.problems.error(
            f"`output`: {wrong}",
            at,
            code="bad-output",
            hint="see json-schema.org; an answer is an object: `{type: object, properties: …}`",
            address=str(draft.address),
        )
        return None
    return {"format": "json", "name": said.name, "schema": _plain(schema)}


def _schema_file(world: World, draft: Draft, name: str) -> dict[str, object] | None:
    at, path = draft.at("output", "schema_file"), world.root / name
    world.looked.stands(path)
    if not path.resolve().is_relative_to(world.root.resolve()):
        world.problems.error(
            f"`{name}` lies outside the project",
            at,
            code="outside-project",
            hint="copy it into the project's folder",
        )
        return None
    return read_schema(path, name, world.problems, at, world.looked)


def _schema_complaint(schema: dict[str, object]) -> str:
    from jsonschema import SchemaError, validators

    if _late(schema):
        return "it holds a value that is known only after apply"
    try:
        validators.validator_for(schema).check_schema(schema)
    except SchemaError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        return f"it is not a JSON Schema: {error.message}" + (f" (at `{where}`)" if where else "")
    if schema.get("type") != "object":
        return "its type must be `object`"
    return ""


def _late(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_late(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_late(item) for item in value)
    return not (value is None or isinstance(value, str | int | float))


def _plain(value: object) -> Plain:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value if isinstance(value, str | int | float) else None
