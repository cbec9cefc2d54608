"""Ranges of money: what is not known is never counted as nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.money import (
    FREE,
    Estimate,
    estimate_from_tree,
    estimate_to_tree,
    totals,
    unknown,
)

CENTS = st.decimals("0", "100000", places=4)


@st.composite
def estimates(draw):
    low, likely, high = sorted(draw(st.tuples(CENTS, CENTS, CENTS)))
    missing = tuple(draw(st.lists(st.sampled_from(["a price", "the hours"]), unique=True)))
    return Estimate(
        low=low, likely=likely, high=high, idle=draw(CENTS), currency="USD", unknown=missing
    )


@given(estimates(), estimates(), estimates())
def test_adding_is_in_any_order_the_same_money(a, b, c):
    assert (a + b).likely == (b + a).likely
    left, right = (a + b) + c, a + (b + c)
    assert (left.low, left.high, left.idle) == (right.low, right.high, right.idle)
    assert set(left.unknown) == set(right.unknown)


@given(estimates())
def test_what_is_free_changes_nothing(found):
    assert found + FREE == FREE + found == found


@given(estimates(), st.integers(0, 50))
def test_so_many_of_a_thing_cost_so_much_more(found, times):
    many = found.times(times)
    assert (many.low, many.high) == (found.low * times, found.high * times)
    assert many.unknown == found.unknown


@given(estimates())
def test_an_estimate_is_read_back_as_it_was_written(found):
    assert estimate_from_tree(estimate_to_tree(found)) == found


def test_unknown_stays_unknown_in_every_sum():
    known = Estimate(low=Decimal(1), likely=Decimal(2), high=Decimal(3), currency="USD")
    found = known + unknown("the price of training")
    assert not found.known
    assert not found.free
    assert (found.likely, found.unknown) == (Decimal(2), ("the price of training",))
    assert not unknown("x").free
    assert FREE.free


def test_two_currencies_are_never_added():
    dollars = Estimate(low=Decimal(1), likely=Decimal(1), high=Decimal(1), currency="USD")
    euros = Estimate(low=Decimal(2), likely=Decimal(2), high=Decimal(2), currency="EUR")
    with pytest.raises(ValueError, match="USD and EUR"):
        _ = dollars + euros
    sums = totals([dollars, euros, dollars, unknown("hours")])
    assert {code: one.likely for code, one in sums.items()} == {"USD": 2, "EUR": 2, "": 0}
    assert sums[""].unknown == ("hours",)
    assert totals([dollars, unknown("hours"), FREE])["USD"].unknown == ("hours",)
    assert totals([]) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": Decimal(2), "likely": Decimal(1), "high": Decimal(3), "currency": "USD"},
        {"low": Decimal(-1), "likely": Decimal(1), "high": Decimal(3), "currency": "USD"},
        {"high": Decimal(3)},
        {"idle": Decimal(-1), "currency": "USD"},
    ],
)
def test_what_is_no_range_of_money_is_refused(wrong):
    with pytest.raises(ValueError, match="money"):
        Estimate(**wrong)


def test_a_damaged_amount_is_no_estimate():
    tree = {**estimate_to_tree(FREE), "low": "many"}
    with pytest.raises(ValueError, match="not an amount"):
        estimate_from_tree(tree)
    with pytest.raises(ValueError, match="negative"):
        FREE.times(-1)
