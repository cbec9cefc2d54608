"""The JSON Schemas of everything tunectl reads and prints."""

from __future__ import annotations

from typing import Any

from tunectl.config.schema import yaml_schema
from tunectl.stores.stateschema import schema as state_schema
from tunectl.views import json_events, plan_document

NAMES = ("config", "plan", "state", "events")


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12).

    Args:
        name: `config` (the YAML), `plan` (`--format json`), `state` (the state document) or
            `events` (one line of `--json`).
    """
    match name:
        case "config":
            return yaml_schema()
        case "plan":
            return plan_document.schema()
        case "state":
            return state_schema()
        case "events":
            return json_events.schema()
        case _:
            raise KeyError(name)
