"""The dates of Claude models have a source, are in order, and are those of Anthropic's SDK."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import get_args

import pytest

from tunectl.catalog.claude_models import claude_models, find_claude

READ = date(2026, 11, 22)
# The SDK says that it ended in June, Anthropic's page that its end is to be announced.
UNCLEAR = {"claude-mythos-preview"}


@pytest.mark.parametrize("model", claude_models(), ids=lambda model: model.id)
def test_every_model_has_a_source_and_dates_in_order(model):
    assert model.source
    assert model.source_date <= READ
    assert (model.deprecated is None) == (model.retires is None) == (not model.successor)
    if model.retires is not None and model.deprecated is not None:
        assert model.deprecated < model.retires
        assert not model.is_deprecated(date(2024, 1, 1))
        assert model.is_retired(model.retires)
        assert not model.is_retired(model.deprecated)


def test_no_name_means_two_models_and_every_successor_still_answers():
    names = [name for model in claude_models() for name in (model.id, *model.aliases)]
    assert len(names) == len(set(names))
    for model in claude_models():
        if model.successor:
            successor = find_claude(model.successor)
            assert successor is not None
            assert not successor.is_retired(READ)


def test_every_model_that_the_sdk_names_is_known():
    from anthropic.types.model import Model

    named = set(get_args(get_args(Model)[0]))
    assert len(named) > 15
    assert {name for name in named if find_claude(name) is None} == UNCLEAR


def test_the_sdk_s_own_last_days_are_the_same():
    from anthropic.resources.messages.messages import DEPRECATED_MODELS

    compared = 0
    for name, text in DEPRECATED_MODELS.items():
        model = find_claude(name)
        if model is None:
            continue
        day = datetime.strptime(re.sub(r"(\d)(st|nd|rd|th)", r"\1", text), "%B %d, %Y")  # noqa: DTZ007
        assert model.retires == day.date(), name
        compared += 1
    assert compared >= 12


def test_an_unknown_name_is_no_model():
    assert find_claude("claude-99") is None
