"""The models of what a user may write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tunectl.core.value import NAME
from tunectl.kinds import DERIVED, KINDS, PLANNED
from tunectl.kinds.key_names import SECRETS
from tunectl.kinds.provider import OpenAIProvider
from tunectl.kinds.providers import PROVIDERS
from tunectl.kinds.reading import name_hint
from tunectl.kinds.tuning_job import TuningJob
from tunectl.kinds.values import Epochs, Share


def test_no_planned_word_is_already_a_field_or_a_kind():
    fields = {name for model in KINDS.values() for name in model.model_fields}
    assert not PLANNED & (fields | set(KINDS) | set(DERIVED))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_compares_only_what_it_can_have(kind):
    model = KINDS[kind]
    assert model.compared
    assert model.main_output is None or model.main_output in model.outputs
    assert model.__doc__


@pytest.mark.parametrize("type_", PROVIDERS)
def test_no_provider_has_a_setting_that_holds_a_secret(type_):
    assert not SECRETS & set(PROVIDERS[type_].model_fields)


@pytest.mark.parametrize("text", ["sk-abcdefghijklmnop1234", "my key", "", "0abc", "a" * 200, "é"])
def test_a_key_in_place_of_its_variable_is_refused(text):
    with pytest.raises(ValidationError):
        OpenAIProvider.model_validate({"key_env": text})


@pytest.mark.parametrize("text", ["OPENAI_API_KEY", "k", "AZURE_OPENAI_KEY_2"])
def test_the_name_of_a_variable_is_taken(text):
    assert OpenAIProvider.model_validate({"key_env": text}).key_env == text


@given(st.text(max_size=20))
def test_the_repaired_name_of_a_hint_is_a_name(text):
    hint = name_hint(text)
    if hint.count("`") == 4:
        assert NAME.fullmatch(hint.split("`")[3])


@pytest.mark.parametrize(("said", "share"), [("10%", 0.1), ("2.5 %", 0.025), (0.5, 0.5)])
def test_a_share_is_percent_or_a_fraction(said, share):
    assert TypeAdapter(Share).validate_python(said) == pytest.approx(share)


@pytest.mark.parametrize("said", ["100%", "0%", "10", 1, 10, -0.1, 0, True, "ten"])
def test_what_is_no_share_is_refused(said):
    with pytest.raises(ValidationError):
        TypeAdapter(Share).validate_python(said)


def test_auto_is_like_leaving_out():
    assert TypeAdapter(Epochs).validate_python("auto") is None
    one = {"base_model": "m", "data": "dataset.a"}
    auto = {**one, "method": {"epochs": "auto", "batch_size": "auto"}}
    assert TuningJob.model_validate(one).method == TuningJob.model_validate(auto).method


@pytest.mark.parametrize("value", [True, "3", 1.5, 0, -2])
def test_a_number_is_taken_strictly(value):
    with pytest.raises(ValidationError):
        TuningJob.model_validate(
            {"base_model": "m", "data": "dataset.a", "method": {"epochs": value}}
        )
