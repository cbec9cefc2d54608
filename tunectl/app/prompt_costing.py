"""What one answer costs: its tokens by the user's own prices or the catalogue's, else unknown."""

from __future__ import annotations

from decimal import Decimal

from tunectl.catalog.caches import write_factor
from tunectl.catalog.prices import PER, Price, price_of
from tunectl.config.prices import own_prices
from tunectl.config.services import service_of
from tunectl.core.money import ZERO, Estimate, unknown
from tunectl.core.ports import Delta
from tunectl.core.project import Project


def price_for(project: Project, provider: str, model: str | None) -> Price | None:
    """Return the price of a model at a declared provider; None where nobody says it.

    Args:
        project: the declaration, with the user's own prices.
        provider: its name under `providers:`.
        model: its id, or that of the base it was tuned from.
    """
    provided = project.providers.get(provider)
    service = service_of(provided) if provided is not None else None
    if provided is None or service is None:
        return None
    return price_of(service.name, model, own_prices(project.prices, provider))


def answer_cost(price: Price | None, used: Delta, dialect: str, ttl: str = "5m") -> Estimate:
    """Return what an answer costs.

    Cached tokens whose price nobody says cost at most what others do, and may be free.

    Args:
        price: of the model.
        used: the last piece of the answer, which has the counts.
        dialect: of its provider, which decides what writing to a cache costs.
        ttl: how long the cache was asked to keep the prompt.
    """
    if price is None:
        return unknown("no price of the model is known: say it under `prices:`")
    if price.input is None or price.output is None:
        return unknown("the price of a question or an answer is not known")
    fresh = used.prompt_tokens - used.cache_read_tokens - used.cache_written_tokens
    paid = price.input * max(fresh, 0) + price.output * used.completion_tokens
    paid += price.input * write_factor(dialect, ttl) * used.cache_written_tokens
    cached = price.cached_input
    most = price.input if cached is None else cached
    least = ZERO if cached is None else cached
    low, high = ((paid + rate * used.cache_read_tokens) / Decimal(PER) for rate in (least, most))
    return Estimate(low=low, likely=high, high=high, currency=price.currency if high else "")
