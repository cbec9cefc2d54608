"""What a model refuses, in our words and at the place where it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from tunectl.config.node import Node, Path, sort
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.synonyms import ours
from tunectl.config.syntax import is_key_with_odd_space
from tunectl.core.value import Join, Ref
from tunectl.kinds import KINDS, PLANNED
from tunectl.kinds.declared import LifecycleFields
from tunectl.kinds.reading import OURS
from tunectl.kinds.values import words_of

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    M = TypeVar("M", bound=BaseModel)

_KEY = "[key]"
_LIFECYCLE = frozenset(LifecycleFields.model_fields)
_EXPIRY = ("expires_after", "expires_at")
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "mapping_type": "a map",
    "list_type": "a list",
    "none_required": "nothing",
    "finite_number": "a finite number",
}
_EXAMPLES = {
    "string_type": "text",
    "int_type": "3",
    "int_from_float": "3",
    "float_type": "0.5",
    "bool_type": "true",
    "dict_type": "{name: …}",
    "mapping_type": "{name: …}",
    "model_type": "{name: …}",
    "model_attributes_type": "{name: …}",
    "list_type": "[…, …]",
}
# What YAML 1.1 read as a boolean and YAML 1.2 reads as text.
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false", "y": "true", "n": "false"}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def checked(
    model: type[M],
    node: Node,
    value: object,
    problems: Problems,
    subject: str,
    broken: Collection[Path] = (),
) -> M | None:
    """Validate a value by pydantic; see `validating.validated`, which asks for this last."""
    if not isinstance(value, dict):
        if isinstance(value, str) and is_key_with_odd_space(value):
            return None
        fields = ", ".join(f"{name}: …" for name in _required(model))
        problems.error(
            f"`{subject}` must be a map, not {sort(value)}",
            node.key_source,
            code="wrong-type",
            hint=f"such as `{{{fields}}}`" if fields else "",
        )
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        every = error.errors(include_url=False)
        for found in every:
            path = tuple(found["loc"])
            if any(path[: len(b)] == b or b[: len(path)] == path for b in broken):
                continue
            if not _is_misspelt(found, every):
                _say(model, node, found, problems, subject)
        return None


def _required(model: type[BaseModel]) -> list[str]:
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if field.is_required()]


def _is_misspelt(missing: ErrorDetails, every: Sequence[ErrorDetails]) -> bool:
    """Whether a missing field stands there under a wrong key, which is told on its own."""
    *owner, name = missing["loc"] or ("",)
    return missing["type"] == "missing" and any(
        other["type"] == "extra_forbidden"
        and list(other["loc"][:-1]) == owner
        and did_you_mean(str(other["loc"][-1]), [str(name)])
        for other in every
    )


def _say(
    model: type[BaseModel], node: Node, found: ErrorDetails, problems: Problems, subject: str
) -> None:
    path = tuple(part for part in found["loc"] if part != _KEY)
    at, whole = node.find(path)
    name = _dotted(path)
    kind, context, given = found["type"], found.get("ctx") or {}, found["input"]
    if kind == "missing":
        _missing(node, path, problems, subject)
    elif kind == "extra_forbidden":
        _unknown(model, path, at, problems, subject)
    elif kind == OURS:
        about = name or subject
        source = at.key_source if _KEY in found["loc"] or not path else at.source
        if isinstance(at.value, dict | list):
            source = at.key_source
        if below := context.get("at"):
            part, _ = node.find((*path, *below))
            source = part.key_source if isinstance(part.value, dict | list) else part.source
        problems.error(
            f"`{about}` {context['message']}",
            source,
            hint=context["hint"],
            code="invalid",
            address=subject,
        )
    elif kind in {"string_too_short", "too_short"}:
        problems.error(
            f"`{name or subject}` is empty",
            at.source,
            hint="write a value" if kind == "string_too_short" else "add at least one",
            code="invalid",
            address=subject,
        )
    else:
        must, hint = _must(kind, context, given, str(path[0]) if path else "")
        problems.error(
            f"`{name or subject}` must be {must}",
            at.source if whole else at.key_source,
            hint=hint or _example(kind, str(path[-1]) if path else ""),
            code="wrong-type" if kind in _TYPES else "invalid",
            address=subject,
        )


def _example(kind: str, field: str) -> str:
    """Show a value of the right type."""
    if kind in _EXAMPLES and field and not field.isdigit():
        return f"such as `{field}: {_EXAMPLES[kind]}`"
    return ""


def _must(kind: str, context: Mapping[str, Any], given: object, field: str = "") -> tuple[str, str]:
    if isinstance(given, Ref | Join):
        text = _TYPES.get(kind, "plain")
        what = f"`{given}`" if isinstance(given, Ref) else "another resource's output"
        if isinstance(given, Ref) and field == "depends_on":
            return f"an address, not the value of {what}", f"write `{given}`, without `${{}}`"
        return f"{text} that is known when planning", f"{what} is known only after apply"
    if kind in _TYPES:
        return f"{_TYPES[kind]}, not {_shown(given)}", _quoting(kind, given)
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{words} {_number(context[key])}, not {given}", ""
    match kind:
        case "literal_error":
            return _one_of(context, given)
        case "string_too_long":
            return f"at most {context['max_length']} characters", ""
        case "too_long":
            return f"at most {context['max_length']} items", ""
        case "string_pattern_mismatch":
            words, hint = words_of(str(context["pattern"]))
            return f"{words}, not `{given}`", hint
        case _:
            return "of another form", ""


def _number(bound: float) -> str:
    """A bound as a person writes it: `2147483647`, `0.5`, never `2.14748e+09`."""
    return str(int(bound)) if float(bound).is_integer() else f"{bound:g}"


def _one_of(context: Mapping[str, Any], given: object) -> tuple[str, str]:
    words = [w.strip("'") for w in str(context["expected"]).replace(" or ", ", ").split(", ")]
    if isinstance(given, str) and given == "history":
        return f"one of {listed(words)}; `{given}` is not in this version", ""
    shown = f"`{given}`" if isinstance(given, str) else sort(given)
    head, bracket, _ = str(given).partition("(")
    if bracket and head in words:  # as Terraform types a variable
        return f"one of {listed(words)}, not {shown}", f"write `{head}`: what it holds is not said"
    if given == "any":
        return f"one of {listed(words)}, not {shown}", "leave it out: the default's type counts"
    near = did_you_mean(given, words) if isinstance(given, str) else ""
    return f"one of {listed(words)}, not {shown}", near


def _shown(given: object) -> str:
    if isinstance(given, bool | int | float):
        return f"{sort(given)} (`{str(given).lower()}`)"
    return sort(given)


def _quoting(kind: str, given: object) -> str:
    if kind == "string_type" and isinstance(given, bool | int | float):
        return f'write it in quotes: `"{str(given).lower()}"`'
    if kind == "bool_type" and isinstance(given, str) and given.lower() in _BOOLEANS:
        return f"write `{_BOOLEANS[given.lower()]}`"
    if kind in {"int_type", "float_type", "bool_type"} and isinstance(given, str):
        return f"write it without quotes: `{given}`" if _is_bare(kind, given) else ""
    if kind == "list_type" and isinstance(given, dict):
        return "begin each entry below it with `- `"
    if kind == "list_type" and isinstance(given, str):
        return f"write `[{given}]`"
    return ""


def _is_bare(kind: str, given: str) -> bool:
    if kind == "bool_type":
        return given in {"true", "false"}
    return given.replace(".", "", 1).lstrip("-").isdigit()


def _missing(node: Node, path: Sequence[str | int], problems: Problems, subject: str) -> None:
    owner, _ = node.find(tuple(path[:-1]))
    field = path[-1]
    child = owner.value.get(str(field)) if isinstance(owner.value, dict) else None
    about = _dotted(path[:-1])
    if child is not None:
        problems.error(
            f"`{_dotted(path)}` has no value",
            child.key_source,
            hint="write one after the `:`",
            code="missing",
            address=subject,
        )
        return
    ours_to_name = field == "project" and not subject.startswith("providers.")
    problems.error(
        f"`{about or subject}` needs `{field}:`",
        owner.key_source,
        hint=f"add `{field}: {'helpdesk' if ours_to_name else '…'}`",
        code="missing",
        address=subject,
    )


def _unknown(
    model: type[BaseModel], path: Sequence[str | int], at: Node, problems: Problems, subject: str
) -> None:
    key = str(path[-1])
    where = _dotted(path[:-1])
    inside = f"`{where}`" if where else f"`{subject}`"
    hint, code, summary = "", "unknown-key", f"unknown key `{key}` in {inside}"
    known = _fields_at(model, path[:-1])
    if (said := ours(key, known)) and not (key in KINDS and isinstance(at.value, dict)):
        hint = said
    elif key in PLANNED:
        summary, code, hint = f"`{key}` is not in this version", "planned", "remove it"
    elif key in _EXPIRY and key not in known:
        able = [kind for kind, model in KINDS.items() if "expires_at" in model.model_fields]
        code, hint = "never-expires", f"{listed(able)} can"
        summary = f"{inside} cannot expire: it has no object of its own at a provider"
    elif key in _LIFECYCLE and "lifecycle" in known:
        hint = f"write it under `lifecycle:`: `lifecycle: {{{key}: …}}`"
    elif key in KINDS:
        summary, code = f"kind `{key}` stands inside {inside}", "nested-kind"
        hint = f"move `{key}:` to the left margin"
    else:
        hint = did_you_mean(key, known, f"known are {listed(known, 12)}" if known else "")
    problems.error(summary, at.key_source, hint=hint, code=code, address=subject)


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the field names of the model a path leads to."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    here = schema
    for step in path:
        here = _inner(here, definitions)
        if isinstance(step, int):
            here = here.get("items", {})
        else:
            named = here.get("properties", {}).get(step) or here.get("additionalProperties")
            here = named or next(iter(here.get("patternProperties", {}).values()), {})
    return list(_inner(here, definitions).get("properties", {}))


def _inner(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    for option in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "$ref" in option:
            found: dict[str, Any] = definitions[option["$ref"].rpartition("/")[2]]
            return found
        if option.get("type") in {"object", "array"}:
            return dict(option)
    return schema


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
