"""What a provider refuses for good leaves no file behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.engine import world
from tests.engine.test_execute import applied, planned
from tests.engine.world import FILE, JOB, Log, Remote
from tunectl.core.errors import ClosedError, UnavailableError
from tunectl.core.event import Phase
from tunectl.core.ports import Request
from tunectl.core.resource import Instance, Lifecycle, Need
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.engine.apply import Execution

OTHER = Address.of("tuning_job", "b")


def closed(verb: str, kind: str, when: str) -> None:
    if (verb, kind, when) == ("create", "tuning_job", "before"):
        raise ClosedError.of("no new jobs", hint="choose another provider", detail="status 403")


def test_a_file_that_only_the_refused_job_needed_is_removed_again_and_the_message_says_so():
    remote = Remote(fault=closed)
    execution, events, log = applied(remote)
    assert remote.objects == {}
    assert FILE not in execution.state.instances
    assert not execution.state.intents
    (failure,) = execution.outcome.failures
    assert failure.hint == "choose another provider"
    assert failure.detail == "status 403; removed again: the uploaded file `upload-1`"
    ended = [(e.phase, e.verb, e.address) for e in events if e.verb is Verb.DELETE]
    assert ended == [(Phase.START, Verb.DELETE, FILE), (Phase.COMPLETE, Verb.DELETE, FILE)]
    assert world.replayed(world.empty(), log) == execution.state


def test_the_next_plan_is_the_same_as_the_first():
    remote = Remote(fault=closed)
    first = planned(world.empty(), remote)
    execution, _, _ = applied(remote)
    again = planned(execution.state, remote)
    assert [(c.address, c.action) for c in again.changes] == [
        (c.address, c.action) for c in first.changes
    ]


def test_a_file_that_another_job_uses_stays():
    remote = Remote(fault=closed)
    other = Instance(
        address=Address.of("tuning_job", "other"),
        provider="memory",
        account="memory",
        id="tuning_job-other",
        spec={},
        needs=(Need(FILE, "upload-1", "memory"),),
    )
    remote.objects[other.id] = other
    state = replace(world.empty(), instances={other.address: other})
    plan = planned(state, remote, chosen=frozenset({FILE, JOB}))
    execution = Execution(plan, state, world.tools(remote, Log()))
    list(execution.events())
    assert "upload-1" in remote.objects
    assert execution.outcome.failures[0].detail == "status 403"


def test_a_file_that_shall_be_kept_stays():
    remote = Remote(fault=closed)
    kept = tuple(replace(r, lifecycle=Lifecycle(keep_on_destroy=True)) for r in world.resources())
    plan = planned(world.empty(), remote, resources=kept)
    execution = Execution(plan, world.empty(), world.tools(remote, Log()))
    list(execution.events())
    assert list(remote.objects) == ["upload-1"]


def test_a_file_that_cannot_be_removed_stays_recorded_and_is_named():
    def fault(verb: str, kind: str, when: str) -> None:
        closed(verb, kind, when)
        if verb == "delete":
            raise UnavailableError.of("no route")

    remote = Remote(fault=fault)
    execution, _, _ = applied(remote)
    assert FILE in execution.state.instances
    (failure,) = execution.outcome.failures
    assert failure.detail == "status 403; `upload-1` could not be removed: no route"


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("refused", [JOB, OTHER], ids=["the first", "the last"])
def test_a_file_that_another_job_of_the_plan_is_made_of_stays(parallelism, refused):
    remote = Remote()
    execution = sharing(remote, {refused}, parallelism)
    list(execution.events())
    assert FILE in execution.state.instances
    assert "upload-1" in remote.objects
    assert execution.outcome.failures[0].detail == "status 403"


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_file_that_several_refused_jobs_needed_is_removed_once_by_the_last(parallelism):
    remote = Remote()
    execution = sharing(remote, {JOB, OTHER}, parallelism)
    told = list(execution.events())
    assert remote.objects == {}
    assert [e.phase for e in told if e.verb is Verb.DELETE] == [Phase.START, Phase.COMPLETE]
    details = sorted(failure.detail for failure in execution.outcome.failures)
    assert details == ["status 403", "status 403; removed again: the uploaded file `upload-1`"]


def sharing(remote: Remote, refused: set[Address], parallelism: int) -> Execution:
    """Two jobs are made of one file, and some are refused for good."""

    class Handler(world.MemoryHandler):
        def create(self, request: Request) -> Instance:
            if request.resource.address in refused:
                closed("create", self.kind, "before")
            return super().create(request)

    class Provider(world.MemoryProvider):
        @property
        def handlers(self) -> dict[str, world.MemoryHandler]:
            return {kind: Handler(self.remote, kind) for kind in super().handlers}

    file, job, _ = world.resources()
    wanted = (file, job, replace(job, address=OTHER, fingerprint="fp1:other"))
    plan = planned(world.empty(), remote, resources=wanted)
    provider = Provider(remote)
    tools = world.tools(remote, Log(), parallelism=parallelism, connect=lambda name: provider)
    return Execution(plan, world.empty(), tools)
