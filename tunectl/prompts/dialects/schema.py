"""The JSON Schema of an answer, as each service takes it.

Law: a service is sent a schema that every answer to the declared one fits, or the same; what it
cannot hold an answer to is told in words, and checked when the answer has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# What structured outputs of Anthropic hold an answer to (`lib/_parse/_transform` of anthropic
# 2.12.0); the SDK moves the rest into the description, and so is it done here.
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_KEPT = frozenset(
    {"$ref", "$defs", "type", "enum", "const", "anyOf", "allOf", "description", "title"}
)
_KEPT_BY_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items"}),
}
# Fields of Gemini's `Schema` (google-genai 2.34.0, `types.Schema`).
_GEMINI = frozenset(
    "anyOf default description enum example format items maxItems maxLength maxProperties maximum "  # noqa: SIM905
    "minItems minLength minProperties minimum nullable pattern properties propertyOrdering "
    "required title type".split()
)

# What strict mode of OpenAI refuses, and of its tuned models besides (Structured Outputs guide,
# "Supported schemas", 2026-11).
_UNHELD = frozenset(
    {"minLength", "maxLength", "uniqueItems", "contains", "minContains", "maxContains"}
    | {"minProperties", "maxProperties", "propertyNames", "unevaluatedProperties", "examples"}
    | {"default"}
)
_UNHELD_TUNED = frozenset(
    {"pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"multipleOf", "minItems", "maxItems"}
)

Schema = Mapping[str, Any]


def closed(schema: Schema) -> dict[str, Any]:
    """Return a schema whose objects take no other properties, where they do not say otherwise."""
    made = _children(schema, closed)
    if _is_object(made):
        made.setdefault("additionalProperties", False)
    return made


def is_strict(schema: Schema) -> bool:
    """Whether OpenAI's strict mode takes a schema: all properties required, and no others.

    Source: OpenAI, Structured Outputs guide, "All fields must be required" (2026-11).
    """
    if _is_object(schema):
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            return False
        if set(properties) != set(schema.get("required") or ()):
            return False
    if any(word in schema for word in ("allOf", "oneOf", "not", "if", "patternProperties")):
        return False
    return all(is_strict(child) for child in _all_children(schema))


def for_openai(schema: Schema, *, tuned: bool) -> tuple[dict[str, Any], bool]:
    """Return the schema as OpenAI takes it, and whether it is held to strictly.

    Args:
        schema: of the answer.
        tuned: for a tuned model, which is held to less.
    """
    told = _UNHELD | _UNHELD_TUNED if tuned else _UNHELD
    made = closed(_in_words(schema, told))
    if made.get("type") == "object" and "anyOf" not in made and is_strict(made):
        return made, True
    return closed(schema), False


def _in_words(schema: Schema, words: frozenset[str]) -> dict[str, Any]:
    made = _children(schema, lambda child: _in_words(child, words))
    return _described(made, {key: made.pop(key) for key in list(made) if key in words})


def _described(made: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Put into the description what an answer cannot be held to."""
    if told:
        words = "{" + ", ".join(f"{key}: {value}" for key, value in told.items()) + "}"
        made["description"] = "\n\n".join(filter(None, (made.get("description"), words)))
    return made


def for_anthropic(schema: Schema) -> dict[str, Any]:
    """Return the schema as Anthropic and Bedrock hold an answer to it."""
    if "$ref" in schema:
        return {key: schema[key] for key in ("$ref",)} | _definitions(schema)
    made = _children(schema, for_anthropic)
    if "oneOf" in made and "anyOf" not in made:
        made["anyOf"] = made.pop("oneOf")
    if _is_object(made):
        made["additionalProperties"] = False
    kind = made.get("type")
    kept = _KEPT | _KEPT_BY_TYPE.get(kind if isinstance(kind, str) else "", frozenset())
    told: dict[str, Any] = {}
    for key in list(made):
        value = made[key]
        held = key in kept
        held |= key == "format" and value in _FORMATS
        held |= key == "minItems" and value in (0, 1)
        if not held:
            told[key] = made.pop(key)
    told.pop("$schema", None)
    told.pop("$id", None)
    return _described(made, told)


def for_gemini(schema: Schema) -> dict[str, Any]:
    """Return the fields of `generationConfig` that ask for a schema.

    `responseSchema` where it can say all of it, else `responseJsonSchema`, which takes JSON Schema
    with references (Gemini 2.5 and later).
    """
    made = _gemini(schema)
    if made is not None:
        return {"responseSchema": made}
    return {"responseJsonSchema": {k: v for k, v in schema.items() if k not in {"$schema", "$id"}}}


def _gemini(schema: Schema) -> dict[str, Any] | None:
    found = {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    if found.get("additionalProperties") in (False, None):
        found.pop("additionalProperties", None)
    kinds = found.get("type")
    if isinstance(kinds, list | tuple):
        others = [kind for kind in kinds if kind != "null"]
        if len(others) != 1:
            return None
        found["type"] = others[0]
        if len(others) < len(kinds):
            found["nullable"] = True
    if not set(found) <= _GEMINI or not all(isinstance(one, str) for one in found.get("enum", ())):
        return None
    if isinstance(found.get("type"), str):
        found["type"] = found["type"].upper()
    if "properties" in found:
        made = {name: _gemini(child) for name, child in found["properties"].items()}
        found["properties"] = made
        found.setdefault("propertyOrdering", list(made))
        if None in made.values():
            return None
    for key in ("items", "anyOf"):
        if key in found:
            many = found[key] if key == "anyOf" else [found[key]]
            children = [_gemini(child) for child in many]
            if None in children:
                return None
            found[key] = children if key == "anyOf" else children[0]
    return found


def _is_object(schema: Schema) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def _definitions(schema: Schema) -> dict[str, Any]:
    named = schema.get("$defs") or {}
    return {"$defs": {k: for_anthropic(v) for k, v in named.items()}} if named else {}


def _children(schema: Schema, change: Callable[[Schema], dict[str, Any]]) -> dict[str, Any]:
    """Return a schema whose subschemas are changed."""
    made = dict(schema)
    for key, value in schema.items():
        if key in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            made[key] = {name: change(child) for name, child in value.items()}
        elif key in {"anyOf", "oneOf", "allOf", "prefixItems"} and isinstance(value, Sequence):
            made[key] = [change(child) for child in value]
        elif key == "items" and isinstance(value, Mapping):
            made[key] = change(value)
    return made


def _all_children(schema: Schema) -> list[Schema]:
    found: list[Schema] = []

    def kept(child: Schema) -> dict[str, Any]:
        found.append(child)
        return dict(child)

    _children(schema, kept)
    return found
