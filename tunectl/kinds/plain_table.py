"""The table by which plain values are read, made from the models. Imports pydantic.

`python -m tests.refresh` writes it to `plain.json`, and a test fails when that is stale. What the
table cannot say is left out of it: `plain` leaves such a value, or a whole model, to pydantic.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel

from tunectl.kinds import KINDS, checks, project
from tunectl.kinds.plain import ROOMS, Form
from tunectl.kinds.providers import PROVIDERS

Schema: TypeAlias = Mapping[str, Any]
_PROJECT = (
    project.ProjectFields,
    project.Variable,
    project.OutputFields,
    project.IncludeFields,
    project.MovedFields,
    project.RemovedFields,
    project.ImportFields,
    checks.PolicyFields,
)
# Beside these a schema has nothing that decides what it takes.
_SILENT = {"type", "metadata", "ref", "serialization", "json_schema_input_schema"}
_SORTS: Mapping[str, tuple[str, ...]] = {
    "flag": ("bool",),
    "text": ("str",),
    "one": ("str",),
    "whole": ("int",),
    "number": ("int", "float"),
    "list": ("list",),
    "map": ("dict",),
    "of": ("dict",),
}


def table() -> dict[str, Any]:
    """Return what is known of every model that a project's files can name, by `module.Class`."""
    walk = _Walk()
    models: list[type[BaseModel]] = [*KINDS.values(), *PROVIDERS.values(), *_PROJECT]
    for model in models:
        walk.model(model)
    return dict(sorted(walk.models.items()))


def text() -> str:
    """Return the table as JSON, a model a line."""
    lines = (
        f"{orjson.dumps(key).decode()}: {orjson.dumps(said).decode()}"
        for key, said in table().items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def home(model: type[BaseModel]) -> str:
    """Return where a model is made, `module.Class` in this room."""
    return f"{model.__module__.rpartition('.')[2]}.{model.__name__}"


class _Walk:
    def __init__(self) -> None:
        self.models: dict[str, Any] = {}
        self._named: dict[str, Schema] = {}

    def model(self, model: type[BaseModel]) -> None:
        """Add a model, and those inside it."""
        if home(model) in self.models:
            return
        model.model_rebuild()
        said: dict[str, Any] = {
            "facts": {name: getattr(model, name) for name in sorted(model.__class_vars__)},
            "fields": list(model.model_fields),
        }
        self.models[home(model)] = said
        schema, rules = self._peeled(model.__pydantic_core_schema__)
        if rules is None or schema["type"] != "model" or not _is_usual(schema):
            return
        fields = self._resolved(schema["schema"])["fields"]
        defaults = {name: default for name in fields if (default := _default(fields[name]))}
        keys = {name: fields[name].get("validation_alias", name) for name in fields}
        forms = {
            keys[name]: [name, form]
            for name, field in fields.items()
            if (form := self._field(field)) is not None
        }
        needed = [keys[name] for name in fields if name not in defaults]
        if all(key in forms for key in needed) and list(fields) == said["fields"]:
            said |= {"forms": forms, "needed": needed, "defaults": defaults, "rules": rules}

    def _resolved(self, schema: Schema) -> Schema:
        while schema["type"] in {"definitions", "definition-ref"}:
            for one in schema.get("definitions", ()):
                self._named[one["ref"]] = one
            named = schema.get("schema_ref")
            schema = schema["schema"] if named is None else self._named[named]
        return schema

    def _peeled(self, schema: Schema) -> tuple[Schema, list[str] | None]:
        """Return a model's schema without its rules; None for them where one is not by name."""
        rules: list[str] = []
        schema = self._resolved(schema)
        while schema["type"] == "function-after":
            name = _function(schema)
            if name is None:
                return schema, None
            rules.insert(0, name)
            schema = self._resolved(schema["schema"])
        return schema, rules

    def _field(self, field: Schema) -> Form | None:
        schema = self._resolved(field["schema"])
        return self.form(schema["schema"] if schema["type"] == "default" else schema)

    def form(self, schema: Schema) -> Form | None:
        """Return what is taken plainly; None where that cannot be said."""
        schema = self._resolved(schema)
        inner, rules = self._peeled(schema)
        if inner["type"] == "model" and rules is not None:
            return self._of(inner["cls"], rules)
        known = {*_SILENT, *_KNOWN.get(schema["type"], ())}
        if not known.issuperset(schema) or schema["type"] not in _KNOWN:
            return None
        match schema["type"]:
            case "any":
                return ["any"]
            case "bool":
                return ["flag"]
            case "str":
                lengths = [schema.get("min_length", 0), schema.get("max_length")]
                return ["text", *lengths, schema.get("pattern")]
            case "int" | "float" as type_:
                bounds = [schema.get(bound) for bound in ("ge", "gt", "le", "lt")]
                return ["whole" if type_ == "int" else "number", *bounds]
            case "literal":
                expected = schema["expected"]
                return ["one", expected] if all(type(e) is str for e in expected) else None
            case "union":
                return self._either(schema["choices"])
            case "function-plain":
                name = _function(schema)
                return None if name is None else ["call", name, ["any"]]
            case _:
                return self._holding(schema)

    def _holding(self, schema: Schema) -> Form | None:
        """Return the form of what has one inside."""
        if schema["type"] == "dict":
            key, value = self.form(schema["keys_schema"]), self.form(schema["values_schema"])
            least = schema.get("min_length", 0)
            return None if key is None or value is None else ["map", key, value, least]
        inner = self.form(schema["items_schema" if schema["type"] == "list" else "schema"])
        if inner is None:
            return None
        if schema["type"] == "list":
            return ["list", inner, schema.get("min_length", 0), schema.get("max_length")]
        if schema["type"] == "nullable":
            return ["null", inner]
        name = _function(schema)
        return None if name is None else [_CALLS[schema["type"]], name, inner]

    def _either(self, choices: Iterable[Any]) -> Form | None:
        """Return a choice of forms, of which a value can have one only: each of its own type."""
        forms = [self.form(choice) for choice in choices if not isinstance(choice, tuple)]
        found = [form for form in forms if form is not None]
        sorts = [sort for form in found for sort in _SORTS.get(form[0], ("any", "any"))]
        whole = len(found) == len(forms) and len(set(sorts)) == len(sorts)
        return ["either", *found] if whole else None

    def _of(self, model: type[BaseModel], rules: list[str]) -> Form | None:
        self.model(model)
        own = self.models[home(model)].get("rules")
        if own is None or rules[: len(own)] != own:
            return None
        form: Form = ["of", home(model)]
        for name in rules[len(own) :]:
            form = ["after", name, form]
        return form


_CALLS = {"function-before": "call", "function-after": "after"}
_BOUNDS = ("ge", "gt", "le", "lt")
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "any": (),
    "bool": (),
    "str": ("min_length", "max_length", "pattern"),
    "int": _BOUNDS,
    "float": _BOUNDS,
    "literal": ("expected",),
    "union": ("choices",),
    "nullable": ("schema",),
    "list": ("items_schema", "min_length", "max_length"),
    "dict": ("keys_schema", "values_schema", "min_length"),
    "function-plain": ("function",),
    "function-before": ("function", "schema"),
    "function-after": ("function", "schema"),
}


def _is_usual(schema: Schema) -> bool:
    config = schema["config"]
    return (
        config.get("strict") is True
        and config.get("extra_fields_behavior") == "forbid"
        and config.get("allow_inf_nan") is False
        and not config.get("str_strip_whitespace")
        and not schema.get("post_init")
        and not schema.get("custom_init")
        and not schema.get("root_model")
    )


def _default(field: Schema) -> list[Any] | None:
    """Return what a field is when it is left out; None where it may not be."""
    schema = field["schema"]
    if schema["type"] != "default":
        return None
    value = schema["default_factory"]() if "default_factory" in schema else schema["default"]
    if isinstance(value, BaseModel):
        return None if value.model_fields_set else ["of", home(type(value))]
    plain = value is None or isinstance(value, str | int | float) or value in ([], {})
    return ["is", value] if plain else None


def _function(schema: Schema) -> str | None:
    """Return the name of a function; None for one that cannot be had without pydantic."""
    function = schema["function"]["function"]
    module = getattr(function, "__module__", "").rpartition(".")[2]
    name = getattr(function, "__qualname__", "")
    if schema["function"]["type"] != "no-info" or module not in ROOMS:
        return None
    there = getattr(sys.modules[function.__module__], name, None)
    return f"{module}.{name}" if there is function else None
