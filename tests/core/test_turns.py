"""Objects of which a provider makes only so many at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.graph import order
from tunectl.core.plan import Action, Cause, Change
from tunectl.core.resource import Resource
from tunectl.core.steps import Step, Verb
from tunectl.core.turns import groups, in_turns
from tunectl.core.value import Address

JOBS = ("vertex", "tuning_job")


def pair(name: str, provider: str = "vertex", *, running: bool = False, after=()) -> list[Step]:
    address = Address.of("tuning_job", name)
    after_ = Resource(address=address, provider=provider, spec={})
    change = Change(
        address=address, provider=provider, action=Action.CREATE, cause=Cause.NEW, after=after_
    )
    create = Step(
        id=f"create {address}",
        verb=Verb.CREATE,
        address=address,
        change=change,
        after=frozenset(f"wait tuning_job.{one}" for one in after),
    )
    wait = Step(
        id=f"wait {address}",
        verb=Verb.WAIT,
        address=address,
        change=change,
        after=create.after if running else frozenset({create.id}),
    )
    return [wait] if running else [create, wait]


def turns(steps, at_once=1):
    found = in_turns(steps, {JOBS: at_once})
    return {s.address.name: sorted(s.after) for s in found if s.verb is Verb.CREATE}


def test_one_at_a_time_waits_for_the_one_before_it():
    said = turns([*pair("a"), *pair("b"), *pair("c")])
    assert said == {"a": [], "b": ["wait tuning_job.a"], "c": ["wait tuning_job.b"]}


def test_two_at_a_time_wait_for_the_one_before_the_one_before():
    said = turns([*pair("a"), *pair("b"), *pair("c")], at_once=2)
    assert said == {"a": [], "b": [], "c": ["wait tuning_job.a"]}


def test_what_runs_already_has_the_first_turn():
    said = turns([*pair("a"), *pair("b", running=True)])
    assert said == {"a": ["wait tuning_job.b"]}


def test_other_providers_do_not_wait():
    steps = [*pair("a", "local"), *pair("b", "local")]
    assert in_turns(steps, {JOBS: 1}) == tuple(steps)
    assert groups(steps) == {("local", "tuning_job")}
    assert groups(pair("a")) == frozenset()


@pytest.mark.parametrize("at_once", [1, 2])
@given(
    links=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12),
    running=st.sets(st.integers(0, 7)),
)
def test_taking_turns_never_makes_a_circle(at_once, links, running):
    needs = {n: {low for low, high in links if high == n and low < n} for n in range(8)}
    # The plan's order is another than that of the needs.
    steps = []
    for n in reversed(range(8)):
        steps += pair(f"j{n}", after=[f"j{m}" for m in needs[n]], running=n in running)
    found = in_turns(steps, {JOBS: at_once})
    order({step.id: step.after for step in found})  # raises for a circle
    assert {s.id for s in found} == {s.id for s in steps}
    before = {s.id: s.after for s in steps}
    assert all(before[s.id] <= s.after for s in found)
    assert [replace(s, after=frozenset()) for s in found] == [
        replace(s, after=frozenset()) for s in steps
    ]
