"""Where marks may be dropped, an object is adopted only where nothing else can have made it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.engine import world
from tunectl.core.errors import UnknownOutcomeError
from tunectl.core.resource import Instance, Status
from tunectl.core.state import Began, Intent, Made, fold
from tunectl.core.value import Address
from tunectl.engine.recover import recover
from tunectl.engine.run import Run

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OP = "a" * 32
FILE = Instance(
    address=world.FILE, provider="memory", account="memory", id="file-1", spec={},
    outputs={"file_id": "file-1"}, status=Status.READY,
)  # fmt: skip


def job(number):
    return Instance(
        address=world.JOB, provider="memory", account="memory", id=f"job-{number}", spec={}
    )


class Forgetful:
    """A handler of a service that drops marks."""

    lag = 0.0

    def __init__(self, there):
        self.there = there
        self.asked = []

    def find(self, mark):
        raise UnknownOutcomeError.of("it cannot be told")

    def alike(self, mark, spec, since):
        self.asked.append((mark.op, spec, since))
        return self.there


def intent(op=OP, address=world.JOB, **more):
    given = {
        "op": op, "action": "create", "address": address, "provider": "memory",
        "fingerprint": "fp1:r1", "time": "2026-11-22T11:59:00+00:00",
    }  # fmt: skip
    return Intent(**{**given, **more})


def settled(handler, *entries, retry=()):
    state = fold(world.empty(), [Made("0" * 32, FILE), *entries])
    run = Run(state, world.tools(world.Remote(), world.Log(), clock=lambda: NOON))
    run.handler = lambda provider, kind: handler
    list(recover(run, world.project("r1"), lambda: None, retry))
    return run.state


def test_what_only_this_step_can_have_made_is_adopted():
    handler = Forgetful([job(1)])
    state = settled(handler, Began(intent()))
    assert state.instances[world.JOB].id == "job-1"
    assert state.instances[world.JOB].op == OP
    [(op, spec, since)] = handler.asked
    assert op == OP
    assert spec["training_file"] == "file-1"
    assert since == datetime(2026, 11, 22, 11, 59, tzinfo=UTC)


def test_none_means_that_it_never_took_effect():
    state = settled(Forgetful([]), Began(intent()))
    assert state.intents == ()
    assert world.JOB not in state.instances


def test_what_the_record_knows_already_is_another_ones():
    other = replace(job(1), address=Address.of("tuning_job", "b"))
    state = settled(Forgetful([job(1), job(2)]), Made("1" * 32, other), Began(intent()))
    assert state.instances[world.JOB].id == "job-2"


@pytest.mark.parametrize(
    ("there", "entries"),
    [
        ([job(1), job(2)], [Began(intent())]),
        ([job(1)], [Began(intent()), Began(intent("b" * 32, Address.of("tuning_job", "b")))]),
        ([job(1)], [Began(intent(fingerprint="fp1:other"))]),
        ([job(1)], [Began(intent(address=Address.of("tuning_job", "gone")))]),
        ([job(1)], [Began(intent(time=""))]),
    ],
    ids=["several", "another-open-step", "edited-since", "not-declared", "no-time"],
)
def test_wherever_it_could_be_another_one_nothing_is_concluded(there, entries):
    with pytest.raises(UnknownOutcomeError):
        settled(Forgetful(there), *entries)


def test_a_handler_that_cannot_tell_by_content_is_not_asked():
    class Plain(Forgetful):
        alike = None

    with pytest.raises(UnknownOutcomeError):
        settled(Plain([]), Began(intent()))


def test_the_user_may_still_allow_another_attempt():
    state = settled(Forgetful([job(1), job(2)]), Began(intent()), retry=[world.JOB])
    assert state.intents == ()
    assert world.JOB not in state.instances
