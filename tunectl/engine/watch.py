"""Looking at objects that are still being made. Reads only, so it needs no lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from typing import cast

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import (
    NotFoundError,
    ProviderError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.core.event import Event, Phase
from tunectl.core.ports import Connect, Events, Handler, JobEvent
from tunectl.core.resource import Instance, Need, Status
from tunectl.core.steps import Verb
from tunectl.core.value import Address, Plain

_FIRST, _LAST, _LIVELY, _SLOWER = 0.2, 5.0, 1.0, 1.5  # seconds, seconds, seconds, factor
_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class News:
    """What a look brought: a text, and numbers for a progress bar."""

    message: str
    detail: dict[str, Plain] = field(default_factory=dict)


class Following:
    """One pending object, looked at again and again.

    Attributes:
        instance: as it was seen last.
        pause: seconds until the next look; longer where little happens.
        gone: it does not exist any more.
    """

    def __init__(self, handler: Handler, instance: Instance) -> None:
        self.instance = instance
        self.pause = _FIRST
        self.gone = False
        self._handler = handler
        self._told = ""
        self._since: str | None = None
        # A validation loss is told seldom and holds until the next.
        self._known: dict[str, Plain] = {}

    @property
    def settled(self) -> bool:
        """Whether looking again is of no use."""
        return self.gone or self.instance.status is not Status.PENDING

    def look(self) -> News | None:
        """Look once; return what is new.

        Raises:
            ProviderError: it cannot be looked at, and trying again is of no use.
        """
        self.pause = min(self.pause * _SLOWER, _LAST)
        try:
            self.instance = self._handler.poll(self.instance)
        except (UnavailableError, UnknownOutcomeError, RateLimitError) as error:
            return News(f"waiting: {error}")
        metrics = self._metrics()
        for event in metrics:
            self._since, self.pause = event.id, min(self.pause, _LIVELY)
            self._known.update({k: item for k, item in event.data.items() if item is not None})
        if not metrics and self.instance.progress == self._told:
            return None
        self._told = self.instance.progress
        return News(self._told, dict(self._known))

    def _metrics(self) -> list[JobEvent]:
        """The metrics events that are new, where the handler can tell events."""
        if not hasattr(self._handler, "events"):
            return []
        try:
            found = cast("Events", self._handler).events(self.instance, self._since)
            return [e for e in found if e.data]
        except ProviderError:
            return []


class Watch:
    """Follows several pending objects, without a lock, for as long as a process lives.

    Attributes:
        began: when the wait for an address began, by the monotonic clock.
    """

    def __init__(self, connect: Connect, stop: threading.Event) -> None:
        self.began: dict[Address, float] = {}
        self._connect = connect
        self._stop = stop
        self._followed: dict[Need, Following] = {}
        self._due: dict[Need, float] = {}

    def elapsed(self, address: Address) -> float:
        """Return the seconds since the wait for an address began."""
        return time.monotonic() - self.began.setdefault(address, time.monotonic())

    def until_settled(self, pending: Sequence[Instance], linger: float) -> Iterator[Event]:
        """Yield progress until one of them is settled or gone, or a stop.

        Args:
            pending: what is waited for, as recorded.
            linger: seconds to look at the others still, once one is settled: those that end
                together are then dealt with together.

        Raises:
            ProviderError: one cannot be looked at, and trying again is of no use.
        """
        following = [self._follow(i) for i in pending]
        until: float | None = None
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            while not self._stop.is_set():
                now = time.monotonic()
                due = [f for f in following if not f.settled and self._due[f.instance.key] <= now]
                for one, news in zip(due, pool.map(_look, due), strict=True):
                    self._due[one.instance.key] = time.monotonic() + one.pause
                    if news is not None:
                        yield self._event(one.instance, news)
                if until is None and any(f.settled for f in following):
                    until = time.monotonic() + linger
                if all(f.settled for f in following) or (until and time.monotonic() >= until):
                    return
                self._stop.wait(self._pause(following, until))

    def runs(self, instance: Instance) -> bool:
        """Whether an object was still being made when it was last looked at."""
        return not self._follow(instance).settled

    def gone(self, instance: Instance) -> bool:
        """Whether an object did not exist any more when it was last looked at."""
        return self._follow(instance).gone

    def seen(self, instance: Instance) -> Instance:
        """Return an object as it was last seen."""
        return self._follow(instance).instance

    def forget(self, instance: Instance) -> None:
        """Look at an object anew the next time, whatever was seen of it."""
        self._followed.pop(instance.key, None)

    def _follow(self, instance: Instance) -> Following:
        found = self._followed.get(instance.key)
        if found is None:
            handler = self._connect(instance.provider).handlers[instance.address.kind]
            found = self._followed[instance.key] = Following(handler, instance)
            self._due[instance.key] = time.monotonic()
            self.elapsed(instance.address)
        return found

    def _pause(self, following: Sequence[Following], until: float | None) -> float:
        ends = [self._due[f.instance.key] for f in following if not f.settled]
        return max(0.01, min(ends if until is None else [*ends, until]) - time.monotonic())

    def _event(self, instance: Instance, news: News) -> Event:
        return Event(
            phase=Phase.PROGRESS,
            address=instance.address,
            verb=Verb.WAIT,
            id=instance.id,
            elapsed=self.elapsed(instance.address),
            message=news.message,
            detail=news.detail,
        )


def _look(following: Following) -> News | None:
    try:
        return following.look()
    except NotFoundError:
        following.gone = True
        return None
