"""Shared objects: who uses what, with environments racing."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import StateError
from tunectl.core.resource import Instance, Recreate, Status
from tunectl.core.sharing import (
    Registry,
    Shared,
    agreed,
    claimed,
    key_of,
    registry_from_tree,
    registry_to_tree,
    released,
)
from tunectl.core.state import Deleted, State
from tunectl.core.value import Address
from tunectl.stores.ledger import Ledger
from tunectl.stores.memory import MemoryStore
from tunectl.stores.registry import NAME, SharedObjects

JOB = Address.of("tuning_job", "support")


def offered(registry, instance, env, user):
    """The registry with an object and one more user."""
    known = registry.objects.get(key_of(instance)) or Shared(
        instance=instance, env=env, users=frozenset()
    )
    shared = replace(known, users=known.users | {user})
    return Registry(objects={**registry.objects, key_of(instance): shared})


def job(number: int = 1, **told) -> Instance:
    settings = {"fingerprint": "fp1:a", "recreate": Recreate.ON_REQUEST, "account": "acc"} | told
    return Instance(
        address=JOB, provider="local", id=f"ftjob-{number}", spec={"suffix": "żółw"}, **settings
    )


def test_what_one_environment_made_is_seen_by_the_others():
    store = MemoryStore()
    SharedObjects(store, "p", "staging").agree([job()])
    [found] = SharedObjects(store, "p", "prod").read().equal("acc", "fp1:a")
    assert (found.instance, found.env, found.users) == (job(), "staging", {"p/staging"})
    assert not SharedObjects(store, "p", "prod").read().equal("other", "fp1:a")


def test_only_ready_objects_with_an_identity_that_cost_something_are_shared():
    store = MemoryStore()
    shares = SharedObjects(store, "p", "a")
    shares.agree(
        [
            job(1, status=Status.PENDING),
            job(2, status=Status.FAILED),
            job(3, fingerprint=None),
            job(4, recreate=Recreate.FREELY),
        ]
    )
    assert store.read(NAME) is None


def test_only_the_last_user_may_delete():
    store = MemoryStore()
    a, b = SharedObjects(store, "p", "a"), SharedObjects(store, "p", "b")
    a.agree([job()])
    assert b.claim(job())
    assert not a.release(job())
    assert b.release(job())
    assert not a.claim(job()), "it is being deleted: nobody may begin to use it"


def test_what_an_interrupted_step_claimed_too_much_is_given_back():
    store = MemoryStore()
    a, b = SharedObjects(store, "p", "a"), SharedObjects(store, "p", "b")
    a.agree([job()])
    b.claim(job())
    b.agree([])
    assert a.release(job())


def recorded(store, env: str, *instances: Instance) -> None:
    state = State(lineage=env, project="p", env=env, instances={i.address: i for i in instances})
    Ledger(store, "p", env, "0").save(state)


def test_what_another_environment_s_state_holds_is_not_deleted_though_the_document_is_lost():
    store = MemoryStore()
    a = SharedObjects(store, "p", "a")
    recorded(store, "a", job())
    recorded(store, "b", job())
    assert not a.release(job())
    a.agree([job()])  # it is written anew, and the other did not speak yet
    assert not a.release(job())
    recorded_after = Ledger(store, "p", "b", "0")
    log = recorded_after.journal(recorded_after.load())
    log.append(Deleted("", JOB, "ftjob-1", "acc"))
    assert a.release(job())


def test_who_leaves_at_the_same_time_has_a_moment_to_write_it_down():
    store = MemoryStore()
    a, b = SharedObjects(store, "p", "a"), SharedObjects(store, "p", "b")
    recorded(store, "b", job())
    a.agree([job()])
    b.agree([job()])
    assert not b.release(job())
    book = Ledger(store, "p", "b", "0")
    log = book.journal(book.load())
    late = threading.Timer(0.1, log.append, (Deleted("", JOB, "ftjob-1", "acc"),))
    late.start()
    assert a.release(job())
    late.join()


def test_a_state_that_cannot_be_read_counts_only_where_nothing_else_tells():
    store = MemoryStore()
    a = SharedObjects(store, "p", "a")
    store.write("b.json", b"", expected=None)
    with pytest.raises(StateError, match="is empty"):
        a.release(job())
    a.agree([job()])
    assert a.release(job())


def test_what_a_state_lacks_stays_listed_until_everything_is_as_declared_or_it_was_let_go():
    store = MemoryStore()
    shares = SharedObjects(store, "p", "a")
    shares.agree([job(1), job(2)])
    shares.agree([], let_go={key_of(job(2))})
    assert [s.instance.id for s in shares.read().objects.values()] == ["ftjob-1"]
    shares.agree([])
    assert not shares.read().objects


def test_of_a_deleting_and_a_claiming_environment_exactly_one_wins():
    for _ in range(20):
        store = MemoryStore()
        a, b = SharedObjects(store, "p", "a"), SharedObjects(store, "p", "b")
        a.agree([job()])
        barrier = threading.Barrier(2)
        won: dict[str, bool] = {}

        def leave(a=a, barrier=barrier, won=won):
            barrier.wait()
            won["deletes"] = a.release(job())

        def come(b=b, barrier=barrier, won=won):
            barrier.wait()
            won["uses"] = b.claim(job())

        threads = [threading.Thread(target=leave), threading.Thread(target=come)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won["deletes"] != won["uses"]


def test_many_environments_at_once_lose_nobody():
    store = MemoryStore()
    names = [f"env{n}" for n in range(8)]
    threads = [
        threading.Thread(target=SharedObjects(store, "p", name).agree, args=([job()],))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [found] = SharedObjects(store, "p", "x").read().equal("acc", "fp1:a")
    assert found.users == {f"p/{name}" for name in names}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 9, "objects": []}', b"null"])
def test_what_cannot_be_understood_is_refused_and_never_read_as_nothing(content):
    store = MemoryStore()
    store.write(NAME, content, expected=None)
    with pytest.raises(StateError) as caught:
        SharedObjects(store, "p", "a").read()
    assert NAME in str(caught.value)


USERS = st.sampled_from(["p/a", "p/b", "p/c"])
JOBS = st.integers(1, 3).map(job)


@given(st.lists(st.tuples(st.sampled_from(["offer", "claim", "release"]), JOBS, USERS)))
def test_an_object_is_there_exactly_while_somebody_uses_it(actions):
    registry = Registry()
    users: dict[str, set[str]] = {}
    for action, one, user in actions:
        using = users.setdefault(one.id, set())
        if action == "offer":
            registry = offered(registry, one, "a", user)
            using.add(user)
        elif action == "claim":
            after = claimed(registry, key_of(one), user)
            assert (after is None) == (not using)
            if after is not None:
                registry = after
                using.add(user)
        else:
            registry, last = released(registry, key_of(one), user)
            using.discard(user)
            assert last == (not using)
    assert {s.instance.id: set(s.users) for s in registry.objects.values()} == {
        id_: using for id_, using in users.items() if using
    }
    assert registry_from_tree(registry_to_tree(registry)) == registry


@given(st.lists(JOBS), st.lists(JOBS), USERS)
def test_agreeing_makes_a_user_use_exactly_what_it_says(before, now, user):
    registry = Registry()
    for one in before:
        registry = offered(registry, one, "a", user)
        registry = offered(registry, one, "a", "p/other")
    registry = agreed(registry, now, "b", user)
    using = {s.instance.id for s in registry.objects.values() if user in s.users}
    assert using == {one.id for one in now}
    others = {s.instance.id for s in registry.objects.values() if "p/other" in s.users}
    assert others == {one.id for one in before}
