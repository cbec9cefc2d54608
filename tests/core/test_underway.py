"""What belongs to an approval, what remains of it, and what collides with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunectl.core.approval import Approval
from tunectl.core.errors import Exit
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.resource import Instance, Need, Recreate, Resource, Status
from tunectl.core.state import Approved, Concluded, Renamed, State, fold
from tunectl.core.underway import (
    Progress,
    approval_of,
    belongs,
    busy,
    progressed,
    still_anew,
    without_lost,
)
from tunectl.core.value import Address, Ref

JOB, ENDPOINT = Address.of("tuning_job", "a"), Address.of("endpoint", "a")


def job(fingerprint: str = "fp1:a") -> Resource:
    return Resource(
        address=JOB,
        provider="p",
        spec={"base_model": "m"},
        fingerprint=fingerprint,
        recreate=Recreate.ON_REQUEST,
    )


def endpoint(model="tuned") -> Resource:
    value = Ref(JOB, ("model_id",)) if model == "tuned" else model
    return Resource(address=ENDPOINT, provider="p", spec={"model": value})


def there(address: Address, id_: str, status: Status = Status.READY) -> Instance:
    recreate = Recreate.ON_REQUEST if address == JOB else Recreate.FREELY
    return Instance(
        address=address,
        provider="p",
        account="a",
        id=id_,
        spec={},
        status=status,
        recreate=recreate,
    )


def change(
    action: Action, after: Resource | None, before: Instance | None = None, **more
) -> Change:
    ends = {Action.REPLACE, Action.RECREATE, Action.DELETE}
    found = after or before
    return Change(
        address=found.address,
        provider="p",
        action=action,
        cause=more.pop("cause", Cause.CHANGED),
        after=after,
        before=before,
        doomed=before if action in ends else None,
        **more,
    )


def state(*live: Instance, **more) -> State:
    instances = {i.address: i for i in live}
    return State(lineage="l", project="p", env="default", instances=instances, **more)


def plan(*changes: Change, **more) -> Plan:
    return Plan(lineage="l", serial=1, project="p", env="default", changes=changes, **more)


def approved(*changes: Change, on: State | None = None) -> Approval:
    return approval_of(plan(*changes), on or state(), id_="a" * 32, who="anna", time="")


def test_a_reuse_that_was_approved_is_never_turned_into_a_purchase():
    reuse = change(Action.ADOPT, job(), found=there(JOB, "kept"))
    assert belongs(approved(reuse), reuse)
    assert not belongs(approved(reuse), change(Action.CREATE, job()))


def test_waiting_for_a_job_allows_nobody_to_buy_another():
    wait = change(Action.WAIT, job(), there(JOB, "1", Status.PENDING))
    assert belongs(approved(wait), wait)
    assert not belongs(approved(wait), change(Action.CREATE, job()))


def test_another_declaration_or_another_object_is_not_what_was_approved():
    move = change(Action.UPDATE, endpoint(), there(ENDPOINT, "e"))
    approval = approved(move)
    assert belongs(approval, move)
    assert not belongs(approval, change(Action.UPDATE, endpoint("other"), there(ENDPOINT, "e")))
    old = change(Action.DELETE, None, there(JOB, "1"))
    assert belongs(approved(old), old)
    assert not belongs(approved(old), change(Action.DELETE, None, there(JOB, "2")))


def test_a_replacement_asked_for_is_asked_for_until_its_object_is_another():
    before = state(there(JOB, "1"))
    again = change(Action.REPLACE, job(), there(JOB, "1"), cause=Cause.REQUESTED)
    approval = approved(again, on=before)
    assert still_anew([approval], before) == {JOB}
    assert still_anew([approval], state(there(JOB, "2"))) == frozenset()
    assert still_anew([replace(approval, begun=(JOB,))], before) == frozenset()


def parked(**more) -> Approval:
    both = approved(change(Action.CREATE, job()), change(Action.CREATE, endpoint()))
    waits = {JOB: (JOB,), ENDPOINT: (JOB,)}
    return replace(both, parked=True, left=waits, begun=(JOB,), **more)


@pytest.mark.parametrize(
    ("status", "is_busy"),
    [
        (Status.PENDING, True),
        (Status.READY, True),  # the endpoint is still to be made
        (Status.FAILED, False),
        (Status.CANCELLED, False),
    ],
)
def test_what_waits_is_busy_only_while_what_it_waits_for_can_come(status, is_busy):
    now = state(there(JOB, "1", status), approvals=(parked(),))
    otherwise = plan(change(Action.CREATE, endpoint("other")))
    found = list(busy(otherwise, now))
    assert [d.exit for d in found] == ([Exit.LOCK] if is_busy else [])
    assert list(busy(plan(change(Action.CREATE, endpoint())), now)) == []
    assert list(busy(replace(otherwise, destroy=True), now)) == []


def test_a_cancelled_job_takes_with_it_what_waited_for_it():
    assert without_lost(parked(), state(there(JOB, "1", Status.PENDING))) == parked()
    assert without_lost(parked(), state(there(JOB, "1", Status.CANCELLED))) is None
    assert without_lost(parked(), state()) is None


def progress(**more) -> Progress:
    nothing = {"left": {}, "touched": (), "made": (), "own": (), "published": {}, "whole": False}
    return Progress(**{**nothing, **more})


def test_what_remains_is_what_goes_on_when_a_running_object_is_done():
    fresh = approved(change(Action.CREATE, job()), change(Action.CREATE, endpoint()))
    rest = progressed(
        fresh,
        progress(
            left={JOB: (JOB,), ENDPOINT: (JOB,)},
            touched={JOB, ENDPOINT},
            made={JOB},
            own={fresh.id},
        ),
        state(there(JOB, "1", Status.PENDING)),
    )
    assert rest == parked()
    assert progressed(fresh, progress(touched={JOB, ENDPOINT}, own={fresh.id}), state()) is None


def test_an_approval_that_another_command_did_not_work_on_stays_until_it_is_finished():
    running, done = state(there(JOB, "1", Status.PENDING)), state(there(JOB, "1"))
    assert progressed(parked(), progress(), running) == parked()
    rest = progressed(parked(), progress(), done)
    assert rest is not None
    assert set(rest.left) == {ENDPOINT}
    finished = progress(touched={ENDPOINT}, published={"model": "h"})
    assert progressed(parked(outputs={"model": "h"}), finished, done) is None
    assert progressed(parked(outputs={"model": "other"}), finished, done) is not None
    assert progressed(parked(), progress(whole=True), done) is None


def test_an_approval_is_recorded_renamed_and_concluded():
    after = Address.of("tuning_job", "b")
    renamed = fold(state(there(JOB, "1")), [Approved(parked()), Renamed(JOB, after)])
    [approval] = renamed.approvals
    assert approval.left == {after: (after,), ENDPOINT: (after,)}
    assert approval.begun == (after,)
    assert set(approval.wanted) == {after, ENDPOINT}
    assert fold(renamed, [Concluded(approval.id)]).approvals == ()


def test_a_digest_binds_the_model_that_is_used_and_not_whether_it_is_ready_yet():
    waits = change(Action.WAIT, job(), there(JOB, "1", Status.PENDING))
    move = change(Action.UPDATE, endpoint(), there(ENDPOINT, "e"), uses=(Need(JOB, "1"),))
    assert plan(waits, move).digest == plan(move).digest
    assert plan(replace(move, uses=(Need(JOB, "2"),))).digest != plan(move).digest
    assert plan(replace(move, who="anna")).digest == plan().digest
