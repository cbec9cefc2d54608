"""How much each model takes at once, with the source of each number."""

import pytest

from tunectl.catalog.windows import window_of, windows


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4o-mini-2024-07-18", 128_000),
        ("ft:gpt-4o-mini-2024-07-18:acme:żółw:abc", 128_000),
        ("claude-opus-4-8", 1_000_000),
        ("claude-opus-4-5-20251101", 200_000),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000),
        ("smollm2-135m-instruct", 8192),
        ("nobody-knows-this", None),
        (None, None),
    ],
)
def test_a_model_takes_what_a_source_says(model, tokens):
    assert window_of(model) == tokens


def test_every_number_has_a_source_and_a_day():
    assert all(one.source and one.source_date and one.tokens > 1000 for one in windows())
