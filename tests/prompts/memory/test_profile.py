"""The fields of a profile: what is taken, and that what is refused is never shown."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.prompts.memory.profile import Profile, ProfileError

FIELDS = {
    "name": {"type": "string", "max_chars": 5},
    "free": {"type": "string"},
    "age": {"type": "integer", "one_of": [1, 2]},
    "score": {"type": "number"},
    "vip": {"type": "boolean"},
    "tags": {"type": "list", "max_chars": 3, "max_items": 2, "one_of": ["pl", "ru"]},
    "born": {"type": "date"},
}
PROFILE = Profile("customers", FIELDS)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("name", 7, "must be a text, not int"),
        ("name", "KANAREK", "may have 5 characters"),
        ("free", "K" * 2001, "may have 2000 characters"),
        ("age", "KANAREK", "must be a whole number, not a text"),
        ("age", True, "must be a whole number, not bool"),
        ("age", 3, "must be one of `1`, `2`"),
        ("score", float("nan"), "must be a number, not float"),
        ("score", True, "must be a number, not bool"),
        ("score", 2**63, "must be a number, not int"),
        ("vip", 1, "must be true or false, not int"),
        ("tags", "pl", "must be a list of texts, not a text"),
        ("tags", ["pl", 5], "must be a list of texts, not list"),
        ("tags", ["KANAREK"], "may have 3 characters in each text"),
        ("tags", ["pl", "ru", "pl"], "may have 2 texts"),
        ("tags", ["de"], "must be one of `pl`, `ru`"),
        ("born", "KANAREK", "must be a date"),
        ("born", "2026-02-30", "must be a date"),
        ("born", "20260101", "must be a date"),
        ("born", datetime(2026, 1, 1), "must be a date"),  # noqa: DTZ001  # a user's value
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_not_shown(field, value, why):
    with pytest.raises(ProfileError) as told:
        PROFILE.checked({field: value})
    assert why in str(told.value)
    assert f"field `{field}` of memory `customers`" in str(told.value)
    assert "KANAREK" not in str(told.value)


@pytest.mark.parametrize("name", ["KANAREK 1 <x>", 7, "", "a" * 200])
def test_what_is_no_name_of_a_field_is_not_shown(name):
    with pytest.raises(ProfileError, match="has no such field; declared are `name`") as told:
        PROFILE.checked({name: "x"})
    assert "KANAREK" not in str(told.value)


def test_a_mark_inside_a_text_subclass_is_lost():
    class Shouting(str):
        __slots__ = ()

        def __str__(self):
            return "inny"

    kept = PROFILE.checked({"free": Shouting("x")})["free"]
    assert type(kept) is str


@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "other"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(),
            st.lists(st.text(max_size=3), max_size=3),
            st.dictionaries(st.text(), st.text()),
        ),
    )
)
def test_what_is_taken_is_known_afterwards_and_what_is_refused_is_a_profile_error(fields):
    try:
        kept = PROFILE.checked(fields)
    except ProfileError:
        return
    known = PROFILE.known({name: value for name, value in kept.items() if value is not None})
    assert known == {name: value for name, value in kept.items() if value is not None}
    assert PROFILE.injected(kept) == {}
