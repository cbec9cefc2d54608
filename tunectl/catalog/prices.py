"""What services charge, dated and sourced. What is absent here is not free: nobody knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.catalog.base_models import find
from tunectl.core.dataclass import dataclass

PER = 1_000_000
"""Tokens a price is for."""
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one base model costs at one service. `None` means that it is not known.

    Attributes:
        model: the base model's id; `*` for every one.
        currency: its code; empty where everything is free.
        training: for a million trained tokens.
        training_hour: for an hour of training, where that is what is billed.
        input: for a million tokens of a question to the tuned model.
        cached_input: the same, where the service remembers them.
        output: for a million tokens of its answers.
        hour: of a machine, or of an accelerator: for an hour, used or not; `model` is its type.
        source: where that is said.
        source_date: when it was read there.
    """

    model: str
    currency: str
    training: Decimal | None = None
    training_hour: Decimal | None = None
    input: Decimal | None = None
    cached_input: Decimal | None = None
    output: Decimal | None = None
    hour: Decimal | None = None
    source: str
    source_date: date


def price_of(service: str, model: str | None, own: Sequence[Price] = ()) -> Price | None:
    """Return the price of a base model at a service, None if nobody says it.

    Args:
        service: the service's name, such as `openai` or `azure`.
        model: the base model's id, an alias, or a model tuned from it.
        own: prices of the user for that service; they come before the catalogue's.
    """
    known = find(service, model) if model else None
    names = {ANY, model, known.id if known is not None else model}
    for one in (*own, *prices().get(service, ())):
        if one.model in names or (known is not None and one.model in known.aliases):
            return one
    return None


@cache
def prices() -> Mapping[str, tuple[Price, ...]]:
    """Return the catalogue's prices, by service."""
    text = get_data("tunectl.catalog", "prices.json") or b""
    content: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(text)
    return {
        service: tuple(_price(raw) for raw in entries)
        for service, entries in content["services"].items()
    }


def _price(raw: Mapping[str, Any]) -> Price:
    def amount(key: str) -> Decimal | None:
        return Decimal(raw[key]) if key in raw else None

    return Price(
        model=raw["model"],
        currency=raw["currency"],
        training=amount("training"),
        training_hour=amount("training_hour"),
        input=amount("input"),
        cached_input=amount("cached_input"),
        output=amount("output"),
        hour=amount("hour"),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )
