"""What the end of a memory leaves behind: users' data, which no plan deletes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunectl.core.plan import Change
from tunectl.core.project import Project
from tunectl.providers.builtin.memory import what_stays

KIND = "memory"


def with_what_stays(project: Project, change: Change) -> Change:
    """Return a change of a memory with where users' data stays when it ends, and what erases it."""
    if change.address.kind != KIND or change.doomed is None:
        return change
    said = what_stays(Path(project.root), change.doomed)
    return replace(change, notes=(*change.notes, said)) if said else change
