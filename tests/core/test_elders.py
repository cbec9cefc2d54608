"""What is looked for before it is made a second time, and what is said of what was found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunectl.core.approval import Approval
from tunectl.core.elders import made_before, sought
from tunectl.core.planner import make_plan
from tunectl.core.resource import BUILTIN, Instance, Recreate, Resource
from tunectl.core.state import Forgotten, State
from tunectl.core.value import Address
from tunectl.core.wish import Elder, Wish

JOB, OTHER = Address.of("tuning_job", "a"), Address.of("tuning_job", "b")
STORE = Address.of("knowledge_base", "a")
EMPTY = State(lineage="ours", project="p", env="default")
RESOURCES = (
    Resource(address=Address.of("dataset", "a"), provider=BUILTIN, spec={}),
    Resource(address=JOB, provider="p", spec={}, recreate=Recreate.ON_REQUEST),
    Resource(address=OTHER, provider="p", spec={}, recreate=Recreate.ON_REQUEST),
    Resource(address=STORE, provider="p", spec={}),
)


def there(address: Address, provider: str = "p") -> Instance:
    return Instance(address=address, provider=provider, account="acc", id=f"{address}-1", spec={})


def recording(*instances: Instance, **more) -> State:
    return replace(EMPTY, serial=3, instances={i.address: i for i in instances}, **more)


def looked_for(state: State, **wish) -> set[str]:
    wanted = Wish(resources=RESOURCES, **wish)
    return {str(r.address) for r in sought(make_plan(wanted, state, {}), wanted, state)}


def approved(address: Address) -> Approval:
    return Approval(
        id="1", digest="d", who="anna", time="2026-11-23T00:00:00+00:00", left={address: ()}
    )


FREE = str(STORE)
JOBS = {str(JOB), str(OTHER)}


@pytest.mark.parametrize(
    ("state", "wish", "expected"),
    [
        (EMPTY, {}, JOBS | {FREE}),
        (replace(EMPTY, serial=1), {}, JOBS | {FREE}),
        (recording(there(RESOURCES[0].address, BUILTIN)), {}, JOBS),
        (recording(there(JOB)), {}, {str(OTHER)}),
        (recording(forgotten=(Forgotten("acc", "x"),)), {}, JOBS),
        (recording(there(JOB), there(OTHER)), {}, set()),
        (EMPTY, {"replace": frozenset({JOB, STORE})}, {str(OTHER)}),
        (recording(there(STORE), approvals=(approved(JOB),)), {}, {str(OTHER)}),
        (EMPTY, {"chosen": frozenset({JOB})}, {str(JOB)}),
        (EMPTY, {"destroy": True}, set()),
        (EMPTY, {"imports": {JOB: there(JOB)}}, {str(OTHER), FREE}),
    ],
)
def test_what_is_looked_for(state, wish, expected):
    assert looked_for(state, **wish) == expected


def test_what_is_bought_once_is_looked_for_although_its_base_is_retired():
    old = replace(RESOURCES[1], retired="shut down")
    wanted = Wish(resources=(old,))
    plan = make_plan(wanted, EMPTY, {})
    assert not plan.changes
    assert list(sought(plan, wanted, EMPTY)) == [old]


def found(state: State, **ids: str) -> tuple[Wish, list[str]]:
    elders = {
        a: tuple(Elder(id=i, lineage=i[:1]) for i in ids[a.name + a.kind[0]].split())
        for a in (JOB, OTHER, STORE)
        if a.name + a.kind[0] in ids
    }
    wanted = Wish(resources=RESOURCES, elders=elders)
    plan = make_plan(wanted, state, {})
    hints = [b.hint for b in plan.blocked]
    return wanted, [*hints, *(d.hint for d in made_before(plan, wanted, state))]


def test_of_all_that_costs_nothing_one_warning_tells_and_nothing_is_blocked():
    keys = [Address.of("endpoint", "a", key=str(n)) for n in range(7)]
    wanted = Wish(
        resources=tuple(replace(RESOURCES[3], address=a) for a in keys),
        elders={a: (Elder(id=f"vs-{a.key}", lineage="x"),) for a in keys},
    )
    plan = make_plan(wanted, EMPTY, {})
    assert len(plan.changes) == 7
    assert not plan.blocked
    [told] = made_before(plan, wanted, EMPTY)
    assert told.severity.value == "warning"
    assert '`endpoint.a["0"]` (`vs-0`)' in told.summary
    assert told.summary.endswith(" and 2 more")
    assert "`tunectl import 'endpoint.a[\"0\"]' vs-0 --force`" in told.hint


def test_what_cannot_be_imported_is_not_said_to_be():
    elders = {STORE: (Elder(id="vs-1", lineage="x", importable=False),)}
    wanted = Wish(resources=RESOURCES[3:], elders=elders)
    [told] = made_before(make_plan(wanted, EMPTY, {}), wanted, EMPTY)
    assert "`knowledge_base.a` (`vs-1`)" in told.summary
    assert told.hint == (
        "`tunectl state repair --write` makes the state of what carries its mark; "
        "else each is made a second time"
    )


def test_the_state_of_the_marks_is_offered_only_where_it_loses_nothing():
    repair = "`tunectl state repair --write"
    [hint] = found(EMPTY, at="xjob")[1]
    assert hint.startswith(f"{repair}` makes the state")
    [hint] = found(replace(EMPTY, serial=1), at="xjob")[1]
    assert hint.startswith(f"{repair} --force --lineage x` makes")
    first, second = found(EMPTY, at="xjob", bt="yjob")[1]
    assert first.startswith(f"{repair} --lineage x` makes")
    assert second.startswith(f"{repair} --lineage y` makes")
    [hint] = found(recording(there(JOB)), bt="yjob")[1]
    assert hint.startswith("`tunectl import tuning_job.b yjob --force` takes it over; ")
    [hint] = found(recording(forgotten=(Forgotten("acc", "x"),)), bt="yjob")[1]
    assert hint.startswith("`tunectl import")
