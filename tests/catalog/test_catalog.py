"""Facts have a source and a date, and mean what they say."""

from __future__ import annotations

from datetime import date

import pytest

from tunectl.catalog.base_models import find, names
from tunectl.catalog.provider_types import provider_types, service

SERVICES = [(t.name, s) for t in provider_types().values() for s in t.services.values()]


@pytest.mark.parametrize(("type_", "found"), SERVICES, ids=lambda v: getattr(v, "name", v))
def test_every_service_has_a_source_and_a_date(type_, found):
    assert found.source
    assert date(2025, 1, 1) < found.source_date
    assert bool(found.formats) is not bool(found.no_tuning)
    assert service(type_, found.name) == found
    for bounds in (found.epochs, found.batch_size):
        assert bounds is None or 1 <= bounds[0] < bounds[1]


@pytest.mark.parametrize("name", [n for s in ("openai", "local") for n in names(s)])
def test_every_base_model_has_a_source_and_dates_in_order(name):
    found = find("openai", name) or find("local", name)
    assert found is not None
    assert found.source
    assert found.methods
    if found.no_new_jobs and found.shutdown:
        assert found.no_new_jobs <= found.shutdown


def test_an_alias_and_a_tuned_model_mean_their_base():
    base = find("openai", "gpt-4o-2024-08-06")
    assert find("openai", "gpt-4o") is base
    assert find("openai", "ft:gpt-4o-2024-08-06:acme:support:abc123") is base
    assert find("openai", "ft:gpt-4o") is None
    assert find("nowhere", "gpt-4o") is None


@pytest.mark.parametrize(
    ("day", "left", "down"),
    [
        (date(2026, 11, 22), 45, False),
        (date(2027, 1, 5), 1, False),
        (date(2027, 1, 6), 0, False),
        (date(2027, 1, 13), 0, False),
        (date(2027, 1, 14), 0, True),
    ],
)
def test_the_last_days_of_a_base_model(day, left, down):
    found = find("openai", "gpt-4.1-mini")
    assert found is not None
    assert found.days_of_training_left(day) == left
    assert found.is_shut_down(day) is down


def test_a_model_on_the_users_disk_never_retires():
    found = find("local", "smollm2-135m-instruct")
    assert found is not None
    assert found.days_of_training_left(date(2099, 1, 1)) is None
    assert not found.is_shut_down(date(2099, 1, 1))


def test_of_a_foreign_address_nothing_is_assumed():
    foreign = service("openai", None, base_url="https://llm.acme.example/v1")
    assert foreign is not None
    assert foreign.least_rows is None
    own = service("openai", None, base_url="https://eu.api.openai.com/v1")
    assert own is not None
    assert own.least_rows == 10
    assert service("plugin", None) is None


def test_what_is_said_of_suffixes_is_data():
    azure, mantle = service("openai", "azure"), service("openai", "bedrock-mantle")
    assert azure is not None
    assert mantle is not None
    assert azure.suffix_forbidden == "."
    assert mantle.suffix_supported is False
