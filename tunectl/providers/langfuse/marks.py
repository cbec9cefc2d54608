"""The mark of a version in its `config`, flat, so that a list can be narrowed to it.

Every version of one publication carries the operation that made the first: it is what tells our
versions of a prompt from those that others made of the same prompt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tunectl.core.ports import Mark
from tunectl.core.value import Address

OP = "tunectl-op"
CONTENT = "tunectl-sha256"
LABELS = "tunectl-labels"
_KEYS = ("tunectl-lineage", "tunectl-project", "tunectl-env", "tunectl-address")


def mark_config(mark: Mark, op: str) -> dict[str, str]:
    """Return a mark as pairs of `config`, under the operation that made the first version."""
    values = (mark.lineage, mark.project, mark.env, str(mark.address))
    return {**dict(zip(_KEYS, values, strict=True)), OP: op}


def op_of(config: object) -> str:
    """Return the operation of a version; empty where it is none of ours."""
    found = config.get(OP) if isinstance(config, Mapping) else None
    return found if isinstance(found, str) else ""


def mark_of(config: object) -> Mark | None:
    """Return the mark of a version; None where there is none, or too little of one."""
    if not isinstance(config, Mapping):
        return None
    values = [config.get(key) for key in (*_KEYS, OP)]
    if not all(isinstance(value, str) and value for value in values):
        return None
    lineage, project, env, address, op = map(str, values)
    try:
        return Mark(
            lineage=lineage, project=project, env=env, address=Address.parse(address), op=op
        )
    except ValueError:
        return None


def narrowed(op: str = "", name: str = "") -> dict[str, str]:
    """Return the parameters of a list that narrow it to versions of ours.

    Langfuse's API reference, `prompts.list`, `filter` (langfuse 5.0.4): a server that does not know
    it lists everything, so what comes back is looked at again.

    Args:
        op: of one operation; without it of any.
        name: of one prompt; without it of any.
    """
    known: dict[str, Any] = {"type": "stringObject", "column": "config", "key": OP}
    known |= {"operator": "=", "value": op} if op else {"operator": "is set", "value": ""}
    conditions = [known]
    if name:
        conditions.append({"type": "string", "column": "name", "operator": "=", "value": name})
    said = {"filter": json.dumps(conditions, ensure_ascii=False)}
    return {**said, "name": name} if name else said
