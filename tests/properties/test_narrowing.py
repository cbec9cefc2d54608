"""What was approved is all that is done after a lock gap, and doing only that breaks nothing."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.declarations import Declaration
from tests.properties.test_planner_laws import (
    assert_settled,
    fated,
    fates,
    heal,
    histories,
    laws,
    seeds,
    world,
)
from tests.properties.world import World
from tunectl.core.approval import Approval
from tunectl.core.catching_up import caught_up
from tunectl.core.plan import Action, Plan
from tunectl.core.resource import Status
from tunectl.core.state import fold
from tunectl.core.underway import approval_of, busy, marked, narrowed


def looked(made: World, declared: Declaration) -> Plan:
    """Record what is there, and plan."""
    made.state = fold(made.state, caught_up(made.state, declared.resources, made.observed()))
    return marked(made.plan(declared), made.state, declared.outputs)


def approved(made: World, plan: Plan) -> Approval:
    return approval_of(plan, made.state, id_="a" * 32, who="anna", time="")


def lived(made: World, history: list[Declaration]) -> None:
    for declared in history:
        assert made.apply(declared) is not None
        made.time_passes()


@laws
@given(histories, seeds)
def test_the_approval_of_a_plan_covers_the_whole_plan(history, seed):
    made = world(seed)
    lived(made, history[:-1])
    plan = looked(made, history[-1])
    found = narrowed(plan, made.state, [approved(made, plan)])
    assert found.plan.changes == plan.changes
    assert found.plan.outputs == plan.outputs
    assert found.aside == ()


@laws
@given(histories, seeds, st.randoms(use_true_random=False))
def test_any_part_of_a_plan_can_be_done_alone_and_the_rest_later(
    history, seed, chance: random.Random
):
    made = world(seed)
    lived(made, history[:-1])
    declared = history[-1]
    plan = looked(made, declared)
    whole = approved(made, plan)
    wanted = {a: d for a, d in whole.wanted.items() if chance.random() < 0.6}
    part = replace(
        whole, wanted=wanted, doomed=tuple(n for n in whole.doomed if chance.random() < 0.6)
    )
    found = narrowed(plan, made.state, [part])
    assert {c.address for c in found.plan.changes if c.after is not None} <= wanted.keys()
    ended = {c.doomed.key for c in found.plan.changes if c.doomed is not None and not c.held}
    assert ended <= set(part.doomed)
    made._execute(found.plan, frozenset())  # the world checks that nothing used is deleted
    heal(made, declared)
    assert_settled(made, declared)


@laws
@given(histories, fates, seeds)
def test_after_a_lock_gap_the_same_is_done_and_nothing_is_bought_again(history, fate, seed):
    made = world(seed)
    lived(made, history[:-1])
    declared = history[-1]
    plan = looked(made, declared)
    approval = approved(made, plan)
    fated(made, dict.fromkeys(fate, Status.PENDING))
    made._execute(plan, frozenset())
    bought = made.bought.copy()
    fated(made, {})
    for _ in range(len(plan.changes) + 1):
        made.time_passes()
        again = narrowed(looked(made, declared), made.state, [approval])
        made._execute(again.plan, frozenset())
    approved_jobs = sum(
        c.after is not None and bool(c.after.fingerprint) and c.action is not Action.WAIT
        for c in plan.changes
    )
    assert sum((made.bought - bought).values()) <= approved_jobs
    heal(made, declared)
    assert_settled(made, declared)


@laws
@given(histories, seeds)
def test_the_very_plan_that_was_approved_is_never_busy_with_itself(history, seed):
    made = world(seed)
    lived(made, history[:-1])
    declared = history[-1]
    plan = looked(made, declared)
    approval = approved(made, plan)
    fated(made, dict.fromkeys("xyz", Status.PENDING))
    made._execute(plan, frozenset())
    parked = replace(approval, parked=True, left={a: (a,) for a in approval.left})
    made.state = replace(made.state, approvals=(parked,))
    again = looked(made, declared)
    assert list(busy(again, made.state)) == []
    assert all(c.who == "anna" for c in again.changes if c.after is not None)
