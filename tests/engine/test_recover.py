"""An open step is settled by looking for it, for as long as a listing may lag behind."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from tests.engine import world
from tunectl.core.errors import Interrupted
from tunectl.core.state import Began, Intent, fold
from tunectl.engine.recover import recover
from tunectl.engine.run import Run

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OP = "a" * 32


class Clock(threading.Event):
    """Pauses that take no time; counts what they would take."""

    def __init__(self, stops_at: float = 1e9) -> None:
        super().__init__()
        self.waited = 0.0
        self._stops_at = stops_at

    def wait(self, timeout: float | None = None) -> bool:
        self.waited += timeout or 0.0
        return self.waited >= self._stops_at


def interrupted(remote, begun: str, clock: Clock):
    """An apply that begins where another one ended in the middle of buying a job."""
    intent = Intent(
        op=OP,
        action="create",
        address=world.JOB,
        provider="memory",
        fingerprint="fp1:r1",
        time=begun,
    )
    log = world.Log()
    state = fold(world.empty(), [Began(intent)])
    return Run(state, world.tools(remote, log, stop=clock, clock=lambda: NOON))


def bought(remote):
    """The job that the other one bought, marked."""
    handler = world.MemoryHandler(remote, "tuning_job")
    job = next(r for r in world.resources("r1") if r.address == world.JOB)
    run = Run(world.empty(), world.tools(remote, world.Log()))
    mark = run.mark(world.JOB, OP)
    request = world.Request(resource=job, spec={}, mark=mark, reader=world.NoReader(), now=NOON)
    return handler.create(request)


def settle(run):
    return list(recover(run, world.project("r1"), lambda: None))


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_what_a_lagging_list_shows_late_is_taken_and_not_bought_again(looks):
    remote, clock = world.Remote(lag=15.0), Clock()
    made = bought(remote)
    remote.unlisted = looks
    run = interrupted(remote, "2026-11-22T12:00:00+00:00", clock)
    settle(run)
    assert run.state.instances[world.JOB].id == made.id
    assert run.state.intents == ()


@pytest.mark.parametrize(
    ("begun", "waits"),
    [
        ("2026-11-22T12:00:00+00:00", 15.0),
        ("2026-11-22T11:59:55+00:00", 10.0),
        ("2026-11-22T11:59:00+00:00", 0.0),
        ("2026-11-22T13:00:00+00:00", 15.0),  # by a clock that is ahead
        ("", 15.0),
    ],
)
def test_absence_is_believed_when_the_step_is_older_than_a_list_may_lag(begun, waits):
    clock = Clock()
    run = interrupted(world.Remote(lag=15.0), begun, clock)
    settle(run)
    assert run.state.intents == ()
    assert run.state.instances == {}
    assert clock.waited == waits


def test_a_wait_for_a_lagging_list_ends_with_the_users_patience_and_settles_nothing():
    run = interrupted(world.Remote(lag=15.0), "2026-11-22T12:00:00+00:00", Clock(stops_at=3.0))
    with pytest.raises(Interrupted, match="interrupted before it was told"):
        settle(run)
    assert [i.op for i in run.state.intents] == [OP]


def test_a_handler_that_does_not_say_is_given_time():
    class Silent:
        def __init__(self, inner):
            self.find = inner.find

    remote, clock = world.Remote(), Clock()
    run = interrupted(remote, "2026-11-22T12:00:00+00:00", clock)
    real = run.handler
    run.handler = lambda provider, kind: Silent(real(provider, kind))
    settle(run)
    assert clock.waited == 15.0
