"""`prices:`, and what a declaration says of rows that are too long for its base model."""

from __future__ import annotations

import json

import pytest

from tests.config.error_cases import rows
from tests.config.making import loaded, problems, project, write
from tunectl.app.costing import own_prices
from tunectl.core.errors import ConfigError, Exit

BASE = """
project: helpdesk
default_provider: openai
providers:
  openai: {}
  azure: {type: openai, profile: azure, base_url: "https://acme.example/openai/v1/", key_env: KEY}
  local: {}
dataset:
  support: {source: data/rows.jsonl}
tuning_job:
  support: {base_model: gpt-4.1-mini, data: dataset.support}
"""


def test_prices_are_read_by_provider_and_model(tmp_path):
    text = BASE + "prices: {azure: {gpt-4.1-mini: {training: 5.50 USD, output: 3USD}, '*': {}}}\n"
    found = loaded(project(tmp_path, text)).project.prices
    assert found == {
        "azure": {"gpt-4.1-mini": {"training": "5.50 USD", "output": "3 USD"}, "*": {}}
    }
    first, second = own_prices(found, "azure")
    assert (str(first.training), first.currency, first.input) == ("5.50", "USD", None)
    assert (second.model, second.training) == ("*", None)
    assert own_prices(found, "openai") == ()


def test_an_overlay_may_set_another_price(tmp_path):
    text = BASE + "prices: {azure: {gpt-4.1-mini: {training: 5.50 USD}}}\n"
    root = project(tmp_path, text)
    write(root, "tunectl.prod.yaml", "prices: {azure: {gpt-4.1-mini: {training: 4 USD}}}\n")
    found = loaded(root, env="prod").project.prices
    assert found["azure"]["gpt-4.1-mini"]["training"] == "4 USD"


@pytest.mark.parametrize("free", ["0", "0.0"])
def test_what_is_free_may_be_said(tmp_path, free):
    text = BASE + f"prices: {{openai: {{gpt-4.1-mini: {{training: {free}}}}}}}\n"
    [found] = own_prices(loaded(project(tmp_path, text)).project.prices, "openai")
    assert found.training == 0


@pytest.mark.parametrize("wrong", ["5.5", "-1 USD", "five USD", "5 usd", "true", "[5 USD]"])
def test_what_is_no_money_is_refused(tmp_path, wrong):
    text = BASE + f"prices: {{openai: {{gpt-4.1-mini: {{training: {wrong}}}}}}}\n"
    assert any("must be an amount of money" in one for one in problems(project(tmp_path, text)))


def long_rows(tmp_path, text):
    long = {"role": "user", "content": "słowo " * 60_000}
    answer = {"role": "assistant", "content": "Dzień dobry."}
    line = json.dumps({"messages": [long, answer]}, ensure_ascii=False)
    root = project(tmp_path, text)
    write(root, "data/rows.jsonl", rows(24) + line + "\n")
    return root


def test_a_row_too_long_for_the_jobs_base_model_refuses_the_plan(tmp_path):
    with pytest.raises(ConfigError) as raised:
        loaded(long_rows(tmp_path, BASE))
    [found] = [d for d in raised.value.diagnostics if d.code == "too-long"]
    assert raised.value.exit is Exit.REFUSED
    assert (found.source.line, found.address) == (25, "dataset.support")
    assert "`openai:gpt-4.1-mini` trains on the first 65,536 only" in found.summary


def test_max_tokens_of_the_local_provider_is_the_limit_there(tmp_path):
    local = BASE.replace("gpt-4.1-mini", "smollm2-135m-instruct, provider: local")
    warned = loaded(long_rows(tmp_path, local)).project.warnings
    assert any("trains on the first 512 only" in d.summary for d in warned)
    larger = local.replace("local: {}", "local: {max_tokens: 900000}")
    warned = loaded(long_rows(tmp_path, larger)).project.warnings
    assert not any(d.code == "too-long" for d in warned)
