"""Base models that lie on this machine: their own vocabulary counts tokens exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tunectl.data.targets import Target
from tunectl.providers.local.root import root_folder

_LOCAL = "local"


def located(targets: Iterable[Target], project: Path) -> tuple[Target, ...]:
    """Return the targets with the folder of each base model that was pulled to this machine.

    Args:
        targets: for whom rows are counted.
        project: the folder from which the root of the local server counts.
    """
    found = tuple(targets)
    if not any(target.provider == _LOCAL and target.model for target in found):
        return found
    try:
        from tunectl.server.bases import list_bases  # needs the extra `local`
    except ModuleNotFoundError:
        return found
    folders = {base.name: base.path for base in list_bases(root_folder(None, project, "lora"))}
    return tuple(
        replace(target, vocabulary=str(folders[target.model]))
        if target.provider == _LOCAL and target.model in folders
        else target
        for target in found
    )
