"""Live progress on a terminal: a bar for each running job, below the lines of what is done."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console  # noqa: TID253  # this module is imported only to draw
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn  # noqa: TID253
from rich.text import Text  # noqa: TID253

from tunectl.cli.screen import Screen
from tunectl.core.event import Event, Phase
from tunectl.core.value import Address, Plain
from tunectl.views.progress import event_line, progress_text
from tunectl.views.text import cut, scrub

_NAME_COLUMNS = 40


class Live:
    """Bars by rich; leaves only the finished lines behind."""

    def __init__(self, screen: Screen, console: Console | None = None) -> None:
        self._screen = screen
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[said]}", markup=False),
            console=console or Console(file=screen.out, highlight=False),
            transient=True,
        )
        self._tasks: dict[Address, TaskID] = {}

    def __enter__(self) -> Self:
        """Draw nothing yet: the question before an apply still needs the terminal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Take the bars away."""
        self._progress.stop()

    def event(self, event: Event) -> None:
        """Move a bar, or print a line above the bars."""
        if event.phase is Phase.PROGRESS:
            self._screen.let_out()
            self._move(scrub(event))
            return
        if self._tasks:
            self._screen.let_out()
        if event.phase is not Phase.START and event.address in self._tasks:
            self._progress.remove_task(self._tasks.pop(event.address))
            self._progress.refresh()
        if not self._tasks:
            self._progress.stop()
        if line := event_line(event, self._screen.out_paint):
            self._print(line)

    def _print(self, line: str) -> None:
        if not self._tasks:
            self._screen.say(line)
            return
        text = Text.from_ansi(self._screen.redact(line))
        self._progress.console.print(text, soft_wrap=True)

    def _move(self, event: Event) -> None:
        self._progress.start()
        said = self._screen.redact(progress_text(event))
        if event.address not in self._tasks:
            name = cut(str(event.address), _NAME_COLUMNS)
            self._tasks[event.address] = self._progress.add_task(name, total=None, said="")
        step, total = _number(event.detail, "step"), _number(event.detail, "total_steps")
        self._progress.update(self._tasks[event.address], completed=step, total=total, said=said)


def _number(detail: Mapping[str, Plain], key: str) -> float | None:
    value = detail.get(key)
    return float(value) if isinstance(value, int | float) else None
