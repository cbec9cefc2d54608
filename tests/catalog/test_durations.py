"""How long a training takes is told where it was published for that very sort of model."""

from __future__ import annotations

import pytest

from tunectl.catalog.durations import duration_of


@pytest.mark.parametrize("base", ["gemini-3.5-flash", "projects/p/locations/l/models/1", ""])
def test_a_gemini_takes_what_the_notebook_says(base):
    known = duration_of("vertex", "supervised", base)
    assert known is not None
    assert (known.low, known.high) == (15, 15)


def test_of_an_open_model_and_of_other_services_nobody_tells():
    assert duration_of("vertex", "supervised", "meta/llama3_1@llama-3.1-8b-instruct") is None
    assert duration_of("bedrock", "supervised", "amazon.nova-lite-v1:0:300k") is None
