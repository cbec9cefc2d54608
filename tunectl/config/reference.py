"""The configuration reference in Markdown, made from the models, so that it cannot be stale."""

from __future__ import annotations

from typing import Any

from tunectl.config.schema import yaml_schema
from tunectl.kinds import KINDS
from tunectl.kinds.providers import PROVIDERS

# A part of a text's pattern, and what such a text is called.
_FORMS = (
    ("%", "share such as `10%`"),
    ("[smhdw]", "duration such as `30d`"),
    (r"\d{4}-", "date or date and time"),
)
_COMMON = ("provider", "for_each", "depends_on", "lifecycle", "labels")


def markdown() -> str:
    """Return the reference: the top level, providers, every kind, then the maps inside them."""
    schema = yaml_schema()
    definitions = schema["$defs"]
    parts = ["### Top level", _table(schema, skip=(*KINDS,))]
    for name, provider in PROVIDERS.items():
        parts += [f"### `providers`: type `{name}`", _about(definitions[provider.__name__])]
        parts.append(_table(definitions[provider.__name__]))
    parts += ["### Fields of every kind", _common(definitions)]
    inner: list[str] = ["LifecycleFields"]
    for kind, model in KINDS.items():
        described = definitions[model.__name__]
        parts += [f"### `{kind}`", _about(described), _outputs(kind)]
        parts.append(_table(described, skip=_COMMON))
        inner += _referred(described, definitions)
    inner += _referred(schema, definitions)
    shown = {model.__name__ for model in (*KINDS.values(), *PROVIDERS.values())}
    for name in dict.fromkeys(inner):
        if name not in shown:
            parts += [f"#### `{_heading(name)}`", _about(definitions[name])]
            parts.append(_table(definitions[name]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(schema: dict[str, Any]) -> str:
    return str(schema.get("description", ""))


def _outputs(kind: str) -> str:
    outputs = KINDS[kind].outputs
    return "Outputs: " + ", ".join(f"`{name}`" for name in outputs) + "." if outputs else ""


def _common(definitions: dict[str, Any]) -> str:
    first = definitions[next(iter(KINDS.values())).__name__]
    fields = {name: first["properties"][name] for name in _COMMON}
    return _table({"properties": fields})


def _table(schema: dict[str, Any], skip: tuple[str, ...] = ()) -> str:
    required = set(schema.get("required", ()))
    lines = ["| Field | Value | Meaning |", "|---|---|---|"]
    for name, field in schema["properties"].items():
        if name in skip:
            continue
        said = str(field.get("description", ""))
        if field.get("default") not in (None, ""):
            shown = str(field["default"]).lower() if isinstance(field["default"], bool) else None
            said += f" Default `{shown or field['default']}`."
        star = " (required)" if name in required else ""
        lines.append(f"| `{name}`{star} | {_type(field)} | {said.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        found = [_type(one) for one in field["anyOf"] if one.get("pattern") != r"\$\{"]
        return " or ".join(dict.fromkeys(word for word in found if word))
    if "$ref" in field:
        return f"`{_heading(field['$ref'].rpartition('/')[2])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    match field.get("type"):
        case "array":
            return f"list of {_type(field.get('items', {}))}"
        case "object":
            patterns = list(field.get("patternProperties", {}).values())
            inner: Any = field.get("additionalProperties") or (patterns[0] if patterns else {})
            word = _type(inner) if isinstance(inner, dict) and inner else ""
            return f"map of {word}" if word and len(word) < 30 else "map"
        case "string":
            return next((word for part, word in _FORMS if part in field.get("pattern", "")), "text")
        case "integer":
            return "whole number" + _bounds(field)
        case "number":
            return "number" + _bounds(field)
        case "boolean":
            return "true or false"
        case _:
            return "any value"


def _bounds(field: dict[str, Any]) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f" {low} to {high}"
    if low is not None:
        return f" above {low}" if "exclusiveMinimum" in field else f" from {low}"
    return ""


def _referred(schema: Any, definitions: dict[str, Any]) -> list[str]:  # noqa: ANN401
    found: list[str] = []
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].rpartition("/")[2]
            found.append(name)
            found += _referred(definitions[name], definitions)
        for key, value in schema.items():
            if key not in {"$defs", "$ref"}:
                found += _referred(value, definitions)
    elif isinstance(schema, list):
        for value in schema:
            found += _referred(value, definitions)
    return found


def _heading(name: str) -> str:
    word = name.removesuffix("Fields")
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(word))
