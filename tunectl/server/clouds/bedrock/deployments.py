"""Custom model deployments: on-demand inference, and another model behind the same name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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

_NAME = re.compile(r"([0-9a-zA-Z][_-]?){1,63}")  # botocore 1.44.5, ModelDeploymentName
_OPERATION = "CreateCustomModelDeployment"


@dataclass
class Deployment:
    """One deployment.

    Attributes:
        model: the ARN of what answers.
        wanted: the same, or of what will answer when the update is over.
        until: when the state that is under way ends.
        updated: whether it was ever moved.
    """

    arn: str
    name: str
    model: str
    wanted: str
    created: datetime
    changed: datetime
    until: datetime
    description: str = ""
    updated: bool = False
    status: str = "Creating"


def create(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer CreateCustomModelDeployment.

    Raises:
        Refused: a rule is broken, or the name is taken.
    """
    body = body_of(asked)
    before = shelf.again(_OPERATION, body)
    if before is not None:
        return {"customModelDeploymentArn": before}
    needed(body, "modelDeploymentName", "modelArn")
    name = matched("modelDeploymentName", body["modelDeploymentName"], _NAME, 63)
    tags = tags_of(body, "tags")
    model = _servable(shelf, body["modelArn"])
    if any(one.name == name for one in shelf.deployments.values()):
        raise invalid(f"A custom model deployment named {name} exists already.")
    now = shelf.now()
    made = Deployment(
        arn=shelf.arn(f"custom-model-deployment/{shelf.new_id()}"),
        name=name,
        model=model.arn,
        wanted=model.arn,
        created=now,
        changed=now,
        until=_later(shelf),
        description=str(body.get("description") or ""),
    )
    shelf.deployments[made.arn] = made
    shelf.tag(made.arn, tags)
    shelf.remember(_OPERATION, body, made.arn)
    return {"customModelDeploymentArn": made.arn}


def _servable(shelf: Shelf, identifier: str) -> CustomModel:
    model: CustomModel = named("the custom model", shelf.models, identifier)
    if model.facts.serving and "on_demand" not in model.facts.serving:
        raise invalid(f"The model {model.arn} does not support on-demand inference.")
    return model


def _later(shelf: Shelf) -> datetime:
    return shelf.now() + timedelta(seconds=shelf.world.operation_seconds)


def get(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer GetCustomModelDeployment.

    Raises:
        Refused: there is none.
    """
    one: Deployment = named("the custom model deployment", shelf.deployments, identifier)
    shown = {
        "customModelDeploymentArn": one.arn,
        "modelDeploymentName": one.name,
        "modelArn": one.model,
        "createdAt": iso(one.created),
        "status": one.status,
        "lastUpdatedAt": iso(one.changed),
    }
    if one.description:
        shown["description"] = one.description
    if one.updated:
        status = "Updating" if one.model != one.wanted else "UpdateCompleted"
        return shown | {"updateDetails": {"modelArn": one.wanted, "updateStatus": status}}
    return shown


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListCustomModelDeployments."""
    found = list(shelf.deployments.values())
    if status := asked.param("statusEquals"):
        found = [one for one in found if one.status == status]
    if model := asked.param("modelArnEquals"):
        found = [one for one in found if one.model == model]

    def shown(one: Deployment) -> dict[str, Any]:
        return {
            "customModelDeploymentArn": one.arn,
            "customModelDeploymentName": one.name,
            "modelArn": one.model,
            "createdAt": iso(one.created),
            "status": one.status,
            "lastUpdatedAt": iso(one.changed),
        }

    return page(asked, "modelDeploymentSummaries", found, shown)


def update(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer UpdateCustomModelDeployment.

    Raises:
        Refused: there is none, or it is moving already.
    """
    body = body_of(asked)
    needed(body, "modelArn")
    one: Deployment = named("the custom model deployment", shelf.deployments, identifier)
    if one.status != "Active" or one.model != one.wanted:
        raise invalid(f"The deployment {one.arn} is not in a state that can be updated.")
    one.wanted = _servable(shelf, body["modelArn"]).arn
    one.updated, one.changed, one.until = True, shelf.now(), _later(shelf)
    return {"customModelDeploymentArn": one.arn}


def delete(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer DeleteCustomModelDeployment.

    Raises:
        Refused: there is none, or it is being made.
    """
    one: Deployment = named("the custom model deployment", shelf.deployments, identifier)
    if one.status == "Creating":
        raise Refused("ConflictException", f"The deployment {one.arn} is being created.")
    del shelf.deployments[one.arn]
    shelf.tags.pop(one.arn, None)
    return {}


def move_on(shelf: Shelf) -> None:
    """Let time pass for every deployment."""
    now = shelf.now()
    for one in shelf.deployments.values():
        if now >= one.until and (one.status == "Creating" or one.model != one.wanted):
            one.status, one.model, one.changed = "Active", one.wanted, one.until
