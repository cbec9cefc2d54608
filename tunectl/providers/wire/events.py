"""Events of a job. The wire lists them newest first, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from tunectl.core.ports import JobEvent
from tunectl.providers.wire.client import Wire, each, fields
from tunectl.providers.wire.job import event_of

if TYPE_CHECKING:
    from openai import OpenAI

_NEWEST = 20
_PAGE = 100


def job_events(wire: Wire, job_id: str, since: str | None) -> Iterable[JobEvent]:
    """Return all events of a job in order, or those after the id `since`.

    No more pages are read than it takes to reach `since`.
    """

    def read(client: OpenAI) -> list[JobEvent]:
        events: list[JobEvent] = []
        jobs = client.fine_tuning.jobs
        for item in each(lambda: jobs.list_events(job_id, limit=_PAGE)):
            event = event_of(fields(item))
            if event.id == since:
                break
            events.append(event)
        return events

    return reversed(wire.ask(f"list the events of `{job_id}`", read))


def newest_events(wire: Wire, job: Mapping[str, Any]) -> list[JobEvent]:
    """Return events that tell how far a running job is, oldest first.

    A job of our own server carries its last step itself; then nothing is asked.
    """
    own = job.get("tunectl")
    if isinstance(own, Mapping) and own.get("step"):
        known = {key: value for key, value in own.items() if value is not None}
        return [JobEvent(id="", at=0, level="info", message="", data=known)]
    return _newest(wire, str(job["id"]))


def first_error(wire: Wire, job_id: str) -> str:
    """Return the newest event of level `error`, else `warn`; empty when there is none."""
    events = _newest(wire, job_id)
    for level in ("error", "warn"):
        for event in reversed(events):
            if event.level == level and event.message:
                return event.message
    return ""


def _newest(wire: Wire, job_id: str) -> list[JobEvent]:
    found = wire.ask(
        f"list the events of `{job_id}`",
        lambda c: [
            event_of(fields(item))
            for item in islice(
                each(lambda: c.fine_tuning.jobs.list_events(job_id, limit=_NEWEST)), _NEWEST
            )
        ],
    )
    return found[::-1]
