"""Aliases: stable names for models, replaced in one step and read again by every request.

A foreign alias is never taken over: where the one there carries another `tunectl-lineage`, or
none while ours has one, the change is refused.
"""

from __future__ import annotations

import re
import time
from typing import Any

from tunectl.server.folder import Root, locked, read_json, write_json
from tunectl.server.wire import ApiError

LINEAGE = "tunectl-lineage"
_NAME = re.compile(r"[\w][\w .\-\[\]\"'/@+]{0,199}")


def get_alias(root: Root, name: str) -> dict[str, Any] | None:
    """Return the alias `name`, or None."""
    return read_json(root.alias_file(name))


def all_aliases(root: Root) -> list[dict[str, Any]]:
    """Return all aliases by name."""
    found = (read_json(path) for path in root.aliases.glob("*.json"))
    return sorted((alias for alias in found if alias is not None), key=lambda a: str(a["name"]))


def put_alias(root: Root, name: str, model: str, metadata: dict[str, str] | None) -> dict[str, Any]:
    """Make `name` stand for `model`; the caller has checked that the model exists.

    Raises:
        ApiError: 400 for a name that cannot be one, 409 where another lineage holds the name.
    """
    if not _NAME.fullmatch(name) or name.startswith("ft:"):
        raise ApiError(
            400,
            f"Invalid alias name '{name[:80]}': letters, digits and . _ - / [ ] \" ' @ + are "
            "allowed, at most 200 of them, beginning with a letter or digit.",
            "name",
        )
    with locked(root.aliases / ".lock"):
        before = get_alias(root, name)
        held = ((before or {}).get("metadata") or {}).get(LINEAGE)
        if before is not None and held != (metadata or {}).get(LINEAGE):
            raise ApiError(
                409,
                f"Alias '{name}' belongs to another lineage"
                + (f" ('{held}')." if held else ": it was made without one."),
                "name",
                code="alias_conflict",
            )
        now = int(time.time())
        alias = {
            "name": name,
            "model": model,
            "metadata": metadata or {},
            "created_at": (before or {}).get("created_at", now),
            "updated_at": now,
        }
        write_json(root.alias_file(name), alias)
    return alias


def delete_alias(root: Root, name: str) -> None:
    """Delete an alias; raises `ApiError` (404) when there is none."""
    with locked(root.aliases / ".lock"):
        if get_alias(root, name) is None:
            raise ApiError(404, f"No such alias: {name}", "name")
        root.alias_file(name).unlink()
