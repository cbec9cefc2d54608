"""Names, labels and marks: pure functions, for any name that a declaration may have."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.ports import Mark
from tunectl.core.value import Address
from tunectl.providers.vertex.machines import deployed_id, deployed_model
from tunectl.providers.vertex.marks import (
    OURS,
    description_of,
    display_name,
    fits,
    labels_of,
    mark_of,
)
from tunectl.providers.vertex.places import Name, host_of, location_of, same_thing
from tunectl.providers.vertex.staging import Place

LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40)
MARKS = st.builds(
    Mark,
    lineage=st.uuids().map(str),
    project=WORDS,
    env=WORDS,
    address=st.builds(
        lambda name, key: Address.of("tuning_job", name, key=key),
        st.sampled_from(["support", "obsługa", "поддержка_2"]),
        st.none() | WORDS,
    ),
    op=st.uuids().map(lambda one: one.hex),
)


@given(mark=MARKS)
def test_a_mark_comes_back_whole_from_labels_and_description(mark):
    labels = labels_of(mark, {})
    assert mark_of(labels, description_of(mark)) == mark
    assert mark_of({k: v for k, v in labels.items() if k != "tunectl-op"}, "") is None
    assert mark_of(labels, "somebody else's words") is None


@given(mark=MARKS, own=st.dictionaries(WORDS, WORDS, max_size=5))
def test_only_labels_that_google_takes_are_sent(mark, own):
    labels = labels_of(mark, own)
    assert all(LABEL[0].fullmatch(k) and LABEL[1].fullmatch(v) for k, v in labels.items())
    assert labels.keys() >= OURS
    assert {k: v for k, v in own.items() if fits(k, v)}.items() <= labels.items()


@given(mark=MARKS, suffix=st.none() | WORDS)
def test_a_display_name_is_short_plain_and_ends_in_its_operation(mark, suffix):
    name = display_name(mark, suffix)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert name.endswith(mark.op[:8])
    assert len(name) <= 128


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("projects/p/locations/eu/models/7@2", ("p", "eu", "models", "7", "2")),
        ("projects/1/locations/us/endpoints/8", ("1", "us", "endpoints", "8", "")),
    ],
)
def test_a_name_is_taken_apart(text, parts):
    name = Name.of(text)
    assert (name.project, name.location, name.collection, name.id, name.version) == parts
    assert name.bare == text.partition("@")[0]


@pytest.mark.parametrize("text", ["gemini-3.5-flash", "projects/p", "", "projects/p/locations/l"])
def test_what_is_no_name_is_none(text):
    assert Name.of(text) is None


def test_a_project_s_number_and_id_name_the_same_thing():
    assert same_thing("projects/acme/locations/eu/models/7", "projects/12/locations/eu/models/7@1")
    assert not same_thing(
        "projects/acme/locations/eu/models/7", "projects/acme/locations/us/models/7"
    )


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
    ],
)
def test_the_host_follows_the_location(location, host):
    assert host_of(location) == host
    assert location_of(f"projects/p/locations/{location}/operations/1") == location


@given(model=WORDS, machine=WORDS)
def test_a_deployment_s_id_is_ten_digits_and_the_same_for_the_same(model, machine):
    endpoint = "projects/p/locations/eu/endpoints/e1"
    spec = {"model": model, "machine_type": machine, "replicas": {"min": 1, "max": 2}}
    one = deployed_id(endpoint, spec)
    assert re.fullmatch(r"[1-9][0-9]{9}", one)
    assert deployed_id(endpoint, {**spec, "replicas": {"min": 3, "max": 3}}) == one
    assert deployed_id(endpoint, {**spec, "machine_type": f"{machine}x"}) != one
    assert deployed_model(endpoint, spec)["id"] == one


def test_a_bucket_may_have_a_folder():
    assert Place.of("gs://acme") == Place("acme", "tunectl/")
    assert Place.of("gs://acme/dane/żółw/") == Place("acme", "dane/żółw/tunectl/")
