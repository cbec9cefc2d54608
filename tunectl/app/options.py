"""What every command is told: which project, which environment, which variables."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from tunectl.core.dataclass import dataclass
from tunectl.core.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The common options.

    Attributes:
        root: the project's folder.
        variables: `--var name=value`, as text.
        var_files: `--var-file`, later ones win.
        lock_timeout: seconds to wait for a held lock.
        parallelism: how many independent changes run at once.
        stand_in: makes of what is declared the project that is worked on: a rehearsal's.
    """

    root: Path
    env: str = "default"
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[Path, ...] = ()
    lock_timeout: float = 0.0
    parallelism: int = 10
    stand_in: Callable[[Project], Project] | None = None

    @property
    def named(self) -> dict[str, str]:
        """The variables by their names as files spell them: composed (NFC)."""
        return {unicodedata.normalize("NFC", k): v for k, v in self.variables.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What kind of plan is wanted: as it was typed, so that a saved plan can be made again.

    Attributes:
        destroy: plan the end of everything.
        replace: resources to make anew.
        renew: resources whose time to live begins anew.
        target: only these and what they need; addresses, or patterns such as `tuning_job.*`.
        exclude: all but these and what needs them.
        refresh: ask the providers what is there.
        refresh_only: change nothing but the record.
        force: go on although an unusual share of the resources would be deleted or replaced.
        allow_irreplaceable: resources that may be deleted although they cannot be made again.
    """

    destroy: bool = False
    replace: tuple[str, ...] = ()
    renew: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    refresh: bool = True
    refresh_only: bool = False
    force: bool = False
    allow_irreplaceable: tuple[str, ...] = ()
