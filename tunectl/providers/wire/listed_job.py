"""A tuning job as a list shows it: one answer for all jobs, and no further question about any."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tunectl.core.ports import Found
from tunectl.core.resource import Instance, Need, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.wire.client import Wire
from tunectl.providers.wire.job import model_of, reason_of, status_of
from tunectl.providers.wire.listing import moment
from tunectl.providers.wire.naming import OP, mark_of

# What a job names as its source, and the kind of object that is.
_SOURCES = (
    ("training_file", Address.of("upload", "training_file")),
    ("validation_file", Address.of("upload", "validation_file")),
    ("model", Address.of("model", "base_model")),
)


def as_listed(job: Mapping[str, Any], wire: Wire, account: str, models: Collection[str]) -> Found:
    """Return what the list says of a job.

    Args:
        job: as it came over the wire.
        wire: of the account.
        account: the account's identity.
        models: every model there is, where the service tells.
    """
    mark, metadata = mark_of(job.get("metadata")), job.get("metadata")
    op = metadata.get(OP) if isinstance(metadata, Mapping) else None
    job_id, model = str(job["id"]), model_of(job)
    status, reason = status_of(job, wire.profile), reason_of(job)
    outputs: dict[str, Plain] = {"job_id": job_id}
    if status is Status.READY and wire.profile.model_from_job:
        gone = wire.profile.lists_tuned_models and model not in models
        if model is None or gone:
            status, reason = Status.FAILED, f"its model {_called(model)} does not exist"
        else:
            outputs["model_id"] = model
    return Found(
        instance=Instance(
            address=mark.address if mark else Address.of("tuning_job", job_id),
            provider=wire.provider,
            account=account,
            id=job_id,
            spec={},
            outputs=outputs,
            status=status,
            needs=tuple(_sources(job)),
            reason=reason if status is not Status.READY else "",
            op=str(op or ""),
        ),
        mark=mark,
        created_at=moment(job.get("created_at")),
    )


def _called(model: str | None) -> str:
    return f"`{model}`" if model else "was never named and"


def _sources(job: Mapping[str, Any]) -> Iterable[Need]:
    for key, address in _SOURCES:
        if isinstance(job.get(key), str) and job[key]:
            yield Need(address, job[key])
