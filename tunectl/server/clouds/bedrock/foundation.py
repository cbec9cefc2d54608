"""Foundation models: what the service lists, with their life cycle. Facts are the catalogue's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from tunectl.catalog.base_models import find
from tunectl.catalog.bedrock_models import (
    Family,
    base_ids,
    family,
    plain_id,
    tuned_as,
    without_context,
)
from tunectl.server.clouds.bedrock.refused import Refused, invalid, missing
from tunectl.server.clouds.bedrock.shelf import Shelf, iso
from tunectl.server.clouds.wire import Asked

_MAKERS = {"amazon": "Amazon", "anthropic": "Anthropic", "meta": "Meta"}
_ENDED = "This model version has reached the end of its life."


def known(shelf: Shelf) -> Iterable[str]:
    """Yield the ids of the models that a region has: with their context, and without."""
    for model in base_ids():
        facts = family(model)
        if facts is not None and shelf.region in facts.regions:
            yield without_context(model)
            yield model


def base(shelf: Shelf, identifier: str) -> tuple[str, Family]:
    """Return the id and the facts of a base that can be tuned here and now.

    Raises:
        Refused: it cannot.
    """
    model = plain_id(identifier)
    facts = family(model)
    if facts is None or model not in known(shelf):
        raise invalid("The provided model identifier is invalid.")
    if _ended(shelf, model):
        raise Refused("ResourceNotFoundException", _ENDED)
    return model, facts


def answering(shelf: Shelf, identifier: str) -> str:
    """Return the id of a base that answers by itself.

    Raises:
        Refused: there is none, or it has ended.
    """
    model = plain_id(identifier)
    if model not in known(shelf) or family(model) is not None:
        raise invalid("The provided model identifier is invalid.")
    if _ended(shelf, model):
        raise Refused("ResourceNotFoundException", _ENDED)
    return model


def is_legacy(model: str) -> bool:
    """Tell whether an end is announced, so that no throughput is sold for it any more."""
    return _end(model) is not None


def arn(shelf: Shelf, model: str) -> str:
    """Return the ARN of a foundation model."""
    return f"arn:aws:bedrock:{shelf.region}::foundation-model/{model}"


def list_models(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListFoundationModels, which has no pages."""
    every = [_shown(shelf, model) for model in known(shelf)]
    wanted = (
        ("byProvider", lambda one, said: one["providerName"].lower() == said.lower()),
        ("byCustomizationType", lambda one, said: said in one["customizationsSupported"]),
        ("byInferenceType", lambda one, said: said in one["inferenceTypesSupported"]),
        ("byOutputModality", lambda one, said: said in one["outputModalities"]),
    )
    for name, fits in wanted:
        if said := asked.param(name):
            every = [one for one in every if fits(one, said)]
    return {"modelSummaries": every}


def get_model(shelf: Shelf, identifier: str) -> dict[str, Any]:
    """Answer GetFoundationModel.

    Raises:
        Refused: there is no such model here.
    """
    model = plain_id(identifier)
    if model not in known(shelf):
        raise missing("the foundation model", identifier)
    return {"modelDetails": _shown(shelf, model)}


def _shown(shelf: Shelf, model: str) -> dict[str, Any]:
    tunable = family(model) is not None
    return {
        "modelArn": arn(shelf, model),
        "modelId": model,
        "modelName": _title(model)[:20],
        "providerName": _MAKERS[model.partition(".")[0]],
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": ["FINE_TUNING"] if tunable else [],
        "inferenceTypesSupported": ["PROVISIONED"] if tunable else ["ON_DEMAND"],
        "modelLifecycle": _life(model),
    }


def _title(model: str) -> str:
    facts = family(model) or family(tuned_as(model) or "")
    return facts.title if facts else model


def _life(model: str) -> Mapping[str, str]:
    end = _end(model)
    if end is None:
        return {"status": "ACTIVE"}
    return {"status": "LEGACY", "endOfLifeTime": iso(end)}


def _end(model: str) -> datetime | None:
    facts = find("bedrock", model) or find("bedrock", tuned_as(model) or "")
    day: date | None = facts.shutdown if facts else None
    return datetime.combine(day, time(), UTC) if day else None


def _ended(shelf: Shelf, model: str) -> bool:
    end = _end(model)
    return end is not None and shelf.now() >= end
