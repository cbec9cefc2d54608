"""What Bedrock says of each base model that it tunes: rows, numbers, serving and regions."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperParameter:
    """One number that a job may set.

    Attributes:
        name: as the service spells it.
        least: the lowest that is taken.
        most: the highest.
        default: what is used where nothing is said; None where that is not published.
        whole: whether fractions are refused.
    """

    name: str
    least: float
    most: float
    default: float | None
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What holds for one method of training. `None` means: not known.

    Attributes:
        least_rows: fewest training rows.
        most_rows: most training rows.
        hyperparameters: by our name.
    """

    least_rows: int | None = None
    most_rows: int | None = None
    hyperparameters: Mapping[str, HyperParameter] | None = None


SUPERVISED, REINFORCEMENT = "supervised", "reinforcement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Base models of which the same holds. `None` and an empty `serving` mean: not known.

    Attributes:
        title: as people call it.
        formats: the form of the training rows, by method; empty where ours cannot be written.
        methods: what holds for a method, as far as it is known; see `training`.
        tokens: most tokens of one row.
        reserved: words that a prompt must not hold: a job on such a row fails.
        serving: how a model tuned from it can answer: `on_demand`, `provisioned`.
        regions: where it is tuned.
        source: where that is said.
        source_date: when it was read there.
    """

    title: str
    formats: Mapping[str, str]
    methods: Mapping[str, Training]
    tokens: int | None
    reserved: tuple[str, ...]
    serving: tuple[str, ...]
    regions: tuple[str, ...]
    source: str
    source_date: date

    def training(self, method: str) -> Training:
        """Return what holds for a method."""
        return self.methods.get(method, Training())


def plain_id(model: str) -> str:
    """Return a model's id without the ARN around it.

    >>> plain_id("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k")
    'amazon.nova-lite-v1:0:300k'
    """
    return model.rpartition("foundation-model/")[2] if model.startswith("arn:") else model


def base_ids() -> tuple[str, ...]:
    """Return the ids under which jobs name a base model, with the length of their context."""
    return tuple(_read()["models"])


def without_context(model: str) -> str:
    """Return the id by which a base answers itself: `amazon.nova-lite-v1:0`."""
    known = _read()["models"].get(plain_id(model))
    return str(known["plain"]) if known else plain_id(model)


def tuned_as(model: str) -> str | None:
    """Return the id under which a base that was named without its context is tuned."""
    name = plain_id(model)
    models = _read()["models"]
    return next((known for known, raw in models.items() if raw["plain"] == name), None)


def family(model: str) -> Family | None:
    """Return what holds for a base model, by its id or ARN; None where it is not known.

    A model that was tuned is known by the base in its ARN (`…:custom-model/BASE/ID`).
    """
    name = plain_id(model)
    if ":custom-model/" in name:
        name = name.partition(":custom-model/")[2].partition("/")[0]
    known = _read()["models"].get(name)
    return _families()[known["family"]] if known else None


@cache
def _families() -> Mapping[str, Family]:
    return {name: _family(raw) for name, raw in _read()["families"].items()}


def _family(raw: dict[str, Any]) -> Family:
    more = raw.get(REINFORCEMENT)
    return Family(
        title=raw["title"],
        formats=raw["formats"],
        methods={
            SUPERVISED: _training(raw),
            **({REINFORCEMENT: _training(more)} if more else {}),
        },
        tokens=raw["tokens"],
        reserved=tuple(raw["reserved"]),
        serving=tuple(raw["serving"]),
        regions=tuple(raw["regions"]),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )


def _training(raw: dict[str, Any]) -> Training:
    numbers = raw["hyperparameters"]
    return Training(
        least_rows=raw["rows"]["least"],
        most_rows=raw["rows"]["most"],
        hyperparameters=None
        if numbers is None
        else {name: _number(one) for name, one in numbers.items()},
    )


def _number(raw: dict[str, Any]) -> HyperParameter:
    return HyperParameter(**{**raw, "most": math.inf if raw["most"] is None else raw["most"]})


@cache
def _read() -> dict[str, Any]:
    text = get_data("tunectl.catalog", "bedrock_models.json") or b""
    content: dict[str, Any] = json.loads(text)
    return content
