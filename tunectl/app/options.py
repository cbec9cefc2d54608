"""What every command is told: which project, which environment, which variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The common options.

    Attributes:
        root: the project's folder.
        variables: `--var name=value`, as text.
        var_files: `--var-file`, later ones win.
        lock_timeout: seconds to wait for a held lock.
        parallelism: how many independent changes run at once.
    """

    root: Path
    env: str = "default"
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[Path, ...] = ()
    lock_timeout: float = 0.0
    parallelism: int = 10
