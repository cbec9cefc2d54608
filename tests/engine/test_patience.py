"""A call that was one too many is made again, later; nothing else is."""

from __future__ import annotations

import threading

from tests.engine.test_execute import applied
from tests.engine.world import JOB, Remote
from tunectl.core.errors import RateLimitError, UnavailableError
from tunectl.core.resource import Status


def limited(times: int, wait: float | None, kind: str = "tuning_job"):
    """A fault that refuses the first creates of a kind as one too many."""
    left = [times]

    def fault(verb: str, of: str, when: str) -> None:
        if (verb, of, when) == ("create", kind, "before") and left[0]:
            left[0] -= 1
            error = RateLimitError.of("too many requests")
            error.wait = wait
            raise error

    return fault


def test_a_create_that_was_one_too_many_is_made_again_and_bought_once():
    remote = Remote(fault=limited(3, None))
    execution, _, _ = applied(remote, backoff=(0.0, 0.0, 0.0))
    assert execution.outcome.failures == []
    assert execution.state.instances[JOB].status is Status.READY
    assert [c for c in remote.created if c.startswith("tuning_job")] == ["tuning_job-2"]


def test_the_wait_that_the_provider_asks_for_is_kept():
    remote = Remote(fault=limited(1, 0.0))
    execution, _, _ = applied(remote, backoff=(3600.0,))
    assert execution.outcome.failures == []


def test_where_waiting_does_not_help_nothing_waits():
    remote = Remote(fault=limited(1, float("inf")))
    execution, _, _ = applied(remote, backoff=(0.0,))
    assert [d.summary for d in execution.outcome.failures] == ["too many requests"]
    assert execution.state.intents == (), "a definite refusal leaves nothing open"


def test_it_ends_after_so_many_attempts():
    execution, _, _ = applied(Remote(fault=limited(9, None)), backoff=(0.0, 0.0))
    assert len(execution.outcome.failures) == 1


def test_a_stop_ends_the_waiting():
    stop = threading.Event()
    refuse = limited(1, None)

    def fault(verb: str, of: str, when: str) -> None:
        if of == "tuning_job" and verb == "create":
            stop.set()
        refuse(verb, of, when)

    execution, _, _ = applied(Remote(fault=fault), stop=stop, backoff=(3600.0,))
    assert len(execution.outcome.failures) == 1


def test_what_could_not_be_reached_is_not_asked_again():
    calls: list[str] = []

    def fault(verb: str, of: str, when: str) -> None:
        if (verb, of, when) == ("create", "tuning_job", "before"):
            calls.append(verb)
            raise UnavailableError.of("no network")

    applied(Remote(fault=fault), backoff=(0.0, 0.0))
    assert calls == ["create"]
