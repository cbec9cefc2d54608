"""Names and marks in the letters of AWS: whatever people write, it comes back whole."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.ports import Mark
from tunectl.core.value import Address
from tunectl.providers.bedrock.naming import (
    as_tags,
    decoded,
    encoded,
    job_name,
    mark_of,
    mark_pairs,
    object_name,
    op_in_key,
    op_in_name,
    pairs_of,
    served_name,
)
from tunectl.providers.bedrock.places import Place

# botocore 1.44.5
JOB = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*")
MODEL = re.compile(r"([0-9a-zA-Z][_-]?){1,63}")
TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")
OPS = st.text("0123456789abcdef", min_size=32, max_size=32)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@st.composite
def marks(draw):
    return Mark(
        lineage="11111111-2222-3333-4444-555555555555",
        project=draw(TEXTS),
        env=draw(TEXTS),
        address=Address.of("tuning_job", "obsługa", key=draw(st.none() | TEXTS)),
        op=draw(OPS),
    )


@given(TEXTS)
def test_any_text_survives_in_the_letters_of_a_tag(text):
    there = encoded(text)
    assert TAG.fullmatch(there)
    assert there == there.strip()
    assert decoded(there) == text


@given(marks())
def test_a_mark_survives_as_tags(mark):
    tags = as_tags(mark_pairs(mark))
    assert all(TAG.fullmatch(tag["value"]) and len(tag["value"]) <= 256 for tag in tags)
    assert len({tag["key"] for tag in tags}) == len(tags)
    assert mark_of(pairs_of(tags)) == mark


@given(marks())
def test_a_mark_that_is_cut_or_strange_is_no_mark(mark):
    pairs = mark_pairs(mark)
    for key in pairs:
        rest = {name: value for name, value in pairs.items() if name != key}
        found = mark_of(rest)
        assert found is None or key.endswith(("-2", "-3", "-4"))
    assert mark_of({}) is None
    assert mark_of({**pairs, "tunectl-address": "=ZZ"}) is None


def test_a_mark_that_has_no_room_is_left_out_as_a_whole():
    address = Address.of("upload", "x", key="ż" * 300)
    mark = Mark(lineage="l", project="p", env="e", address=address, op="a" * 32)
    assert mark_of(mark_pairs(mark)) is None


@given(marks(), st.text("0123456789abcdef", min_size=8, max_size=8))
def test_names_fit_and_hold_the_operation(mark, content):
    for name in (job_name(mark, content), served_name(mark)):
        assert JOB.fullmatch(name)
        assert MODEL.fullmatch(name)
        assert len(name) <= 63
        assert op_in_name(name) == mark.op
    assert f"-{content}-" in job_name(mark, content)


@given(marks(), st.from_regex(r"([0-9a-zA-Z][_-]?){1,21}", fullmatch=True))
def test_a_suffix_begins_the_name(mark, suffix):
    name = job_name(mark, "01234567", suffix[:21])
    assert MODEL.fullmatch(name)
    assert name.startswith(suffix[:20].rstrip("-_"))


@given(marks(), TEXTS, TEXTS)
def test_keys_of_rows_are_places_that_bedrock_takes(mark, dataset, split):
    name = object_name(mark, f"dataset.{dataset}", split, "a1" * 32)
    place = Place("acme", "rows").below(name)
    assert Place.parse(str(place)) == place
    assert op_in_key(place.key) == mark.op


def test_people_can_read_the_names():
    mark = Mark(
        lineage="l",
        project="pomoc",
        env="default",
        address=Address.of("tuning_job", "obsługa", key="Żółw"),
        op="ab" * 16,
    )
    assert job_name(mark, "01234567").startswith("pomoc-obsluga-zolw-01234567-abab")
    assert op_in_name("helpdesk-support") == ""
    assert op_in_key("rows/other.jsonl") == ""
