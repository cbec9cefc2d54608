"""What services take as rows: sourced, dated, and at one with what is known of the services."""

import pytest

from tunectl.catalog.dataset_rules import dataset_rules, methods_of, providers_with_rules
from tunectl.catalog.provider_types import provider_types

# Our own server stands under two types; its rules call it by the first one's name.
SERVICES = {
    name: service
    for kind in reversed(provider_types().values())
    for name, service in kind.services.items()
}
METHODS = {"supervised": "supervised", "dpo": "preference", "reinforcement": "reinforcement"}
EVERY = [(name, method) for name in providers_with_rules() for method in methods_of(name)]


@pytest.mark.parametrize(("provider", "method"), EVERY)
def test_every_rule_says_where_it_is_from(provider, method):
    rules = dataset_rules(provider, method)
    assert rules.method in METHODS.values()
    assert rules.source
    assert rules.source_date.year >= 2025


@pytest.mark.parametrize("name", [n for n in SERVICES if methods_of(n)])
def test_rules_and_services_tell_the_same_of_rows_and_methods(name):
    service = SERVICES[name]
    for method in service.formats:
        rules = dataset_rules(name, METHODS[method])
        assert rules is not None
        if service.by_model:
            assert rules.title == service.title
            continue  # its rows are counted by base model: `bedrock_models`
        assert (rules.least_rows, rules.title) == (service.least_rows, service.title)
        if service.most_rows is not None:
            assert rules.most_rows == service.most_rows


def test_of_a_service_without_a_profile_nothing_is_assumed():
    assert methods_of("generic") == ()
    assert dataset_rules("generic", "supervised") is None
