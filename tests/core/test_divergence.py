"""What is not as recorded, and what of it counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.divergence import Divergence, Examined, diverged, vanished
from tunectl.core.resource import Instance, Lifecycle, Recreate, Status
from tunectl.core.value import Address

FILE, JOB, ALIAS = (Address.of(k, "a") for k in ("upload", "tuning_job", "endpoint"))


def instance(address: Address, **changes) -> Instance:
    made = Instance(
        address=address, provider="p", account="acc", id=f"id-{address}", spec={"model": "m"}
    )
    return replace(made, **changes)


def kinds(*pairs, **more):
    return [d.kind for d in diverged(pairs, **more)]


def test_what_is_as_recorded_diverges_in_nothing():
    one = instance(ALIAS)
    assert kinds((one, one)) == []


def test_outputs_and_progress_are_no_settings():
    one = instance(ALIAS)
    assert kinds((one, replace(one, outputs={"base_url": "new"}, progress="1%"))) == []


def test_a_setting_that_differs_is_a_change_with_both_values():
    one = instance(ALIAS)
    [found] = diverged([(one, replace(one, spec={"model": "other"}))])
    assert found.kind is Divergence.CHANGED
    assert [(d.path, d.before, d.after) for d in found.deltas] == [(("model",), "m", "other")]


def test_a_setting_that_the_user_ignores_is_no_drift():
    one = instance(ALIAS, lifecycle=Lifecycle(ignore_changes=frozenset({"model"})))
    assert kinds((one, replace(one, spec={"model": "other"}))) == []


def test_what_is_gone_was_deleted():
    assert kinds((instance(JOB, recreate=Recreate.ON_REQUEST), None)) == [Divergence.DELETED]


def test_a_file_that_no_running_job_needs_is_released():
    file = instance(FILE, recreate=Recreate.ON_DEMAND)
    done = instance(JOB, needs=(file.key,))
    assert kinds((file, None), (done, done)) == [Divergence.RELEASED]
    assert not Divergence.RELEASED.is_drift


@pytest.mark.parametrize(
    ("now", "expected"),
    [(Status.PENDING, Divergence.DELETED), (Status.READY, Divergence.RELEASED)],
)
def test_a_file_that_a_running_job_needs_was_deleted(now, expected):
    file = instance(FILE, recreate=Recreate.ON_DEMAND)
    running = instance(JOB, needs=(file.key,), status=Status.PENDING)
    assert kinds((file, None), (running, replace(running, status=now)))[0] is expected


@pytest.mark.parametrize("end", [Status.READY, Status.FAILED, Status.CANCELLED])
def test_a_job_that_ended_since_is_no_drift(end):
    one = instance(JOB, status=Status.PENDING)
    [found] = diverged([(one, replace(one, status=end))])
    assert found.kind is Divergence.FINISHED
    assert not found.kind.is_drift


@pytest.mark.parametrize("now", [Status.PENDING, Status.FAILED])
def test_what_was_settled_and_is_otherwise_now_is_drift(now):
    one = instance(JOB)
    assert kinds((one, replace(one, status=now))) == [Divergence.STATUS]


def test_superseded_objects_are_told_apart():
    old = instance(JOB, id="old")
    [found] = diverged([(old, None)], {old.key})
    assert found.superseded
    assert found.kind is Divergence.DELETED


def test_a_provider_of_which_nothing_is_left_is_named():
    one, other = instance(JOB), instance(ALIAS)
    assert vanished([(one, None), (other, None)]) == ("p",)
    assert vanished([(one, None), (other, other)]) == ()
    assert vanished([(one, None)]) == ()
    local = replace(one, provider="builtin")
    assert vanished([(local, None), (replace(other, provider="builtin"), None)]) == ()


STATUS = st.sampled_from(list(Status))


@given(
    st.lists(
        st.tuples(STATUS, st.one_of(st.none(), STATUS), st.sampled_from(list(Recreate))),
        max_size=6,
    )
)
def test_every_object_diverges_at_most_once_and_only_when_it_differs(rows):
    pairs = []
    for number, (recorded, now, recreate) in enumerate(rows):
        one = instance(Address.of("tuning_job", f"j{number}"), status=recorded, recreate=recreate)
        pairs.append((one, now and replace(one, status=now)))
    found = diverged(pairs)
    differing = [a for a, b in pairs if b is None or a.status is not b.status]
    assert [d.recorded for d in found] == differing
    examined = Examined(project="p", env="e", lineage="l", serial=1, found=found)
    assert list(examined.drift) == [d for d in found if d.kind.is_drift]
