"""Custom models: what a job made. Nothing that still serves one can lose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import tunectl.server.clouds.bedrock.foundation as foundation
from tunectl.catalog.bedrock_models import Family, without_context
from tunectl.server.clouds.bedrock.refused import Refused
from tunectl.server.clouds.bedrock.rows import Pair
from tunectl.server.clouds.bedrock.shelf import Shelf, iso, named, page
from tunectl.server.clouds.wire import Asked


@dataclass
class CustomModel:
    """One model. `asked` is the request of its job."""

    arn: str
    name: str
    base: str
    facts: Family
    job: str
    job_name: str
    created: datetime
    asked: Mapping[str, Any]
    pairs: list[Pair]


def get(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer GetCustomModel.

    Raises:
        Refused: there is none.
    """
    model: CustomModel = named("the custom model", shelf.models, identifier)
    body = model.asked
    return {
        "modelArn": model.arn,
        "modelName": model.name,
        "jobName": model.job_name,
        "jobArn": model.job,
        "baseModelArn": foundation.arn(shelf, model.base),
        "customizationType": body.get("customizationType", "FINE_TUNING"),
        "hyperParameters": dict(body.get("hyperParameters") or {}),
        "trainingDataConfig": body["trainingDataConfig"],
        "validationDataConfig": body.get("validationDataConfig") or {"validators": []},
        "outputDataConfig": body["outputDataConfig"],
        "creationTime": iso(model.created),
        "modelStatus": "Active",
    }


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListCustomModels."""
    models = list(shelf.models.values())
    for name in ("baseModelArnEquals", "foundationModelArnEquals"):
        if wanted := asked.param(name):
            models = [one for one in models if foundation.arn(shelf, one.base) == wanted]
    if asked.param("modelStatus", "Active") != "Active":
        models = []

    def shown(model: CustomModel) -> dict[str, Any]:
        return {
            "modelArn": model.arn,
            "modelName": model.name,
            "creationTime": iso(model.created),
            "baseModelArn": foundation.arn(shelf, model.base),
            "baseModelName": without_context(model.base).partition(":")[0],
            "customizationType": model.asked.get("customizationType", "FINE_TUNING"),
            "ownerAccountId": shelf.account,
            "modelStatus": "Active",
        }

    return page(asked, "modelSummaries", models, shown)


def delete(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer DeleteCustomModel.

    Raises:
        Refused: there is none, or something serves it.
    """
    model: CustomModel = named("the custom model", shelf.models, identifier)
    users = [one for one in shelf.deployments.values() if model.arn in {one.model, one.wanted}]
    bought = [one for one in shelf.throughputs.values() if model.arn in {one.model, one.wanted}]
    if users or bought:
        raise Refused(
            "ConflictException",
            f"The custom model {model.arn} is in use by {(users or bought)[0].arn}.",
        )
    del shelf.models[model.arn]
    shelf.tags.pop(model.arn, None)
    return {}
