"""A plan's own words: counts, digest, sources."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tunectl.core import ports
from tunectl.core.diff import ABSENT, Delta
from tunectl.core.errors import Source
from tunectl.core.event import Event, Phase
from tunectl.core.graph import Cycle
from tunectl.core.guard import guards
from tunectl.core.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    Drift,
    OutputChange,
    Plan,
    RowDelta,
)
from tunectl.core.planner import make_plan
from tunectl.core.planrecord import plan_from_tree, plan_to_tree
from tunectl.core.project import Moved, Project
from tunectl.core.resource import Instance, Need, Recreate, Resource, Status
from tunectl.core.state import Intent, State
from tunectl.core.steps import Verb, steps
from tunectl.core.value import Address, Ref
from tunectl.core.wish import Wish

JOB = Address.of("tuning_job", "support")
EMPTY = State(lineage="l", project="p", env="default")
WANTED = Resource(address=JOB, provider="local", spec={}, fingerprint="F", source=Source("a.yaml"))
OLD = Instance(address=JOB, provider="local", account="a", id="j1", spec={})


def change(action: Action, **more) -> Change:
    told = {"address": JOB, "provider": "local", "cause": Cause.NEW} | more
    return Change(action=action, **told)


def plan(*changes: Change, **more) -> Plan:
    return Plan(lineage="l", serial=1, project="p", env="default", changes=changes, **more)


def test_the_summary_counts_a_replacement_twice_and_a_held_one_once():
    made = plan(
        change(Action.CREATE),
        change(Action.UPDATE),
        change(Action.REPLACE, doomed=OLD),
        change(Action.REPLACE, doomed=OLD, held=True),
        change(Action.RECREATE, doomed=OLD),
        change(Action.DELETE, doomed=OLD),
        change(Action.FORGET, doomed=OLD),
        change(Action.WAIT),
    )
    assert (made.adds, made.updates, made.destroys) == (4, 1, 3)
    assert not made.empty
    assert plan().empty


@pytest.mark.parametrize(
    "other",
    [
        {"action": Action.UPDATE},
        {"provider": "other"},
        {"address": Address.of("tuning_job", "other")},
        {"after": replace(WANTED, fingerprint="G")},
        {"before": OLD},
        {"doomed": OLD},
        {"held": True},
        {"deltas": (Delta(("a",), None, ABSENT),)},
    ],
)
def test_the_digest_binds_what_would_be_done(other):
    one = change(Action.CREATE, after=WANTED, deltas=(Delta(("a",), ABSENT, 1),))
    assert plan(one).digest != plan(replace(one, **other)).digest


def test_the_digest_binds_the_environment_and_the_accounts_and_no_more():
    one = plan(change(Action.CREATE))
    assert one.digest.startswith("sha256:")
    assert one.digest != replace(one, env="prod").digest
    assert one.digest != replace(one, accounts={"local": "b"}).digest
    assert one.digest != replace(one, moved=((JOB, Address.of("tuning_job", "b")),)).digest
    assert one.digest != replace(one, outputs=(OutputChange(name="o", after=1),)).digest
    assert one.digest == replace(one, serial=9, lineage="m", unchanged=4).digest


def test_a_change_knows_where_it_was_declared():
    assert change(Action.CREATE, after=WANTED).source == Source("a.yaml")
    assert change(Action.DELETE).source is None


def test_everything_a_plan_may_say_comes_back_from_json():
    said = replace(
        plan(
            change(
                Action.REPLACE,
                before=OLD,
                after=replace(WANTED, source=Source("a.yaml", 3, 7), parent=JOB, labels={"a": "ż"}),
                doomed=OLD,
                held=True,
                parent=JOB,
                needs=(JOB,),
                rows=(RowDelta(split="train", added=1, removed=2, changed=3, lines=("a:1",)),),
                notes=("a note",),
                deltas=(
                    Delta(("a", "b"), ABSENT, Ref(JOB, ("model_id",)), forces=True),
                    Delta(("c",), (1, {"ż": None}), ABSENT),
                ),
            ),
            change(Action.DELETE, before=OLD, doomed=OLD),
        ),
        accounts={"local": "a"},
        outputs=(
            OutputChange(name="m", before="x", after=Ref(JOB, ("model_id",)), sensitive=True),
            OutputChange(name="n", before=1, gone=True),
        ),
        moved=((JOB, Address.of("tuning_job", "desk")),),
        drift=(Drift(address=JOB, gone=True, released=True, deltas=(Delta(("a",), 1, 2),)),),
        blocked=(
            Blocked(address=JOB, reason="r", hint="h", by=JOB),
            Blocked(address=JOB, reason="r"),
        ),
        recover=(Intent(op="o", action="create", address=JOB, provider="local"),),
        notes=((JOB, "later"),),
        unchanged=2,
        destroy=True,
    )
    again = plan_from_tree(json.loads(json.dumps(plan_to_tree(said))))
    assert again == said
    assert again.digest == said.digest


def test_a_circle_of_resources_is_named():
    a, b = Address.of("endpoint", "a"), Address.of("endpoint", "b")
    wanted = (
        Resource(address=a, provider="local", spec={"model": Ref(b)}),
        Resource(address=b, provider="local", spec={}, depends_on=(a,)),
    )
    with pytest.raises(Cycle, match=r"endpoint\.a -> endpoint\.b -> endpoint\.a|endpoint\.b -> "):
        make_plan(Wish(resources=wanted), EMPTY, {})


def test_a_protected_object_that_is_merely_updated_or_forgotten_is_no_reason_to_refuse():
    guarded = replace(OLD, lifecycle=replace(OLD.lifecycle, protect=True))
    made = plan(change(Action.FORGET, doomed=guarded), change(Action.UPDATE, before=guarded))
    assert not list(guards(made, EMPTY))


def test_a_destroy_of_what_reads_as_gone_is_not_refused():
    state = replace(EMPTY, instances={JOB: OLD})
    made = make_plan(Wish(destroy=True), state, {JOB: None})
    assert made.destroy
    assert [c.action for c in made.changes] == [Action.DELETE]
    assert not list(guards(made, state))


def test_one_object_that_reads_as_gone_is_not_a_wrong_account():
    state = replace(EMPTY, instances={JOB: replace(OLD, recreate=Recreate.ON_REQUEST)})
    wanted = replace(WANTED, recreate=Recreate.ON_REQUEST)
    made = make_plan(Wish(resources=(wanted,)), state, {JOB: None})
    assert [b.address for b in made.blocked] == [JOB]
    assert not list(guards(made, state))


def test_two_moves_in_a_circle_end():
    other = Address.of("tuning_job", "other")
    state = replace(EMPTY, instances={JOB: OLD})
    moves = (Moved(before=JOB, after=other), Moved(before=other, after=JOB))
    made = make_plan(Wish(resources=(WANTED,), moved=moves), state, {})
    assert made.moved == ((JOB, other), (other, JOB))


def test_a_fixed_name_still_waits_for_users_that_do_not_need_the_new_object():
    alias = Address.of("endpoint", "old")
    user = Instance(
        address=alias, provider="local", account="a", id="e", spec={}, needs=(Need(JOB, "j1", "a"),)
    )
    wanted = replace(WANTED, destroy_first=True)
    state = replace(EMPTY, instances={JOB: replace(OLD, fingerprint="old"), alias: user})
    made = make_plan(Wish(resources=(wanted,)), state, {})
    found = {s.id: s for s in steps(made, state)}
    gone = found["delete tuning_job.support j1"]
    assert gone.after == {"delete endpoint.old e"}
    assert found["create tuning_job.support"].after == {gone.id}
    assert found["wait tuning_job.support"].after == {"create tuning_job.support"}
    assert gone.verb is Verb.DELETE


def test_waiting_is_over_when_the_status_is_settled():
    assert [status.settled for status in Status] == [False, True, True, True]


def test_the_types_a_plugin_imports_have_their_defaults():
    project = Project(name="p", env="default", root=".")
    assert project.state == "state/"
    mark = ports.Mark(lineage="l", project="p", env="e", address=JOB, op="o")
    assert mark.tool == "tunectl"
    event = Event(phase=Phase.START, address=JOB, verb=Verb.CREATE)
    assert event.phase.value == "apply_start"


def test_what_is_retired_is_never_made_and_stays_where_it_is():
    wanted = replace(WANTED, retired="base model `b` was shut down on 2026-10-23")
    user = Resource(
        address=Address.of("endpoint", "e"),
        provider="local",
        spec={"model": Ref(JOB, ("model_id",))},
    )
    fresh = make_plan(Wish(resources=(wanted, user)), EMPTY, {})
    assert fresh.changes == ()
    assert {str(b.address): b.reason for b in fresh.blocked} == {
        "tuning_job.support": "retired: base model `b` was shut down on 2026-10-23",
        "endpoint.e": "waits for `tuning_job.support`",
    }
    there = replace(OLD, fingerprint="F")
    state = replace(EMPTY, instances={JOB: there})
    assert make_plan(Wish(resources=(wanted,)), state, {JOB: there}).empty
    edited = replace(wanted, fingerprint="G")
    for plan_ in (
        make_plan(Wish(resources=(edited,)), state, {JOB: there}),
        make_plan(Wish(resources=(wanted,)), state, {JOB: None}),
        make_plan(Wish(resources=(wanted,), replace=frozenset({JOB})), state, {JOB: there}),
    ):
        assert plan_.changes == ()
        assert [b.reason[:8] for b in plan_.blocked] == ["retired:"]
    assert make_plan(Wish(destroy=True), state, {JOB: there}).destroys == 1


def test_a_fixed_name_is_freed_only_when_the_new_object_can_be_made_at_once():
    alias = Address.of("endpoint", "e")
    old = Instance(
        address=alias,
        provider="local",
        account="a",
        id="e1",
        spec={"model": "m"},
        needs=(Need(JOB, "j1", "a"),),
    )
    wanted = Resource(
        address=alias,
        provider="local",
        spec={"model": Ref(JOB, ("model_id",))},
        immutable=frozenset({"model"}),
        destroy_first=True,
    )
    state = replace(EMPTY, instances={JOB: replace(OLD, fingerprint="old"), alias: old})
    found = {s.id: s for s in steps(make_plan(Wish(resources=(WANTED, wanted)), state, {}), state)}
    assert "wait tuning_job.support" in found["delete endpoint.e e1"].after
    assert "delete endpoint.e e1" in found["create endpoint.e"].after
