"""Open models: their names in every form that Google takes, and what is known of tuning them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.catalog.open_models import ADAPTER, FULL, Weights, open_model, open_tuning
from tunectl.catalog.provider_types import provider_types
from tunectl.catalog.row_form import row_form
from tunectl.server.clouds.vertex import bases

VERTEX = provider_types()["vertex"].services["vertex"]


@pytest.mark.parametrize(
    ("text", "weights", "name"),
    [
        ("meta/llama3_1@llama-3.1-8b", Weights.GARDEN,
         "publishers/meta/models/llama3_1@llama-3.1-8b"),
        ("publishers/hf-qwen/models/qwen3-8b@001", Weights.GARDEN,
         "publishers/hf-qwen/models/qwen3-8b@001"),
        ("Qwen/Qwen3-8B", Weights.HUB, "qwen/qwen3-8b"),
        ("gs://acme/tuned/final/", Weights.BUCKET, "gs://acme/tuned/final"),
    ],
)  # fmt: skip
def test_a_name_says_where_the_weights_are(text, weights, name):
    found = open_model(text)
    assert (found.weights, found.name) == (weights, name)


@pytest.mark.parametrize(
    "text",
    [
        "gemini-3.5-flash",
        "google/gemini-3.5-flash",
        "publishers/google/models/gemini-3.5-flash",
        "projects/acme/locations/europe-west4/models/77@2",
        "text-bison@001",
        "gs://acme",
        "a/b/c",
        "meta/llama@",
        "żółw/model",
        "",
    ],
)
def test_what_is_no_open_model_is_none(text):
    assert open_model(text) is None


@given(st.text(alphabet="ab/@.:-Ż gs", max_size=20))
def test_a_name_that_is_read_reads_as_itself_again(text):
    found = open_model(text)
    assert found is None or open_model(found.name) == found


def test_what_is_known_of_tuning_has_a_source_and_names_that_can_be_read():
    known = open_tuning()
    assert known.source
    assert known.source_date <= date(2026, 11, 22)
    for name, modes in known.modes.items():
        assert open_model(name).short == name
        assert set(modes) <= {FULL, ADAPTER}


def test_the_catalogue_and_the_stand_in_agree():
    open_ones = [one for one in bases.PUBLISHED if one.is_open]
    assert {open_model(one.name).short for one in open_ones} <= set(open_tuning().modes)
    assert {one.regions for one in open_ones} == {open_tuning().locations}


def test_rows_go_as_the_base_model_wants_them():
    assert row_form(VERTEX, "supervised", "meta/llama3_1@llama-3.1-8b") == "chat"
    assert row_form(VERTEX, "dpo", "meta/llama3_1@llama-3.1-8b") is None
    assert row_form(VERTEX, "supervised", "gemini-3.5-flash") == "gemini"
    assert row_form(VERTEX, "dpo", "tuning_job.first") == "gemini"
    own = provider_types()["openai"].services["nebius"]
    assert row_form(own, "dpo", "meta-llama/Llama-3.1-8B-Instruct") == own.formats.get("dpo")


@pytest.mark.parametrize(
    ("model", "page"),
    [
        (
            "google/gemma3@gemma-3-1b-it",
            "https://console.cloud.google.com/vertex-ai/publishers/google/model-garden/gemma3",
        ),
        ("Qwen/Qwen3-8B", "the card of `qwen/qwen3-8b` at Hugging Face"),
        ("gs://acme/final", "whoever published the weights"),
    ],
)
def test_a_licence_is_read_where_the_weights_come_from(model, page):
    found = open_model(model)
    assert found is not None
    assert found.page == page
