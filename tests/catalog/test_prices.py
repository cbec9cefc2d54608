"""Prices, limits and epochs: every one has a source and a date, and none is a guess."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tunectl.catalog.base_models import find, names
from tunectl.catalog.contexts import training_context, training_contexts
from tunectl.catalog.epochs import EPOCHS, epochs_of
from tunectl.catalog.prices import Price, price_of, prices
from tunectl.catalog.provider_types import provider_types

SERVICES = {name for type_ in provider_types().values() for name in type_.services} | {"simulated"}
PRICES = [(service, one) for service, found in prices().items() for one in found]
CONTEXTS = [(service, one) for service, found in training_contexts().items() for one in found]


@pytest.mark.parametrize(("service", "found"), PRICES, ids=lambda v: getattr(v, "model", v))
def test_every_price_has_a_source_and_a_date_and_a_base_model(service, found):
    assert service in SERVICES
    assert found.source
    assert date(2025, 1, 1) < found.source_date <= date(2026, 11, 22)
    assert found.model == "*" or find(service, found.model).id == found.model
    amounts = (found.training, found.training_hour, found.input, found.cached_input, found.output)
    assert any(amount is not None for amount in amounts)
    assert all(amount is None or amount >= 0 for amount in amounts)
    assert bool(found.currency) == any(amounts)


@pytest.mark.parametrize(("service", "found"), CONTEXTS, ids=lambda v: getattr(v, "tokens", v))
def test_every_limit_has_a_source_and_a_date(service, found):
    assert service in SERVICES
    assert found.source
    assert found.source_date <= date(2026, 11, 22)
    assert found.tokens > 0
    assert found.effect in {"cut", "dropped"}


@pytest.mark.parametrize(
    ("service", "model", "tokens"),
    [
        ("openai", "gpt-4.1-mini", 65_536),
        ("openai", "gpt-4o-2024-08-06", 65_536),
        ("openai", "gpt-4.1-nano", 32_768),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::abc", 65_536),
        ("azure", "gpt-4.1-mini", 65_536),
        ("azure", "Qwen3-32B", 8_192),
        ("vertex", "gemini-3.5-flash", 131_072),
        ("openai", "gpt-4-0613", None),
        ("nebius", "meta-llama/Llama-3.3-70B", None),
        ("openai", None, None),
    ],
)
def test_the_longest_example_of_a_base_model(service, model, tokens):
    found = training_context(service, model)
    assert (found.tokens if found is not None else None) == tokens


@pytest.mark.parametrize(
    ("service", "model", "training"),
    [
        ("openai", "gpt-4.1-mini", Decimal("5.00")),
        ("openai", "gpt-4o-mini-2024-07-18", Decimal("3.00")),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::abc", Decimal("25.00")),
        ("local", "smollm2-135m-instruct", Decimal(0)),
        ("local", "./any.gguf", Decimal(0)),
    ],
)
def test_the_price_of_training(service, model, training):
    assert price_of(service, model).training == training


@pytest.mark.parametrize(
    ("service", "model"),
    [
        ("openai", "gpt-7"),
        ("azure", "gpt-4.1-mini"),
        ("vertex", "gemini-3.5-flash"),
        ("nebius", "meta-llama/Llama-3.3-70B"),
        ("generic", "gpt-4.1-mini"),
    ],
)
def test_a_price_without_a_source_is_absent(service, model):
    assert price_of(service, model) is None


def test_reinforcement_is_priced_by_the_hour():
    found = price_of("openai", "o4-mini")
    assert (found.training, found.training_hour) == (None, Decimal("100.00"))


@pytest.mark.parametrize("said", ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "*"])
def test_a_price_of_the_users_own_comes_first_under_any_name_of_the_model(said):
    own = Price(
        model=said, currency="EUR", training=Decimal(1), source="a contract", source_date=date.min
    )
    assert price_of("openai", "gpt-4.1-mini", [own]) is own


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [(10, 10), (33, 3), (34, 3), (50, 3), (4, 25), (8_333, 3), (8_334, 2), (20_000, 1), (0, 3)],
)
def test_auto_epochs_are_those_of_the_cookbook(rows, epochs):
    assert epochs_of("openai", rows) == epochs


def test_a_service_that_publishes_no_rule_has_none():
    assert epochs_of("azure", 100) is None
    assert all(rule.source and rule.source_date for rule in EPOCHS.values())


def test_every_tunable_model_of_openai_that_still_trains_has_a_price():
    day = date(2026, 11, 22)
    alive = {find("openai", name) for name in names("openai")}
    alive = {one.id for one in alive if one.days_of_training_left(day) != 0}
    assert alive
    assert all(price_of("openai", name) is not None for name in alive)
