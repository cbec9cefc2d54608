"""The JSON Schema of the state document, for tools that read it."""

from __future__ import annotations

from tunectl.core.valuetree import Tree
from tunectl.stores.statefile import FORMAT

_TEXT: Tree = {"type": "string"}
_TABLE: Tree = {"type": "object"}
_FLAG: Tree = {"type": "boolean"}
_COUNT: Tree = {"type": "integer", "minimum": 0}


def schema() -> Tree:
    """Return the schema (draft 2020-12). Readers ignore keys they do not know."""
    instances = {"type": "array", "items": _instance()}
    account = _object({"type": _TEXT, "account": _TEXT, "settings": _TABLE}, "type", "account")
    document = _object(
        {
            "format": {"const": FORMAT},
            "tool_version": _TEXT,
            "lineage": _TEXT,
            "serial": _COUNT,
            "project": _TEXT,
            "env": _TEXT,
            "providers": {"type": "object", "additionalProperties": account},
            "instances": instances,
            "superseded": instances,
            "intents": {"type": "array", "items": _intent()},
            "outputs": _TABLE,
            "lapsed": {
                "type": "array",
                "items": _object(
                    dict.fromkeys(("address", "declared", "ended"), _TEXT), "address", "declared"
                ),
            },
            "forgotten": {
                "type": "array",
                "items": _object(dict.fromkeys(("account", "id", "op"), _TEXT), "account", "id"),
            },
            "approvals": {"type": "array", "items": _approval()},
            "checksum": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        },
        *("format", "lineage", "serial", "project", "env", "instances", "superseded", "checksum"),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tunectl state",
        **document,
    }


def _instance() -> Tree:
    always = ("address", "provider", "account", "id")
    sometimes = ("fingerprint", "progress", "reason", "op", "created_at", "parent")
    times = ("renewed_at", "deadline")
    need = _need()
    lifecycle = {
        "protect": _FLAG,
        "ignore_changes": {"type": "array", "items": _TEXT},
        "keep_on_destroy": _FLAG,
        "keep_previous": _COUNT,
    }
    return _object(
        {
            **dict.fromkeys((*always, *sometimes, *times), _TEXT),
            "status": {"enum": ["pending", "ready", "failed", "cancelled"]},
            "spec": _TABLE,
            "outputs": _TABLE,
            "needs": {"type": "array", "items": need},
            "recreate": {"enum": ["freely", "on_demand", "on_request"]},
            "lifecycle": _object(lifecycle, *lifecycle),
            "labels": {"type": "object", "additionalProperties": _TEXT},
        },
        *(*always, "status", "spec", "outputs"),
    )


def _intent() -> Tree:
    return _object(
        {
            **dict.fromkeys(("op", "address", "provider", "id", "time"), _TEXT),
            "action": {"enum": ["create", "update", "delete"]},
            "fingerprint": {"type": ["string", "null"]},
        },
        *("op", "action", "address", "provider"),
    )


def _need() -> Tree:
    return _object({"address": _TEXT, "id": _TEXT, "account": _TEXT}, "address", "id")


def _approval() -> Tree:
    needs = {"type": "array", "items": _need()}
    texts = {"type": "object", "additionalProperties": _TEXT}
    names = {"type": "array", "items": _TEXT}
    required = ("id", "digest", "who", "wanted", "left")
    return _object(
        {
            **dict.fromkeys(("id", "digest", "who", "time"), _TEXT),
            **dict.fromkeys(("info", "variables", "wanted", "outputs"), texts),
            **dict.fromkeys(("var_files", "begun"), names),
            **dict.fromkeys(("doomed", "anew"), needs),
            "aim": _TABLE,
            "left": {"type": "object", "additionalProperties": names},
            "parked": _FLAG,
        },
        *required,
    )


def _object(properties: Tree, *required: str) -> Tree:
    return {"type": "object", "properties": properties, "required": list(required)}
