"""Waits take no place from work and are let go when only they are left; a lost lock ends it all."""

from __future__ import annotations

import threading
from dataclasses import replace

from tests.engine import world
from tests.engine.test_execute import applied, planned
from tests.engine.world import ALIAS, FILE, JOB, Log, Remote
from tunectl.core.errors import LockError, NotFoundError, UnavailableError
from tunectl.core.event import Phase
from tunectl.core.resource import Resource, Status
from tunectl.core.state import Began
from tunectl.core.value import Address
from tunectl.engine.apply import Execution
from tunectl.engine.watch import Watch

OTHERS = tuple(Address.of("endpoint", name) for name in "bcdefgh")


def free(address: Address) -> Resource:
    return Resource(address=address, provider="memory", spec={"model": "m"}, outputs=("model_id",))


def test_when_only_waits_are_left_they_are_let_go_and_what_waits_for_them_is_named():
    remote = Remote(polls=10**6)
    execution, events, _ = applied(remote, patience=0.0)
    assert [s.address for s in execution.outcome.detached] == [JOB]
    assert execution.outcome.left() == {JOB: (JOB,), ALIAS: (JOB,)}
    assert execution.outcome.made == {FILE, JOB}
    assert Phase.DETACHED in {e.phase for e in events}


def test_a_short_job_ends_within_the_patience():
    execution, _, _ = applied(Remote(polls=2), patience=30.0)
    assert execution.outcome.left() == {}
    assert execution.state.instances[JOB].status is Status.READY


def test_jobs_that_run_take_no_place_from_work_that_can_be_done_now():
    remote = Remote(polls=10**6)
    wanted = (*world.resources(), *(free(a) for a in OTHERS))
    plan = planned(world.empty(), remote, resources=wanted)
    tools = world.tools(remote, Log(), parallelism=1, patience=0.0)
    execution = Execution(plan, world.empty(), tools)
    list(execution.events())
    assert set(OTHERS) <= execution.state.instances.keys()
    assert execution.outcome.left().keys() == {JOB, ALIAS}


def test_what_waits_for_a_failure_or_was_stopped_before_it_began_is_not_left():
    refused, _, _ = applied(Remote(fault=world.refusal("create", "tuning_job")), patience=0.0)
    assert refused.outcome.left() == {}
    stop = threading.Event()
    stop.set()
    stopped, _, _ = applied(Remote(), stop=stop)
    assert stopped.outcome.left() == {}
    assert {s.address for s in stopped.outcome.skipped} == {FILE, JOB, ALIAS}


def test_a_lock_lost_after_an_intent_calls_nothing_and_leaves_the_intent_open():
    remote, log = Remote(), Log()

    def hold():
        if any(isinstance(e, Began) for e in log.entries):
            raise LockError.of("the state lock was lost")

    execution, _, _ = applied(remote, log=log, hold=hold)
    assert isinstance(execution.outcome.fatal, LockError)
    assert remote.created == []
    assert [i.address for i in execution.state.intents] == [FILE]


# -- looking without the lock ----------------------------------------------------------------------


def pending(remote: Remote):
    execution, _, _ = applied(remote, wait=False)
    return execution.state.instances[JOB], world.tools(remote, Log()).connect


def test_watching_tells_progress_waits_out_hiccups_and_ends_when_one_is_settled():
    remote = Remote(polls=10**6)
    job, connect = pending(remote)
    remote.polls = 3
    hiccups = iter([True])

    def fault(verb, kind, when):
        if verb == "poll" and next(hiccups, False):
            raise UnavailableError.of("connection refused")

    remote.fault = fault
    watch = Watch(connect, threading.Event())
    events = list(watch.until_settled([job], 0.0))
    assert [e.message for e in events] == ["waiting: connection refused", "2 left", "1 left"]
    assert not watch.runs(job)
    assert watch.seen(job).status is Status.READY


def test_what_is_gone_is_settled_too():
    remote = Remote(polls=10**6)
    job, connect = pending(remote)

    def gone(verb, kind, when):
        raise NotFoundError.of("no such job")

    remote.fault = gone
    watch = Watch(connect, threading.Event())
    assert list(watch.until_settled([job], 0.0)) == []
    assert watch.gone(job)
    assert list(watch.until_settled([replace(job, progress="x")], 0.0)) == []


def test_a_stop_ends_the_watching_at_once():
    remote = Remote(polls=10**6)
    job, connect = pending(remote)
    stop = threading.Event()
    watch = Watch(connect, stop)
    for _ in watch.until_settled([job], 0.0):
        stop.set()
    assert watch.runs(job)
