"""Folding entries into a state."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from tests.core.values import few_entries, few_instances, journals
from tunectl.core.catching_up import caught_up
from tunectl.core.moving import relocated
from tunectl.core.resource import Instance, Lifecycle, Need, Resource, Status
from tunectl.core.state import (
    Abandoned,
    Began,
    Deleted,
    Intent,
    Made,
    Renamed,
    Settled,
    State,
    fold,
)
from tunectl.core.value import Address

JOB = Address.of("tuning_job", "support")
EMPTY = State(lineage="l", project="p", env="default")
INTENT = Intent(op="o1", action="create", address=JOB, provider="local")


def job(id_: str, **more) -> Instance:
    return Instance(address=JOB, provider="local", account="a", id=id_, spec={}, **more)


@given(journals, few_entries)
def test_folding_an_entry_twice_is_folding_it_once(journal, entry):
    once = fold(EMPTY, [*journal, entry])
    again = fold(once, [entry])
    assert again == once


@given(journals)
def test_any_prefix_of_a_journal_is_a_valid_state(journal):
    state = EMPTY
    for entry in journal:
        state = fold(state, [entry])
        assert all(address == instance.address for address, instance in state.instances.items())
        live = {i.key for i in state.instances.values()}
        assert not live & {i.key for i in state.superseded}, "live and superseded at once"
        assert len({i.op for i in state.intents}) == len(state.intents)
    assert state == fold(EMPTY, journal), "one by one or at once"
    assert (state.lineage, state.serial) == (EMPTY.lineage, EMPTY.serial)


def test_an_intent_is_open_until_its_outcome():
    begun = fold(EMPTY, (Began(INTENT),))
    assert begun.intents == (INTENT,)
    for outcome in (
        Made("o1", job("j1")),
        Settled("o1", job("j1")),
        Deleted("o1", JOB, "j1"),
        Abandoned("o1", "refused"),
    ):
        assert fold(begun, (outcome,)).intents == ()
    assert fold(begun, (Abandoned("o2", "refused"),)).intents == (INTENT,)


def test_a_new_object_supersedes_the_old_one_and_a_late_repeat_does_not_bring_it_back():
    state = fold(EMPTY, (Made("o1", job("j1")), Made("o2", job("j2"))))
    assert state.instances[JOB].id == "j2"
    assert [i.id for i in state.superseded] == ["j1"]
    assert fold(state, (Made("o1", job("j1")),)) == state
    assert [i.id for i in state.everything] == ["j2", "j1"]


def test_what_settles_is_the_very_object_live_or_superseded():
    state = fold(EMPTY, (Made("o1", job("j1")), Made("o2", job("j2"))))
    failed = fold(state, (Settled("", job("j1", status=Status.FAILED)),))
    assert failed.superseded[0].status is Status.FAILED
    assert failed.instances[JOB].status is Status.READY
    assert fold(state, (Settled("", job("j9")),)) == state


def test_only_the_very_object_is_deleted():
    state = fold(EMPTY, (Made("o1", job("j1")), Made("o2", job("j2"))))
    assert fold(state, (Deleted("", JOB, "j9"),)) == state
    assert fold(state, (Deleted("", JOB, "j1"),)).superseded == ()
    assert not fold(state, (Deleted("", JOB, "j2"),)).instances


def test_a_move_takes_needs_parents_and_what_was_replaced_along():
    new = Address.of("tuning_job", "desk")
    alias = Instance(
        address=Address.of("endpoint", "support"),
        provider="local",
        account="a",
        id="e",
        spec={},
        needs=(Need(JOB, "j2", "a"), Need(Address.of("dataset", "x"), "d")),
        parent=JOB,
    )
    state = fold(EMPTY, (Made("1", job("j1")), Made("2", job("j2")), Made("3", alias)))
    moved = fold(state, (Renamed(JOB, new),))
    assert moved.instances[new].id == "j2"
    assert moved.superseded[0].key == Need(new, "j1", "a")
    assert moved.instances[alias.address].needs[0] == Need(new, "j2", "a")
    assert moved.instances[alias.address].parent == new
    assert fold(moved, (Renamed(JOB, new),)) == moved


def test_a_move_onto_something_or_of_nothing_does_nothing():
    other = Address.of("tuning_job", "other")
    state = fold(EMPTY, (Made("1", job("j1")), Made("2", replace(job("j2"), address=other))))
    assert fold(state, (Renamed(JOB, other),)) == state
    assert fold(state, (Renamed(Address.of("tuning_job", "none"), JOB),)) == state


@given(few_instances)
def test_an_instance_relocated_and_back_is_the_same(instance):
    new = Address.of("fresh", "place")
    there = relocated(instance, instance.address, new)
    assert there.address == new
    assert relocated(there, new, instance.address) == instance


def test_the_word_of_the_declaration_is_recorded_without_touching_anything():
    state = fold(EMPTY, (Made("1", job("j1", reason="kept", op="o")),))
    guarded = Lifecycle(protect=True)
    wanted = Resource(
        address=JOB, provider="local", spec={"any": 1}, lifecycle=guarded, labels={"team": "a"}
    )
    after = fold(state, caught_up(state, [wanted], {}))
    assert after.instances[JOB] == replace(
        state.instances[JOB], lifecycle=guarded, labels={"team": "a"}
    )
    assert caught_up(after, [wanted], {}) == ()
    assert caught_up(state, [], {}) == ()


def test_how_an_object_is_now_is_recorded_but_for_its_settings_and_what_is_gone():
    state = fold(EMPTY, (Made("1", job("j1", status=Status.PENDING)),))
    ended = job("j1", outputs={"model_id": "m"})
    after = fold(state, caught_up(state, [], {JOB: replace(ended, spec={"by": "hand"})}))
    assert after.instances[JOB] == ended
    assert caught_up(state, [], {JOB: None}) == ()
    assert caught_up(state, [], {JOB: job("j2")}) == (), "another object"


ALIAS = Address.of("endpoint", "support")


def alias(account, **more):
    """One of a fixed name: it has the same id in every account."""
    return Instance(address=ALIAS, provider=account, account=account, id="pomoc", spec={}, **more)


def test_an_object_of_the_same_name_in_another_account_is_another_object():
    state = fold(EMPTY, (Made("1", alias("here")), Made("2", alias("there"))))
    assert state.instances[ALIAS].account == "there"
    assert [i.account for i in state.superseded] == ["here"]
    moved = fold(state, (Settled("3", alias("here", reason="x")),))
    assert moved.instances[ALIAS].reason == ""
    assert moved.superseded[0].reason == "x"
    done = fold(state, (Deleted("4", ALIAS, "pomoc", "here"),))
    assert (done.instances[ALIAS].account, done.superseded) == ("there", ())
    gone = fold(state, (Deleted("4", ALIAS, "pomoc", "there"),))
    assert (dict(gone.instances), [i.account for i in gone.superseded]) == ({}, ["here"])


def test_a_journal_of_a_version_that_named_no_account_is_understood():
    state = fold(EMPTY, (Made("1", job("j1")), Made("2", job("j2"))))
    assert fold(state, (Deleted("", JOB, "j1"),)).superseded == ()
    assert not fold(state, (Deleted("", JOB, "j2"),)).instances
    user = alias("b", needs=(Need(JOB, "j2"), Need(JOB, "j1", "b"), Need(JOB, "gone", "b")))
    made = fold(state, (Made("3", user),)).instances[ALIAS]
    assert made.needs == (Need(JOB, "j2", "a"), Need(JOB, "j1", "a"), Need(JOB, "gone", "b"))
