"""What every command shares: the project it is about, and the screen it prints on."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.screen import Screen
from tunectl.core.dataclass import dataclass

if TYPE_CHECKING:
    from tunectl.app.options import Options


@dataclass(slots=True)
class Session:
    """The global options as given so far, before and after the command's name.

    Attributes:
        machine: what stdout carries: text (empty), one JSON document (`json`) or JSON lines
            (`ndjson`).
        lock_timeout: seconds to wait for a held lock.
        parallelism: how many independent changes run at once.
    """

    root: Path = field(default_factory=Path)
    env: str = field(default_factory=lambda: os.environ.get("TUNECTL_ENV") or "default")
    variables: dict[str, str] = field(default_factory=dict)
    var_files: list[Path] = field(default_factory=list)
    color: bool = True
    machine: str = ""
    lock_timeout: float = 0.0
    parallelism: int = 10
    _screen: Screen | None = None
    _held: list[object] = field(default_factory=list)

    @property
    def screen(self) -> Screen:
        """The screen, made when first used: by then the options are known."""
        if self._screen is None:
            self._screen = Screen.on_process(self.root, color=self.color)
        return self._screen

    def options(self) -> Options:
        """Return what the app is told.

        Raises:
            click.UsageError: the project's folder does not exist.
        """
        from tunectl.app.options import Options

        if not self.root.is_dir():
            raise click.UsageError(f"`-C {self.root}`: there is no such folder")
        return Options(
            root=self.root,
            env=self.env,
            variables=dict(self.variables),
            var_files=tuple(self.var_files),
            lock_timeout=self.lock_timeout,
            parallelism=self.parallelism,
        )

    def hold(self, made: object) -> None:
        """Keep what a command made until the process ends, which takes it back as a whole.

        To free the objects of a large project one by one takes a tenth of its plan. It holds itself
        too, so that only the collector would free it, and at the end that passes it over.
        """
        self._held += (made, self._held)

    def advise(self, text: str) -> None:
        """Print advice to a person; dropped in automation and where a machine reads."""
        if not os.environ.get("TUNECTL_IN_AUTOMATION") and not self.machine:
            self.screen.say(text)


pass_session = click.make_pass_decorator(Session, ensure=True)
