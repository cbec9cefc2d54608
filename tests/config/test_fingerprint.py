"""A recorded fingerprint stays what it is: an upgrade of tunectl plans no changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.config.derive import fingerprint

GOLDEN = json.loads(
    (Path(__file__).parent / "golden" / "fingerprints.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: str(case["fingerprint"])[4:12])
def test_a_fingerprint_is_what_it_always_was(case):
    parts = {key: value for key, value in case.items() if key != "fingerprint"}
    assert fingerprint(**parts) == case["fingerprint"]


PARTS = st.fixed_dictionaries(
    {
        "base_model": st.sampled_from(["a", "b"]),
        "method": st.dictionaries(st.sampled_from(["type", "epochs"]), st.integers(1, 2)),
        "seed": st.none() | st.integers(0, 1),
        "training": st.sampled_from(["x", "y"]),
        "validation": st.none() | st.sampled_from(["x", "y"]),
        "trainer": st.none() | st.sampled_from(["lora/1", "lora/2"]),
    }
)


@given(PARTS, PARTS)
def test_fingerprints_are_equal_exactly_when_the_parts_are(one, other):
    assert (fingerprint(**one) == fingerprint(**other)) is (one == other)


def test_the_order_of_hyper_parameters_does_not_count():
    rest = {"base_model": "a", "seed": None, "training": "x", "validation": None, "trainer": None}
    one = fingerprint(method={"type": "supervised", "epochs": 3}, **rest)
    assert one == fingerprint(method={"epochs": 3, "type": "supervised"}, **rest)
