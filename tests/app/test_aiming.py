"""`--for` names a service, or a provider of the project."""

from __future__ import annotations

import pytest

from tunectl.app.aiming import aimed
from tunectl.app.options import Options
from tunectl.core.errors import ConfigError
from tunectl.data.targets import Target

PROJECT = """
project: helpdesk
default_provider: openai_eu
providers:
  openai_eu: {type: openai, data_residency: eu}
  azure: {type: openai, profile: azure, base_url: "https://acme.example/openai/v1/", key_env: KEY}
prices: {azure: {gpt-4.1-mini: {training: 6 EUR, source: umowa}}}
"""


@pytest.fixture
def options(tmp_path):
    (tmp_path / "tunectl.yaml").write_text(PROJECT, encoding="utf-8")
    return Options(root=tmp_path)


def test_the_name_of_a_declared_provider_means_its_service(options):
    [target] = aimed(options, [Target("openai_eu", "gpt-4.1-mini")])
    assert target == Target("openai", "gpt-4.1-mini")


def test_a_declared_provider_brings_its_prices_even_where_it_is_called_as_its_service(options):
    [target] = aimed(options, [Target("azure", "gpt-4.1-mini")])
    assert (target.provider, target.model) == ("azure", "gpt-4.1-mini")
    assert [price.currency for price in target.prices] == ["EUR"]


def test_a_service_needs_no_project_nor_one_without_errors(options, tmp_path):
    assert aimed(Options(root=tmp_path / "empty"), [Target("vertex")]) == (Target("vertex"),)
    (tmp_path / "tunectl.yaml").write_text("project: [", encoding="utf-8")
    assert aimed(options, [Target("vertex")]) == (Target("vertex"),)
    with pytest.raises(ConfigError, match="misplaced"):
        aimed(options, [Target("openai_eu")])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("openai_e", "did you mean `--for openai_eu:m`?"),
        ("gpt-4.1-mini", "did you mean `--for openai:gpt-4.1-mini:m`?"),
        ("zzz", "known are `openai_eu`, `azure`, `local`"),
    ],
)
def test_another_name_is_refused_with_the_nearest(options, name, hint):
    with pytest.raises(ConfigError) as caught:
        aimed(options, [Target(name, "m")])
    [told] = caught.value.diagnostics
    assert told.summary == f"`--for {name}:m`: no provider `{name}` is known"
    assert told.hint.startswith(hint)
