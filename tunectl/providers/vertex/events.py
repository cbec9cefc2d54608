"""What happened in a job, told from its own times and statistics: the service keeps no log of it.

Loss curves are in a TensorBoard experiment that the job names; they are not read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tunectl.core.ports import JobEvent
from tunectl.core.resource import Status
from tunectl.providers.vertex.job import (
    checkpoints_of,
    endpoint_of,
    model_of,
    progress_of,
    reason_of,
    status_of,
)
from tunectl.providers.vertex.open_job import is_open, weights_of

_SHOWN = 5


def events_of(job: Mapping[str, Any], since: str | None) -> Iterator[JobEvent]:
    """Yield what a job tells, in order; the ids stay the same from one look to the next.

    Args:
        job: as it came over the wire.
        since: the id of the last event that is known.
    """
    known = since is not None
    for event in _all(job):
        if not known:
            yield event
        elif event.id == since:
            known = False


def _all(job: Mapping[str, Any]) -> Iterator[JobEvent]:
    yield _event("1-created", job.get("createTime"), "the job was created")
    if job.get("startTime"):
        yield _event("2-started", job["startTime"], "the job began to run")
    if status_of(job) is Status.PENDING:
        state = str(job.get("tuningJobState") or job.get("state") or "")
        yield _event(f"3-{state}", job.get("updateTime"), progress_of(job))
        return
    ended = job.get("endTime") or job.get("updateTime")
    for number, (level, words) in enumerate(_statistics(job)):
        yield _event(f"4-statistics-{number}", ended, words, level)
    for key, point in checkpoints_of(job).items():
        words = f"checkpoint {key}: epoch {point.get('epoch', '?')}, step {point.get('step', '?')}"
        yield _event(f"5-checkpoint-{key}", ended, words)
    match status_of(job):
        case Status.READY:
            words = f"made `{model_of(job)}`, which answers at `{endpoint_of(job)}`"
            if is_open(job):
                words = f"left the weights in `{weights_of(job)}`; nothing is deployed by itself"
            yield _event("6-ended", ended, words)
        case Status.FAILED:
            yield _event("6-ended", ended, reason_of(job) or "the job failed", "error")
        case _:
            yield _event("6-ended", ended, "the job was cancelled", "warn")


def _statistics(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tell what was trained on, and what was cut or left out of it.

    The names differ between supervised and preference tuning (google-genai 2.34, 2026-11).
    """
    stats = job.get("tuningDataStats") or {}
    told = next((v for v in stats.values() if isinstance(v, Mapping)), {})
    rows, tokens = told.get("tuningDatasetExampleCount"), told.get("totalBillableTokenCount")
    if rows or tokens:
        yield "info", f"trained on {rows or '?'} rows, {tokens or '?'} billable tokens"
    cut = told.get("totalTruncatedExampleCount")
    if cut and str(cut) != "0":
        yield "warn", f"{cut} rows were too long and were cut"
    dropped = told.get("droppedExampleReasons") or ()
    indices = told.get("droppedExampleIndices") or ()
    if dropped or indices:
        why = "; ".join(dict.fromkeys(str(one) for one in dropped[:_SHOWN]))
        yield "warn", f"{len(dropped) or len(indices)} rows were left out" + (why and f": {why}")


def _event(id_: str, at: object, message: str, level: str = "info") -> JobEvent:
    try:
        moment = datetime.fromisoformat(str(at)).timestamp()
    except ValueError:
        moment = 0.0
    return JobEvent(id=id_, at=moment, level=level, message=message)
