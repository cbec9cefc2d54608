"""`prices:`: the user's own prices, by the names of their providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tunectl.catalog.prices import Price
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.core.project import Provided
from tunectl.core.value import Plain

if TYPE_CHECKING:  # a plan prices what is kept, and needs neither YAML nor what checks it
    from tunectl.config.node import Node
    from tunectl.kinds.price import PriceFields


def declared_prices(
    said: Mapping[str, Mapping[str, PriceFields]],
    node: Node | None,
    providers: Mapping[str, Provided],
    problems: Problems,
) -> dict[str, Plain]:
    """Return the declared prices as plain values; those of no provider are an error.

    Args:
        said: the prices, by provider and base model.
        node: where they stand.
        providers: those that are declared.
        problems: where what is wrong is told.
    """
    found: dict[str, Plain] = {}
    for name, models in said.items():
        if name not in providers:
            problems.error(
                f"`prices`: there is no provider `{name}`",
                node.find((name,))[0].key_source if node is not None else None,
                code="unknown-provider",
                hint=did_you_mean(name, providers, f"declared are {listed(providers)}"),
            )
        found[name] = {
            model: entry.model_dump(exclude_none=True, exclude_defaults=True)
            for model, entry in models.items()
        }
    return found


def own_prices(said: Mapping[str, Plain], provider: str) -> tuple[Price, ...]:
    """Return the prices that the project's `prices:` give for a provider.

    Args:
        said: the declared prices: by provider, then by base model.
        provider: its name under `providers:`.
    """
    models = said.get(provider)
    if not isinstance(models, Mapping):
        return ()
    return tuple(
        _price(model, entry) for model, entry in models.items() if isinstance(entry, Mapping)
    )


def _price(model: str, entry: Mapping[str, Plain]) -> Price:
    amounts: dict[str, Decimal] = {}
    currency = ""
    for key in ("training", "training_hour", "input", "cached_input", "output", "hour"):
        if isinstance(said := entry.get(key), str):
            amount, _, code = said.partition(" ")
            amounts[key] = Decimal(amount)
            currency = code or currency
    return Price(
        model=model,
        currency=currency,
        **amounts,
        source=str(entry.get("source") or "the project's own `prices:`"),
        source_date=date.min,
    )
