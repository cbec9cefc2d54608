"""The JSON Schema of `tunectl.yaml`, made from the models: editors complete and check with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.kinds import KINDS
from tunectl.kinds.project import ProjectFields
from tunectl.kinds.providers import PROVIDERS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = r"^[^\W\d_]\w*$"
_INTERPOLATED = {"type": "string", "pattern": r"\$\{"}
_SIMPLE = frozenset({"integer", "number", "boolean", "array", "object"})


def yaml_schema() -> dict[str, Any]:
    """Return the JSON Schema of `tunectl.yaml`; files of the same layer and overlays fit it too."""
    definitions: dict[str, Any] = {}
    project = _model(ProjectFields, definitions)
    properties: dict[str, Any] = dict(project["properties"])
    properties["providers"] = {
        "type": "object",
        "description": "The accounts to work with. Without any there is `local`.",
        "patternProperties": {_NAME: _providers(definitions)},
        "additionalProperties": False,
    }
    for kind, model in KINDS.items():
        described = _model(model, definitions)
        definitions[model.__name__] = described
        properties[kind] = {
            "type": ["object", "null"],
            "description": _first_line(model.__doc__),
            "patternProperties": {
                _NAME: {"anyOf": [{"$ref": f"#/$defs/{model.__name__}"}, {"type": "null"}]}
            },
            "additionalProperties": False,
        }
    return {
        "$schema": _DIALECT,
        "$id": "tunectl.schema.json",
        "title": "tunectl.yaml",
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {"description": "Yours; tunectl does not read it."}},
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _providers(definitions: dict[str, Any]) -> dict[str, Any]:
    names = []
    for model in PROVIDERS.values():
        definitions[model.__name__] = _model(model, definitions)
        names.append({"$ref": f"#/$defs/{model.__name__}"})
    plugin = {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]}
    known = {"properties": {"type": {"enum": list(PROVIDERS)}}}
    return {"anyOf": [*names, {**plugin, "not": known}, {"type": "null"}]}


def _model(model: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    schema: dict[str, Any] = model.model_json_schema()
    for name, inner in schema.pop("$defs", {}).items():
        definitions[name] = _object(inner)
    return _object(schema)


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    if "description" in schema:
        made["description"] = _first_line(schema["description"])
    made["properties"] = {
        name: _value(inner) for name, inner in schema.get("properties", {}).items()
    }
    return made


def _value(schema: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a field's schema without titles; what is not text may come from `${…}` as well."""
    made = _untitled(schema)
    default, described = made.pop("default", None), made.pop("description", None)
    options = [one for one in made.get("anyOf", [made]) if one != {"type": "null"}]
    if any(one.get("type") in _SIMPLE or "$ref" in one or "allOf" in one for one in options):
        options = [*options, _INTERPOLATED]
    merged = dict(options[0]) if len(options) == 1 else {"anyOf": options}
    if described:
        merged["description"] = described
    if default not in (None, [], {}) and not isinstance(default, dict):
        merged["default"] = default
    return merged


def _untitled(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {
            key: _untitled(item)
            for key, item in value.items()
            if not (key == "title" and isinstance(item, str))
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]
