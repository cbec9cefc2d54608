"""What is ready at once is written at once; nothing is called or told before it is durable."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import pytest

from tests.engine import world
from tests.engine.test_execute import planned
from tests.engine.test_letting_go import free
from tests.engine.world import Log, Remote
from tunectl.core.errors import StateError
from tunectl.core.event import Event, Phase
from tunectl.core.ports import Request
from tunectl.core.resource import Instance
from tunectl.core.state import Began, Entry, Made
from tunectl.core.value import Address
from tunectl.engine.apply import Execution

MANY = tuple(Address.of("endpoint", f"e{number}") for number in range(40))
_PATIENCE = 20.0  # seconds; a bound for what takes milliseconds


class Batches(Log):
    """A journal that remembers what was written together."""

    def __init__(self, broken_after: int = 10**6) -> None:
        super().__init__()
        self.batches: list[tuple[Entry, ...]] = []
        self.broken_after = broken_after

    def append(self, *entries: Entry) -> None:
        if len(self.batches) >= self.broken_after:
            raise StateError.of("the disk is full")
        super().append(*entries)
        self.batches.append(entries)

    def begun(self) -> set[str]:
        return {e.intent.op for e in self.entries if isinstance(e, Began)}

    def made(self) -> set[Address]:
        return {e.instance.address for e in self.entries if isinstance(e, Made)}


class Calls(world.MemoryHandler):
    """A handler whose creations can be watched."""

    def __init__(self, remote: Remote, kind: str, log: Batches) -> None:
        super().__init__(remote, kind)
        self.log = log
        self.unwritten: list[str] = []
        self.going = self.most = 0

    def create(self, request: Request) -> Instance:
        with self.remote.guard:
            self.going += 1
            self.most = max(self.most, self.going)
            if request.mark.op not in self.log.begun():
                self.unwritten.append(request.mark.op)
        made = super().create(request)
        with self.remote.guard:
            self.going -= 1
        return made


class Provider(world.MemoryProvider):
    def __init__(self, remote: Remote, log: Batches) -> None:
        super().__init__(remote)
        self.calls = Calls(remote, "endpoint", log)

    @property
    def handlers(self) -> dict[str, world.MemoryHandler]:
        return {**super().handlers, "endpoint": self.calls}


def begun(
    log: Batches, remote: Remote, addresses: Iterable[Address] = MANY, parallelism: int = 10
) -> tuple[Execution, Calls]:
    plan = planned(world.empty(), remote, resources=tuple(map(free, addresses)))
    provider = Provider(remote, log)
    tools = world.tools(remote, log, connect=lambda name: provider, parallelism=parallelism)
    return Execution(plan, world.empty(), tools), provider.calls


@pytest.mark.parametrize("parallelism", [1, 3, 10, 100])
def test_an_intent_is_durable_before_its_call_and_a_result_before_it_is_told(parallelism):
    log = Batches()
    execution, calls = begun(log, Remote(), parallelism=parallelism)
    for event in execution.events():
        if event.phase is Phase.COMPLETE:
            assert event.address in log.made()
    assert calls.unwritten == []
    assert log.made() == set(MANY) == set(execution.state.instances)
    assert calls.most <= parallelism
    assert world.replayed(world.empty(), log) == execution.state


def test_intents_that_are_ready_together_are_one_write():
    log = Batches()
    execution, _ = begun(log, Remote(), MANY[:7], parallelism=10)
    list(execution.events())
    assert [type(e) for e in log.batches[0]] == [Began] * 7


def test_results_that_come_together_are_one_write_with_what_begins_in_their_places():
    together = threading.Barrier(10, timeout=_PATIENCE)

    def wait(verb: str, kind: str, when: str) -> None:
        if when == "before":
            together.wait()

    log = Batches()
    execution, _ = begun(log, Remote(fault=wait), parallelism=10)
    list(execution.events())
    # At most a result alone, where the machine was slow to bring the others.
    assert len(log.batches) < len(log.entries) / 2
    assert any({type(e) for e in batch} == {Began, Made} for batch in log.batches)


def test_one_at_a_time_is_told_one_after_the_other():
    execution, _ = begun(Batches(), Remote(), MANY[:5], parallelism=1)
    told = [(e.phase, e.address) for e in execution.events()]
    phases = (Phase.START, Phase.COMPLETE)
    assert told == [(phase, address) for address in MANY[:5] for phase in phases]


def test_a_reader_that_stands_still_keeps_no_result_from_the_journal():
    log = Batches()
    execution, _ = begun(log, Remote())
    events = execution.events()
    first = next(events)
    until = time.monotonic() + _PATIENCE
    while log.made() != set(MANY) and time.monotonic() < until:
        time.sleep(0.005)
    assert log.made() == set(MANY)
    told: list[Event] = [first, *events]
    assert len([e for e in told if e.phase is Phase.COMPLETE]) == len(MANY)


def test_what_cannot_be_written_is_not_called_and_every_step_of_it_fails():
    remote, log = Remote(), Batches(broken_after=0)
    execution, _ = begun(log, remote, MANY[:4])
    events = list(execution.events())
    assert remote.created == []
    assert {d.summary for d in execution.outcome.failures} == {"the disk is full"}
    assert {e.address for e in events if e.phase is Phase.ERRORED} == set(MANY[:4])


@pytest.mark.parametrize("faults", [1, 3])
@pytest.mark.parametrize("last", [False, True])
def test_a_fault_of_this_program_in_one_step_loses_no_result_of_another(faults, last):
    left, over = iter(range(faults)), threading.Semaphore(0)

    def fault(verb: str, kind: str, when: str) -> None:
        if when == "after":
            return
        if next(left, None) is not None:
            over.release()
            raise RuntimeError("a bug")
        for _ in range(faults if last else 0):
            over.acquire(timeout=_PATIENCE)
            over.release()

    log = Batches()
    execution, _ = begun(log, Remote(fault=fault), MANY[:6])
    with pytest.raises(RuntimeError, match="a bug"):
        list(execution.events())
    assert len(log.made()) == 6 - faults
    assert len(execution.state.intents) == faults


def test_when_nobody_listens_any_more_nothing_new_begins_and_what_is_begun_is_recorded():
    left = threading.Event()

    def wait(verb: str, kind: str, when: str) -> None:
        left.wait(_PATIENCE)

    log = Batches()
    execution, _ = begun(log, Remote(fault=wait), parallelism=3)
    events = execution.events()
    next(events)
    threading.Timer(0.05, left.set).start()
    events.close()
    assert len(execution.state.instances) == 3
    assert not execution.state.intents


@pytest.mark.parametrize("heard", range(8))
def test_whenever_nobody_listens_any_more_every_intent_has_its_result(heard):
    execution, _ = begun(Batches(), Remote(), parallelism=2)
    events = execution.events()
    for _ in range(heard + 1):
        next(events)
    events.close()
    assert not execution.state.intents


def test_what_vanished_takes_places_too_and_a_stop_begins_no_more_of_it():
    made, _ = begun(Batches(), Remote())
    list(made.events())
    stop = threading.Event()
    remote = Remote(fault=lambda verb, kind, when: stop.set())  # nothing of it is there any more
    plan = planned(made.state, remote, resources=tuple(map(free, MANY)))
    log = Log()
    execution = Execution(plan, made.state, world.tools(remote, log, stop=stop, parallelism=4))
    list(execution.events())
    assert len(remote.created) == 4
    assert len(execution.outcome.skipped) >= len(MANY) - 4
    assert execution.state.superseded == ()
    assert world.replayed(made.state, log) == execution.state
