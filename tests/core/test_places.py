"""One object stands at one address; what was renamed and renamed back is found again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.places import brought_home, place_of, places, recorded_twice, told_apart
from tunectl.core.resource import BUILTIN, Instance, Need
from tunectl.core.state import State
from tunectl.core.value import Address

A, B, X = (Address.of("tuning_job", name) for name in "abx")
UPLOAD = Address.of("upload", "a")
EMPTY = State(lineage="l", project="p", env="default")


def at(address: Address, id_: str = "job-1", **more) -> Instance:
    made = Instance(address=address, provider="local", account="local-1", id=id_, spec={})
    return replace(made, **more)


def state(*live: Instance, superseded: tuple[Instance, ...] = ()) -> State:
    return replace(EMPTY, instances={i.address: i for i in live}, superseded=superseded)


def test_two_addresses_of_one_object_are_found_live_or_superseded():
    assert recorded_twice(state(at(A), at(B, "job-2"))) == ()
    assert recorded_twice(state(at(A), at(B))) == ((at(A), at(B)),)
    assert recorded_twice(state(at(A), superseded=(at(B),))) == ((at(A), at(B)),)


def test_another_account_or_kind_or_what_is_built_in_is_no_other_address_of_it():
    other = at(B, account="local-2")
    assert recorded_twice(state(at(A), other, at(UPLOAD))) == ()
    assert recorded_twice(state(at(A, provider=BUILTIN), at(B, provider=BUILTIN))) == ()


def test_what_a_newer_record_says_decides_then_what_lives_then_what_is_declared():
    both = state(at(A), at(B))
    assert set(told_apart(both, {place_of(at(A)): B}, {A}).instances) == {B}
    assert set(told_apart(both, {}, {B}).instances) == {B}
    kept = told_apart(state(at(A), superseded=(at(B),)), {}, {B})
    assert (set(kept.instances), kept.superseded) == ({A}, ())


def test_what_was_renamed_and_renamed_back_comes_home_with_all_that_names_it():
    alias = at(Address.of("endpoint", "e"), "e", needs=(Need(X, "job-1"),))
    found = brought_home(state(at(X), alias), (state(at(X)), state(at(A))), {A, alias.address})
    assert set(found.instances) == {A, alias.address}
    assert found.instances[alias.address].needs == (Need(A, "job-1"),)


def test_a_declared_or_a_taken_address_is_left_as_the_newest_record_says():
    assert set(brought_home(state(at(B)), (state(at(A)),), {A, B}).instances) == {B}
    taken = state(at(X), at(A, "job-2"))
    assert brought_home(taken, (state(at(A)),), {A}) == taken
    assert set(brought_home(state(at(X)), (state(at(B)),), {A}).instances) == {X}


ADDRESSES = st.sampled_from([A, B, X])
IDS = st.sampled_from(["job-1", "job-2", "job-3"])
STATES = st.builds(
    lambda live, old: state(
        *(at(a, i) for a, i in live.items()), superseded=tuple(at(a, i) for a, i in old)
    ),
    st.dictionaries(ADDRESSES, IDS),
    st.lists(st.tuples(ADDRESSES, IDS), max_size=4, unique=True),
)


@given(STATES, st.dictionaries(IDS, ADDRESSES), st.sets(ADDRESSES), st.lists(STATES, max_size=3))
def test_no_object_is_lost_and_each_is_at_one_address(given_, newest, declared, older):
    told = {("local-1", "tuning_job", id_): a for id_, a in newest.items()}
    apart = told_apart(given_, told, declared)
    assert recorded_twice(apart) == ()
    assert places(apart).keys() == places(given_).keys()
    home = brought_home(apart, older, declared)
    assert recorded_twice(home) == ()
    assert places(home).keys() == places(given_).keys()
