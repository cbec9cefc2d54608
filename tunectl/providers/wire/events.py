"""Events of a job. The wire lists them newest first, in pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from tunectl.core.ports import JobEvent
from tunectl.providers.wire.client import Wire, each, fields
from tunectl.providers.wire.job import SAFETY, event_of

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
    """Return why a job failed, as its newest events tell; empty when none does.

    An error tells it; the outcome of the safety checks, which block a model after its training,
    comes next, then a warning.
    """
    raw = _newest_raw(wire, job_id)
    for key, value in (("level", "error"), ("type", SAFETY), ("level", "warn")):
        for event in raw:
            if event.get(key) == value and (message := event_of(event).message):
                return message
    return ""


def _newest(wire: Wire, job_id: str) -> list[JobEvent]:
    return [event_of(event) for event in reversed(_newest_raw(wire, job_id))]


def _newest_raw(wire: Wire, job_id: str) -> list[dict[str, Any]]:
    """Return the newest events as they came, newest first."""
    return wire.ask(
        f"list the events of `{job_id}`",
        lambda c: [
            fields(item)
            for item in islice(
                each(lambda: c.fine_tuning.jobs.list_events(job_id, limit=_NEWEST)), _NEWEST
            )
        ],
    )
