"""Showing an apply while it runs: lines, JSON lines, or live bars on a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from tunectl.cli.screen import Screen
from tunectl.cli.session import Session
from tunectl.core.event import Event, Phase
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.views.progress import event_line
from tunectl.views.text import json_text

PLAIN_INTERVAL = 10.0  # seconds between two progress lines of one object
JSON_INTERVAL = 1.0


class Presenter(AbstractContextManager["Presenter"], Protocol):
    """Shows events as they come."""

    def event(self, event: Event) -> None:
        """Show one event."""
        ...


class Throttle:
    """Lets the first progress event of an object through, then one in each interval."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._shown: dict[Address, float] = {}

    def __call__(self, event: Event) -> bool:
        """Whether to show the event. Time is the event's own `elapsed`, in seconds."""
        if event.phase is not Phase.PROGRESS:
            self._shown.pop(event.address, None)
            return True
        last = self._shown.get(event.address)
        if last is not None and 0 <= event.elapsed - last < self._interval:
            return False
        self._shown[event.address] = event.elapsed
        return True


class Lines:
    """A line for each event: for logs, pipes and CI."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._due = Throttle(PLAIN_INTERVAL)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Nothing to close."""

    def event(self, event: Event) -> None:
        """Print the event's line."""
        line = event_line(event, self._screen.out_paint)
        if line and self._due(event):
            self._screen.say(line)


class JsonLines(Lines):
    """A JSON object for each event."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._due = Throttle(JSON_INTERVAL)

    def event(self, event: Event) -> None:
        """Print the event's object; an object that was not begun is told of once."""
        from tunectl.views.json_events import event_tree  # with the shapes of all events

        twice = event.phase is Phase.SKIPPED and event.verb is Verb.WAIT
        if self._due(event) and not twice:
            self._screen.say(json_text(event_tree(event, now())))


def now() -> str:
    """Return the time as ISO 8601, UTC."""
    return datetime.now(UTC).isoformat()


def presenter(session: Session) -> Presenter:
    """Choose how to show: JSON where a machine reads, bars where a person watches."""
    screen = session.screen
    if session.machine:
        return JsonLines(screen)
    if screen.is_terminal and screen.out_paint.color:
        from tunectl.cli.live import Live

        return Live(screen)
    return Lines(screen)
