"""What happened inside a job: its phases, and the losses that it wrote when it was over."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tunectl.core.errors import NotFoundError
from tunectl.core.ports import JobEvent
from tunectl.core.value import Plain
from tunectl.providers.bedrock.client import S3, Cloud
from tunectl.providers.bedrock.job import phases
from tunectl.providers.bedrock.places import Place

_LEVELS = {"Failed": "error", "Stopped": "warn"}
# User guide, model-customization-analyze (2026-11): what is written below the output folder.
_TABLES = (
    ("training_artifacts/step_wise_training_metrics.csv", "training_loss", "train_loss"),
    (
        "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv",
        "validation_loss",
        "valid_loss",
    ),
)


def job_events(cloud: Cloud, job: Mapping[str, Any]) -> Iterator[JobEvent]:
    """Yield the events of a job in order; one that is told again has the same id.

    Args:
        cloud: the account.
        job: as GetModelCustomizationJob tells it.
    """
    for name, words, status, at in phases(job):
        yield JobEvent(
            id=f"{name}/{status}",
            at=at.timestamp(),
            level=_LEVELS.get(status, "info"),
            message=f"{words}: {status}",
        )
    ended = job.get("endTime")
    if not isinstance(ended, datetime):
        return
    if job.get("status") == "Completed":
        yield from _losses(cloud, job, ended.timestamp())
    words = str(job.get("failureMessage") or f"the job ended: {job.get('status')}")
    level = _LEVELS.get(str(job.get("status")), "info")
    yield JobEvent(id="end", at=ended.timestamp(), level=level, message=words)


def _losses(cloud: Cloud, job: Mapping[str, Any], at: float) -> Iterator[JobEvent]:
    folder = Place.parse(str((job.get("outputDataConfig") or {}).get("s3Uri") or ""))
    number = str(job["jobArn"]).rpartition("/")[2]
    for path, column, name in _TABLES if folder else ():
        assert folder is not None
        place = folder.below(f"model-customization-job-{number}/{path}")
        for row in _rows(cloud, place):
            step, loss = _number(row.get("step_number")), _number(row.get(column))
            if step is None or loss is None:
                continue
            data: dict[str, Plain] = {"step": int(step), name: loss}
            message = f"step {int(step)}: {column.replace('_', ' ')} {loss:.4g}"
            yield JobEvent(
                id=f"{name}/{int(step)}", at=at, level="info", message=message, data=data
            )


def _rows(cloud: Cloud, place: Place) -> list[dict[str, str]]:
    """Return the rows of a table, none where there is no table."""
    try:
        content = cloud.ask(
            S3,
            f"read `{place}`",
            lambda c: c.get_object(Bucket=place.bucket, Key=place.key)["Body"].read(),
        )
    except NotFoundError:
        return []
    return list(csv.DictReader(io.StringIO(content.decode("utf-8", "replace"))))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
