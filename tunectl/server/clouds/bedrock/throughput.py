"""Provisioned throughput: model units by the hour, which a commitment makes cheaper and fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import tunectl.server.clouds.bedrock.foundation as foundation
from tunectl.server.clouds.bedrock.custom_models import CustomModel
from tunectl.server.clouds.bedrock.refused import Refused, invalid
from tunectl.server.clouds.bedrock.shelf import (
    Shelf,
    body_of,
    iso,
    matched,
    named,
    needed,
    page,
    tags_of,
)
from tunectl.server.clouds.wire import Asked

_NAME = re.compile(r"([0-9a-zA-Z][_-]?)+")  # botocore 1.44.5, ProvisionedModelName
_TERMS = {"OneMonth": timedelta(days=30), "SixMonths": timedelta(days=180)}
_OPERATION = "CreateProvisionedModelThroughput"


@dataclass
class Throughput:
    """One purchase.

    Attributes:
        model: the ARN of what answers.
        wanted: the same, or of what will answer when the update is over.
        base: the id of the model that both were tuned from, or are.
        until: when the state that is under way ends.
        expires: when the commitment ends.
    """

    arn: str
    name: str
    model: str
    wanted: str
    base: str
    units: int
    created: datetime
    changed: datetime
    until: datetime
    term: str = ""
    expires: datetime | None = None
    status: str = "Creating"


def create(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer CreateProvisionedModelThroughput.

    Raises:
        Refused: a rule is broken, the name is taken, or the account may buy no commitment.
    """
    body = body_of(asked)
    before = shelf.again(_OPERATION, body)
    if before is not None:
        return {"provisionedModelArn": before}
    needed(body, "modelUnits", "provisionedModelName", "modelId")
    name = matched("provisionedModelName", body["provisionedModelName"], _NAME, 63)
    tags, units = tags_of(body, "tags"), body["modelUnits"]
    if not isinstance(units, int) or units < 1:
        raise invalid("Value at 'modelUnits' must be greater than or equal to 1")
    arn, base = _served(shelf, body["modelId"])
    if foundation.is_legacy(base):
        raise invalid("Provisioned Throughput is not available for models in the Legacy state.")
    if any(one.name == name for one in shelf.throughputs.values()):
        raise invalid(f"A provisioned model named {name} exists already.")
    term, now = str(body.get("commitmentDuration") or ""), shelf.now()
    _may_commit(shelf, term, units)
    made = Throughput(
        arn=shelf.arn(f"provisioned-model/{shelf.new_id()}"),
        name=name,
        model=arn,
        wanted=arn,
        base=base,
        units=units,
        created=now,
        changed=now,
        until=_later(shelf),
        term=term,
        expires=now + _TERMS[term] if term else None,
    )
    shelf.throughputs[made.arn] = made
    shelf.tag(made.arn, tags)
    shelf.remember(_OPERATION, body, made.arn)
    return {"provisionedModelArn": made.arn}


def _may_commit(shelf: Shelf, term: str, units: int) -> None:
    if term and term not in _TERMS:
        raise invalid("Value at 'commitmentDuration' must satisfy enum value set: OneMonth, ...")
    used = sum(one.units for one in shelf.throughputs.values() if one.term)
    if term and used + units > shelf.committed_units:
        raise Refused(
            "ServiceQuotaExceededException",
            f"The account may use {shelf.committed_units} model units with a commitment.",
        )


def _served(shelf: Shelf, identifier: str) -> tuple[str, str]:
    """Return the ARN of a model and the id of the base that it was tuned from, or is."""
    if ":custom-model/" in identifier or identifier in {m.name for m in shelf.models.values()}:
        model: CustomModel = named("the custom model", shelf.models, identifier)
        return model.arn, model.base
    base, _ = foundation.base(shelf, identifier)
    return foundation.arn(shelf, base), base


def _later(shelf: Shelf) -> datetime:
    return shelf.now() + timedelta(seconds=shelf.world.operation_seconds)


def get(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer GetProvisionedModelThroughput.

    Raises:
        Refused: there is none.
    """
    return _shown(shelf, named("the provisioned model", shelf.throughputs, identifier))


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListProvisionedModelThroughputs."""
    found = list(shelf.throughputs.values())
    if status := asked.param("statusEquals"):
        found = [one for one in found if one.status == status]
    if model := asked.param("modelArnEquals"):
        found = [one for one in found if one.model == model]
    return page(asked, "provisionedModelSummaries", found, lambda one: _shown(shelf, one))


def _shown(shelf: Shelf, one: Throughput) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "provisionedModelName": one.name,
        "provisionedModelArn": one.arn,
        "modelArn": one.model,
        "desiredModelArn": one.wanted,
        "foundationModelArn": foundation.arn(shelf, one.base),
        "modelUnits": one.units,
        "desiredModelUnits": one.units,
        "status": one.status,
        "creationTime": iso(one.created),
        "lastModifiedTime": iso(one.changed),
    }
    if one.expires:
        shown["commitmentDuration"] = one.term
        shown["commitmentExpirationTime"] = iso(one.expires)
    return shown


def update(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer UpdateProvisionedModelThroughput: another name or model, never other units.

    Raises:
        Refused: there is none, it is moving already, or the model has another base.
    """
    body = body_of(asked)
    one: Throughput = named("the provisioned model", shelf.throughputs, identifier)
    if one.status != "InService":
        raise invalid(f"The provisioned model {one.arn} is in the {one.status} state.")
    if name := body.get("desiredProvisionedModelName"):
        one.name = matched("desiredProvisionedModelName", name, _NAME, 63)
    if wanted := body.get("desiredModelId"):
        arn, base = _served(shelf, wanted)
        if base != one.base:
            raise invalid("The desired model must have the same base model as the current model.")
        one.wanted, one.status, one.until = arn, "Updating", _later(shelf)
    one.changed = shelf.now()
    return {}


def delete(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer DeleteProvisionedModelThroughput.

    Raises:
        Refused: there is none, it is changing, or its commitment has not ended.
    """
    one: Throughput = named("the provisioned model", shelf.throughputs, identifier)
    if one.expires is not None and shelf.now() < one.expires:
        raise Refused(
            "ConflictException",
            f"The provisioned model {one.arn} can't be deleted before its commitment ends on "
            f"{iso(one.expires)}.",
        )
    if one.status in {"Creating", "Updating"}:
        raise Refused("ConflictException", f"{one.arn} is in the {one.status} state.")
    del shelf.throughputs[one.arn]
    shelf.tags.pop(one.arn, None)
    return {}


def move_on(shelf: Shelf) -> None:
    """Let time pass for every purchase."""
    now = shelf.now()
    for one in shelf.throughputs.values():
        if now >= one.until and one.status in {"Creating", "Updating"}:
            one.status, one.model, one.changed = "InService", one.wanted, one.until
