"""execute does what the plan says, in order, durably, and never twice."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import pytest

from tests.engine import world
from tests.engine.world import ALIAS, FILE, JOB, Log, Remote
from tunectl.core.errors import Refused, StateError, UnavailableError, UnknownOutcomeError
from tunectl.core.event import Phase
from tunectl.core.planner import make_plan
from tunectl.core.ports import JobEvent
from tunectl.core.resource import Status
from tunectl.core.state import Account, Made, State, fold
from tunectl.core.wish import Wish
from tunectl.engine.apply import Execution
from tunectl.engine.recover import recover
from tunectl.engine.refresh import observe
from tunectl.engine.run import Run


def planned(state, remote, rows="r1", **wish):
    connect = world.tools(remote, Log()).connect
    wish = {"resources": world.resources(rows), **wish}
    return make_plan(Wish(**wish), state, observe(state, connect))


def applied(remote, state=None, rows="r1", *, log=None, destroy=False, **changes):
    state = state or world.empty()
    log = log or Log()
    plan = planned(state, remote, rows, destroy=destroy)
    execution = Execution(plan, state, world.tools(remote, log, **changes))
    events = list(execution.events())
    return execution, events, log


def test_everything_is_made_in_order_and_the_next_plan_is_empty():
    remote = Remote(polls=3)
    execution, events, _ = applied(remote)
    assert execution.outcome.failures == []
    assert remote.created == ["upload-1", "tuning_job-2", "endpoint-3"]
    assert planned(execution.state, remote).empty
    assert execution.state.instances[ALIAS].spec["model"] == "ft:tuning_job-2"
    assert [e.address for e in events if e.phase is Phase.COMPLETE] == [FILE, JOB, ALIAS]


def test_the_journal_alone_rebuilds_the_state():
    remote = Remote()
    execution, _, log = applied(remote)
    assert world.replayed(world.empty(), log) == execution.state


def test_a_replacement_makes_the_new_before_the_old_goes():
    remote = Remote()
    first, _, _ = applied(remote)
    remote.polls = 1
    second, events, _ = applied(remote, first.state, "r2")
    done = [(e.verb.value, str(e.address), e.id) for e in events if e.phase is Phase.COMPLETE]
    assert done.index(("update", "endpoint.a", "endpoint-3")) < done.index(
        ("delete", "tuning_job.a", "tuning_job-2")
    )
    assert done.index(("delete", "tuning_job.a", "tuning_job-2")) < done.index(
        ("delete", 'upload.a["train"]', "upload-1")
    )
    assert set(remote.objects) == {"upload-4", "tuning_job-5", "endpoint-3"}
    assert second.state.superseded == ()
    assert [e.message for e in events if e.phase is Phase.REMAINS] == [
        "job record tuning_job-2 stays and bills nothing"
    ]


def test_destroy_empties_the_world_and_the_state():
    remote = Remote()
    first, _, _ = applied(remote)
    gone, _, _ = applied(remote, first.state, destroy=True)
    assert remote.objects == {}
    assert gone.state.instances == {}


def test_a_lost_reply_is_looked_up_and_never_sent_twice():
    remote = Remote(fault=world.lost_reply("create", "tuning_job"))
    execution, _, _ = applied(remote)
    assert execution.outcome.failures == []
    assert [i for i in remote.created if i.startswith("tuning_job")] == ["tuning_job-2"]


def test_when_nothing_answers_the_intent_stays_open_and_the_next_run_adopts():
    remote = Remote()

    def deaf(verb, kind, when):
        if (verb, kind, when) == ("create", "tuning_job", "after"):
            remote.marks["hidden"] = remote.marks.pop("tuning_job-2")
            remote.objects["hidden"] = remote.objects.pop("tuning_job-2")
            raise UnknownOutcomeError.of("the connection was reset")

    remote.fault = deaf
    real_find = world.MemoryHandler.find
    blind = {"on": True}

    class Blind(world.MemoryHandler):
        def find(self, mark):
            return [] if blind["on"] else real_find(self, mark)

    class Provider(world.MemoryProvider):
        @property
        def handlers(self):
            return {k: Blind(self.remote, k) for k in ("upload", "tuning_job", "endpoint")}

    provider = Provider(remote)
    execution, _, _ = applied(remote, connect=lambda name: provider)
    assert [i.address for i in execution.state.intents] == [JOB]
    assert ALIAS not in execution.state.instances
    blind["on"] = False
    remote.objects["hidden"] = replace(remote.objects["hidden"], id="hidden")
    run = Run(execution.state, world.tools(remote, Log(), connect=lambda name: provider))
    events = list(recover(run, world.project(), lambda: None))
    assert [e.phase for e in events] == [Phase.RECOVERED]
    assert run.state.intents == ()
    assert run.state.instances[JOB].id == "hidden"
    remote.fault = lambda verb, kind, when: None
    done, _, _ = applied(remote, run.state)
    assert planned(done.state, remote).empty
    assert [i for i in remote.created if i.startswith("tuning_job")] == ["tuning_job-2"]


def test_a_definite_refusal_closes_the_intent_and_stops_the_dependants():
    remote = Remote(fault=world.refusal("create", "tuning_job"))
    execution, events, _ = applied(remote)
    assert [d.summary for d in execution.outcome.failures] == ["no such base model"]
    assert execution.state.intents == ()
    assert {s.address for s in execution.outcome.skipped} == {JOB, ALIAS}
    assert Phase.ERRORED in {e.phase for e in events}
    assert FILE in execution.state.instances


def test_a_failed_job_is_recorded_and_never_bought_again_unasked():
    remote = Remote(polls=2)
    original = world.MemoryHandler.create

    class Failing(world.MemoryHandler):
        def create(self, request):
            made = original(self, request)
            if self.kind == "tuning_job":
                self.remote.objects[made.id] = replace(made, reason="invalid_n_examples: 3 rows")
            return made

    class Provider(world.MemoryProvider):
        @property
        def handlers(self):
            return {k: Failing(self.remote, k) for k in ("upload", "tuning_job", "endpoint")}

    provider = Provider(remote)
    execution, _, _ = applied(remote, connect=lambda name: provider)
    assert execution.state.instances[JOB].status is Status.FAILED
    assert "invalid_n_examples: 3 rows" in execution.outcome.failures[0].summary
    plan = planned(execution.state, remote)
    assert plan.changes == ()
    assert {str(b.address) for b in plan.blocked} == {"tuning_job.a", "endpoint.a"}


def test_a_stop_detaches_from_a_running_job_and_the_next_apply_goes_on():
    stop = threading.Event()
    remote = Remote(polls=10_000)

    def stop_soon(verb, kind, when):
        if (verb, kind) == ("poll", "tuning_job"):
            stop.set()

    remote.fault = stop_soon
    execution, events, _ = applied(remote, stop=stop)
    assert execution.state.instances[JOB].status is Status.PENDING
    assert Phase.DETACHED in {e.phase for e in events}
    assert ALIAS not in execution.state.instances
    remote.polls = 1
    done, _, _ = applied(remote, execution.state)
    assert planned(done.state, remote).empty
    assert len([i for i in remote.created if i.startswith("tuning_job")]) == 1


def test_without_waiting_the_job_is_left_running():
    remote = Remote(polls=10_000)
    execution, _, _ = applied(remote, wait=False)
    assert [s.address for s in execution.outcome.detached] == [JOB]


def test_a_hiccup_while_polling_is_waited_out():
    remote = Remote(polls=2)
    hiccups = iter([True])

    def fault(verb, kind, when):
        if verb == "poll" and next(hiccups, False):
            raise UnavailableError.of("connection refused")

    remote.fault = fault
    execution, _, _ = applied(remote)
    assert execution.outcome.failures == []


def test_what_vanished_is_made_again_and_not_taken_for_a_replacement():
    remote = Remote()
    first, _, _ = applied(remote)
    del remote.objects["endpoint-3"]
    again, _, _ = applied(remote, first.state)
    assert again.state.superseded == ()
    assert planned(again.state, remote).empty


def test_a_lost_lock_starts_nothing_new():
    remote = Remote()
    lost = StateError.of("the state lock was lost")

    def hold():
        raise lost

    execution, _, _ = applied(remote, hold=hold)
    assert execution.outcome.fatal is lost
    assert remote.created == []


@pytest.mark.parametrize("cut", range(20))
def test_killed_after_any_journal_entry_the_next_apply_converges(cut):
    """The journal stops accepting: as a kill does, at that instant and for every later step."""
    remote = Remote()
    log = Log(cut)
    state = world.empty()
    plan = planned(state, remote)
    execution = Execution(plan, state, world.tools(remote, log))
    with contextlib.suppress(KeyboardInterrupt):
        list(execution.events())
    survived = world.replayed(state, log)
    run = Run(survived, world.tools(remote, Log()))
    list(recover(run, world.project(), lambda: None))
    remote.polls = 1
    done, _, _ = applied(remote, run.state)
    assert done.outcome.failures == []
    assert planned(done.state, remote).empty
    assert sorted(i.partition("-")[0] for i in remote.created) == [
        "endpoint",
        "tuning_job",
        "upload",
    ]
    assert len(remote.objects) == 3


def test_several_objects_with_one_mark_stop_everything():
    remote = Remote()
    log = Log(3)
    plan = planned(world.empty(), remote)
    execution = Execution(plan, world.empty(), world.tools(remote, log))
    with contextlib.suppress(KeyboardInterrupt):
        list(execution.events())
    survived = world.replayed(world.empty(), log)
    [intent] = survived.intents
    twin = next(iter(remote.objects.values()))
    for id_ in ("twin-1", "twin-2"):
        remote.objects[id_] = replace(twin, id=id_)
        remote.marks[id_] = intent.op
    run = Run(survived, world.tools(remote, Log()))
    with pytest.raises(StateError, match="several objects"):
        list(recover(run, world.project(), lambda: None))


def test_another_account_is_refused_before_anything_is_read():
    remote = Remote()
    first, _, _ = applied(remote)
    foreign = {a: replace(i, account="other") for a, i in first.state.instances.items()}
    state = replace(first.state, instances=foreign)
    with pytest.raises(Refused, match="lives in account `other`"):
        observe(state, world.tools(remote, Log()).connect)


def test_folding_a_prefix_twice_changes_nothing():
    _, _, log = applied(Remote())
    for n in range(len(log.entries)):
        once = fold(world.empty(), log.entries[:n])
        assert fold(once, [e for e in log.entries[:n] if isinstance(e, Made)]).instances.keys() == (
            once.instances.keys()
        )
        assert isinstance(once, State)


def crashed_after_upload(remote, rows="r1"):
    """What survives a kill between the upload's arrival and the record of it."""
    log = Log(1)  # the intent alone is durable
    execution = Execution(
        planned(world.empty(), remote, rows), world.empty(), world.tools(remote, log)
    )
    with contextlib.suppress(KeyboardInterrupt):
        list(execution.events())
    return world.replayed(world.empty(), log)


def test_what_was_begun_for_other_data_is_adopted_and_then_replaced():
    remote = Remote()
    run = Run(crashed_after_upload(remote), world.tools(remote, Log()))
    list(recover(run, world.project("r2"), lambda: None))
    assert run.state.instances[FILE].spec == remote.objects["upload-1"].spec
    done, _, _ = applied(remote, run.state, "r2")
    assert done.outcome.failures == []
    assert done.state.instances[FILE].spec == {"sha256": "r2"}
    assert "upload-1" not in remote.objects
    assert planned(done.state, remote, "r2").empty


def test_an_open_step_is_settled_only_in_the_account_it_was_begun_in():
    remote = Remote()
    state = crashed_after_upload(remote)
    here = Account(type="memory", account="memory")
    elsewhere = replace(state, providers={"memory": replace(here, account="other")})
    run = Run(elsewhere, world.tools(remote, Log()))
    with pytest.raises(Refused, match="was begun in account `other`"):
        list(recover(run, world.project(), lambda: None))
    assert run.state.intents == state.intents


def test_where_nobody_can_tell_the_user_may_allow_another():
    remote = Remote()

    class Unsure(world.MemoryHandler):
        def find(self, mark):
            raise UnknownOutcomeError.of("the service keeps no marks")

    class Provider(world.MemoryProvider):
        @property
        def handlers(self):
            return {k: Unsure(self.remote, k) for k in ("upload", "tuning_job", "endpoint")}

    tools = world.tools(remote, Log(), connect=lambda name: Provider(remote))
    run = Run(crashed_after_upload(remote), tools)
    with pytest.raises(UnknownOutcomeError):
        list(recover(run, world.project(), lambda: None))
    assert len(run.state.intents) == 1
    list(recover(run, world.project(), lambda: None, {FILE}))
    assert run.state.intents == ()


def test_superseded_objects_of_another_account_are_refused_too():
    remote = Remote()
    first, _, _ = applied(remote)
    old = replace(first.state.instances[JOB], id="old", account="other")
    with pytest.raises(Refused, match="lives in account `other`"):
        observe(replace(first.state, superseded=(old,)), world.tools(remote, Log()).connect)


def test_when_nobody_listens_any_more_waits_let_go():
    remote = Remote(polls=10**6)
    tools = world.tools(remote, Log())
    execution = Execution(planned(world.empty(), remote), world.empty(), tools)
    events = execution.events()
    while next(events).phase is not Phase.PROGRESS:
        pass
    events.close()
    assert tools.stop.is_set()
    assert execution.state.instances[JOB].status is Status.PENDING


def test_progress_keeps_the_last_validation_loss_beside_each_newer_step():
    remote = Remote(polls=4)
    told = [
        JobEvent(id="e0", at=0.0, level="info", message="", data={"step": 0, "valid_loss": 5.2}),
        JobEvent(id="e1", at=1.0, level="info", message="", data={"step": 1, "train_loss": 4.0}),
        JobEvent(id="e2", at=2.0, level="info", message="", data={"step": 2, "train_loss": 3.0}),
    ]

    class Telling(world.MemoryHandler):
        def events(self, instance, since=None):
            seen = [e.id for e in told].index(since) + 1 if since else 0
            return told[seen : seen + 1]

    class Provider(world.MemoryProvider):
        @property
        def handlers(self):
            return {k: Telling(self.remote, k) for k in ("upload", "tuning_job", "endpoint")}

    provider = Provider(remote)
    _, events, _ = applied(remote, connect=lambda name: provider)
    details = [e.detail for e in events if e.phase is Phase.PROGRESS]
    assert details[-1] == {"step": 2, "train_loss": 3.0, "valid_loss": 5.2}
