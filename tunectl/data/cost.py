"""What training on rows costs: tokens, passes and a price, each of which may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tunectl.catalog.contexts import TrainingContext, training_context
from tunectl.catalog.epochs import epochs_of
from tunectl.catalog.prices import PER, Price, price_of
from tunectl.core.money import FREE, Estimate, unknown
from tunectl.data.targets import REINFORCEMENT, Target

if TYPE_CHECKING:
    from tunectl.data.tokens import Count, Tally


def passes(target: Target, rows: int, said: int | None = None) -> int | None:
    """Return how often the rows are seen: as the user said, else by the provider's published rule.

    Returns:
        None where the provider chooses and does not publish how.
    """
    return said if said is not None else epochs_of(target.provider, rows)


def billed_by_tokens(target: Target, own: Sequence[Price] = ()) -> Price | None:
    """Return the price by which tokens must be counted to know the cost; None if they need not be.

    They need not be where nobody knows a price, where training is free, and where it is billed by
    the hour.
    """
    price = price_of(target.provider, target.model, own)
    return price if price is not None and price.training else None


def training_cost(
    target: Target, billed: Count, epochs: int | None, own: Sequence[Price] = ()
) -> Estimate:
    """Return what training costs: tokens of the file, times passes, times the price of a token.

    Rows of validation are not billed (Azure's documentation of 2026-03; the same is taken to hold
    at OpenAI).

    Args:
        target: where, on which base model, and by which method.
        billed: the tokens of the training rows, each row cut at the limit.
        epochs: the passes; None where that is not known.
        own: the user's own prices at that service; they come first.
    """
    price = price_of(target.provider, target.model, own)
    if price is None:
        return unknown(f"no price is known for training on `{target}`")
    if price.training == 0:
        return FREE
    if target.method == REINFORCEMENT or price.training is None:
        return unknown(_by_the_hour(target, price))
    if epochs is None:
        return unknown(f"`{target.provider}` does not publish how many epochs `auto` means")
    each = price.training * epochs / PER
    return Estimate(
        low=each * Decimal(billed.low),
        likely=each * Decimal(billed.likely),
        high=each * Decimal(billed.high),
        currency=price.currency,
    )


def _by_the_hour(target: Target, price: Price) -> str:
    if price.training_hour is None:
        return f"no price is known for training on `{target}`"
    hour = f"{price.training_hour} {price.currency}"
    return f"training on `{target}` is billed by the hour ({hour}), and nobody knows how many"


def context_of(target: Target) -> TrainingContext | None:
    """Return how long an example may be for a target; its own settings come first."""
    known = training_context(target.provider, target.model)
    if known is None or target.context is None:
        return known
    return replace(known, tokens=target.context)


def tally_for(target: Target) -> Tally:
    """Return what adds rows up for a target, by the limit of its base model."""
    from tunectl.data.own_vocabulary import counter_of  # counting tokens is asked for by few
    from tunectl.data.tokens import Tally

    known = context_of(target)
    return Tally(
        counter_of(target),
        known.tokens if known is not None else None,
        dropped=known is not None and known.effect == "dropped",
    )
