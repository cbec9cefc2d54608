"""Durations and instants as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tunectl.kinds.moments import UNITS
from tunectl.kinds.time import Duration, Instant

DURATION, INSTANT = TypeAdapter(Duration), TypeAdapter(Instant)


def refused(adapter: TypeAdapter, said: object) -> tuple[str, str]:
    """Return what is said of a value, and the hint."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(said)
    context = caught.value.errors()[0]["ctx"]
    return context["message"], context["hint"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("90s", 90), ("5m", 300), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_a_duration_is_a_number_and_a_unit(said, seconds):
    assert DURATION.validate_python(said) == seconds


@given(st.lists(st.sampled_from(sorted(UNITS)), min_size=1, unique=True), st.integers(1, 99))
def test_the_parts_of_a_duration_add_up_in_any_order(units, number):
    said = "".join(f"{number}{unit}" for unit in units)
    assert DURATION.validate_python(said) == sum(number * UNITS[unit] for unit in units)
    assert DURATION.validate_python(f" {said} ") == DURATION.validate_python(said)


@pytest.mark.parametrize("said", [30, 30.0, "30", True, None, [], "", "-1d", "1.5d", "d", "1y"])
def test_what_is_no_duration_is_refused(said):
    message, hint = refused(DURATION, said)
    assert message.startswith("must be a duration")
    assert hint


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (30, "a number needs its unit: `30s`, `30m`, `30h`, `30d` or `30w`"),
        ("30 days", "write `30d`"),
        ("2 hours", "write `2h`"),
        ("3 months", "months and years differ in length: write days, such as `30d`"),
        ("1 year", "months and years differ in length: write days, such as `30d`"),
    ],
)
def test_the_hint_knows_what_was_meant(said, hint):
    assert refused(DURATION, said)[1] == hint


@pytest.mark.parametrize("said", ["0s", "99999999w", "0d0h"])
def test_a_duration_has_bounds(said):
    assert "more than 0 and at most 100 years" in refused(DURATION, said)[0]


@given(
    st.integers(0, 7_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from("Tt "),
)
def test_an_instant_is_the_same_in_every_zone(at, minutes, between):
    zoned = at.astimezone(timezone(timedelta(minutes=minutes)))
    said = zoned.isoformat().replace("T", between)
    found = INSTANT.validate_python(said)
    assert found.endswith("Z")
    assert datetime.fromisoformat(found) == zoned
    assert INSTANT.validate_python(found) == found


def test_a_date_is_its_first_moment_in_utc():
    assert INSTANT.validate_python("2027-01-31") == "2027-01-31T00:00:00Z"
    parsed = datetime.fromisoformat(INSTANT.validate_python("2027-01-31"))
    assert parsed == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("2027-01-31 18:00", "write `2027-01-31T18:00Z` if UTC is meant"),
        ("30d", "write `expires_after: 30d` for a time from the creation on"),
        ("2027-02-30", "such as `2027-01-31` (00:00 UTC) or `2027-01-31T18:00+01:00`"),
        ("31.01.2027", "such as `2027-01-31` (00:00 UTC) or `2027-01-31T18:00+01:00`"),
        ("0001-01-01T00:00+14:00", "such as `2027-01-31` (00:00 UTC) or `2027-01-31T18:00+01:00`"),
        (20270131, "such as `2027-01-31` (00:00 UTC) or `2027-01-31T18:00+01:00`"),
    ],
)
def test_what_is_no_instant_is_refused_with_what_to_write(said, hint):
    assert refused(INSTANT, said)[1] == hint
