"""What a job that is over leaves to look at: losses by step, and checkpoints.

The result file is a table with a line for each step, served plainly or base64-encoded (reports of
users, 2024 to 2026; columns `step, train_loss, train_accuracy, valid_loss,
valid_mean_token_accuracy`). Of other columns nothing is said.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunectl.core.errors import InvalidRequestError, NotFoundError
from tunectl.core.ports import JobEvent
from tunectl.core.value import Plain
from tunectl.providers.wire.client import Wire, fields
from tunectl.providers.wire.job import model_of

_STEP = "step"
_NUMBERS = (
    "train_loss",
    "train_accuracy",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)
_LARGEST = 32 * 1024 * 1024


def job_results(
    wire: Wire, job: Mapping[str, Any], points: Sequence[Mapping[str, Any]]
) -> Iterator[JobEvent]:
    """Yield an event for each step that the result files tell of, then one for each checkpoint.

    Args:
        wire: the account.
        job: as it came over the wire.
        points: its checkpoints, in any order.
    """
    at = float(job.get("finished_at") or job.get("created_at") or 0)
    for file_id in job.get("result_files") or ():
        yield from _of_file(wire, str(file_id), at)
    for point in sorted(points, key=lambda one: one.get("step_number") or 0):
        yield _of_checkpoint(point, model_of(job))


def _of_file(wire: Wire, file_id: str, at: float) -> Iterator[JobEvent]:
    try:
        content = _content(wire, file_id)
    except (NotFoundError, InvalidRequestError):
        return  # it has expired, or is not given out; what the events told is all there is
    rows = steps_of(content) if content is not None else None
    if rows is None:
        message = f"the result file `{file_id}` is no table of steps"
        yield JobEvent(id=file_id, at=at, level="warn", message=message)
        return
    for row in rows:
        yield JobEvent(id=f"{file_id}:{row[_STEP]}", at=at, level="info", message="", data=row)


def _content(wire: Wire, file_id: str) -> bytes | None:
    """Return a result file; None where it is too large to be a table of steps."""
    doing = f"fetch the result file `{file_id}`"
    file = wire.ask(doing, lambda c: fields(c.files.retrieve(file_id), "id"))
    size = file.get("bytes")
    if isinstance(size, int) and size > _LARGEST:
        return None
    return wire.ask(doing, lambda c: c.files.content(file_id).read(), large=True)


def steps_of(content: bytes) -> list[dict[str, Plain]] | None:
    r"""Return the steps of a result file, plain or base64; None where it is no such table.

    >>> steps_of(b"step,train_loss,valid_loss\n1,2.5,\n")
    [{'step': 1, 'train_loss': 2.5}]
    """
    for text in (content, _decoded(content)):
        rows = _table(text) if text is not None else None
        if rows is not None:
            return rows
    return None


def _decoded(content: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _table(content: bytes) -> list[dict[str, Plain]] | None:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        names, lines = reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error):
        return None
    if _STEP not in names:
        return None
    return [row for line in lines if (row := _step(line)) is not None]


def _step(line: Mapping[str, str | None]) -> dict[str, Plain] | None:
    step = _number(line.get(_STEP))
    if step is None:
        return None
    told = {name: _number(line.get(name)) for name in _NUMBERS}
    return {_STEP: int(step), **{name: value for name, value in told.items() if value is not None}}


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _of_checkpoint(point: Mapping[str, Any], model: str | None) -> JobEvent:
    name = point.get("fine_tuned_model_checkpoint")
    told = name if isinstance(name, str) and name else str(point["id"])
    last = " (the model itself)" if model is not None and told == model else ""
    metrics = point.get("metrics")
    metrics = metrics if isinstance(metrics, Mapping) else {}
    data: dict[str, Plain] = {_STEP: point.get("step_number")}
    for key in _NUMBERS:
        value = metrics.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            data[key] = value
    return JobEvent(
        id=str(point["id"]),
        at=float(point.get("created_at") or 0),
        level="info",
        message=f"checkpoint `{told}`{last}",
        data={key: value for key, value in data.items() if value is not None},
    )
