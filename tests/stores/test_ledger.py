"""The state is the snapshot with the journal folded in, and is never misread."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest

from tunectl.core.errors import StaleError, StateError
from tunectl.core.resource import Instance, Lifecycle, Need, Recreate, Status
from tunectl.core.state import Account, Began, Deleted, Intent, Made, Published, State
from tunectl.core.value import Address
from tunectl.stores.ledger import Ledger
from tunectl.stores.memory import MemoryStore
from tunectl.stores.statefile import decode, encode

JOB = Address.of("tuning_job", "wsparcie", key="pl")


def instance(id_: str = "ftjob-1") -> Instance:
    return Instance(
        address=JOB,
        provider="local",
        account="local-1",
        id=id_,
        spec={"method": {"epochs": 3}, "suffix": None, "rows": ("ż", 1, 2.5, True)},
        outputs={"model_id": "ft:m"},
        status=Status.PENDING,
        needs=(Need(Address.of("upload", "wsparcie", key="train/local/chat"), "file-1"),),
        fingerprint="fp1:abc",
        reason="",
        op="0" * 32,
        lifecycle=Lifecycle(protect=True, ignore_changes=frozenset({"suffix"}), keep_previous=2),
        recreate=Recreate.ON_REQUEST,
        labels={"zespół": "wsparcie"},
    )


def full_state() -> State:
    return State(
        lineage="l",
        project="p",
        env="default",
        serial=7,
        providers={"local": Account(type="local", account="local-1", settings={"root": "x"})},
        instances={JOB: instance()},
        superseded=(instance("ftjob-0"),),
        intents=(Intent(op="1", action="create", address=JOB, provider="local", time="t"),),
        outputs={"model": "ft:m"},
    )


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def ledger(store, project="p", env="default") -> Ledger:
    return Ledger(store, project, env, "0.1.0")


def test_a_state_comes_back_as_it_was():
    assert decode(encode(full_state(), "0.1.0"), "default.json") == full_state()


def test_the_same_state_has_the_same_bytes():
    assert encode(full_state(), "0.1.0") == encode(full_state(), "0.1.0")


def test_journal_entries_are_folded_over_the_snapshot(store):
    first = ledger(store)
    state = first.save(first.load())
    journal = first.journal(state)
    journal.append(Began(Intent(op="1", action="create", address=JOB, provider="local")))
    journal.append(Made("1", instance()))
    found = ledger(store).load()
    assert found.instances == {JOB: instance()}
    assert found.intents == ()


def test_an_intent_without_an_outcome_stays_open(store):
    first = ledger(store)
    state = first.save(first.load())
    intent = Intent(op="1", action="create", address=JOB, provider="local")
    first.journal(state).append(Began(intent))
    assert ledger(store).load().intents == (intent,)


def test_entries_that_a_newer_snapshot_holds_are_passed_over(store):
    first = ledger(store)
    state = first.save(first.load())
    first.journal(state).append(Made("1", instance()))
    left = store.read("default.journal").content
    gone = ledger(store)
    loaded = gone.load()
    gone.save(State(lineage=loaded.lineage, project="p", env="default", serial=loaded.serial))
    store.append("default.journal", [left.rstrip(b"\n")])
    assert ledger(store).load().instances == {}


def test_a_snapshot_older_than_its_journal_is_refused(store):
    first = ledger(store)
    state = first.save(first.load())
    old = store.read("default.json")
    state = first.save(state)
    first.journal(state).append(Deleted("", JOB, "x"))
    now = store.read("default.json")
    store.write("default.json", old.content, expected=now.generation)
    with pytest.raises(StaleError, match="newer than state"):
        ledger(store).load()


def test_a_journal_without_its_snapshot_is_refused(store):
    first = ledger(store)
    first.journal(first.save(first.load())).append(Published({}))
    store.delete("default.json")
    with pytest.raises(StateError, match="there is a journal"):
        ledger(store).load()


def test_a_first_load_lists_once_and_a_later_one_never():
    class Counting(MemoryStore):
        listed = 0

        def list(self, prefix):
            self.listed += 1
            return super().list(prefix)

    store = Counting()
    first = ledger(store)
    state = first.load()
    assert store.listed == 1
    first.save(state)
    ledger(store).load()
    assert store.listed == 1


def test_one_object_at_two_addresses_is_never_stored(store):
    first = ledger(store)
    state = first.save(first.load())
    there = store.read("default.json")
    other = Address.of("tuning_job", "inny")
    twice = replace(state, instances={JOB: instance(), other: replace(instance(), address=other)})
    with pytest.raises(StateError, match=r"`ftjob-1` at two addresses") as caught:
        first.save(twice)
    assert f"`{JOB}` and `{other}`" in str(caught.value)
    assert store.read("default.json") == there


def test_two_writers_cannot_both_save(store):
    one, two = ledger(store), ledger(store)
    state_one, state_two = one.load(), two.load()
    one.save(state_one)
    with pytest.raises(StaleError):
        two.save(state_two)


def test_another_projects_state_is_refused_by_name(store):
    first = ledger(store)
    first.save(first.load())
    with pytest.raises(StateError, match="belongs to project `p`"):
        ledger(store, project="q").load()


def _document(**changes) -> bytes:
    tree = orjson.loads(encode(full_state(), "9.9.9")) | changes
    return orjson.dumps(tree)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (encode(full_state(), "0.1.0")[:200], "truncated or damaged"),
        (b"\x00\x01", "truncated or damaged"),
        (b"[1, 2]", "is not a tunectl state"),
        (b'{"version": 4, "terraform_version": "1.11.4"}', "is not a tunectl state"),
        (_document(format=3), r"has format 3; this version reads up to 2"),
        (_document(serial="8"), "is not a tunectl state"),
        (_document(serial=None), "is not a tunectl state"),
        (_document(serial=8), "altered outside tunectl"),
        (_document(checksum=None), "altered outside tunectl"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(content, words):
    with pytest.raises(StateError, match=words):
        decode(content, "default.json")


def test_many_threads_append_and_every_entry_is_there(store):
    first = ledger(store)
    journal = first.journal(first.save(first.load()))
    addresses = [Address.of("endpoint", f"e{n}") for n in range(200)]
    threads = [
        threading.Thread(
            target=lambda a=a: journal.append(
                Began(Intent(op=str(a), action="create", address=a, provider="local"))
            )
        )
        for a in addresses
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {i.address for i in ledger(store).load().intents} == set(addresses)


def test_whoever_waits_for_a_write_that_fails_is_told():
    class Failing(MemoryStore):
        def append(self, name, lines):
            time.sleep(0.01)  # the others gather meanwhile
            raise StateError.of("no space left on device")

    first = ledger(Failing())
    journal = first.journal(first.save(first.load()))

    def append(number):
        with pytest.raises(StateError, match="no space left"):
            journal.append(Published({"n": number}))
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(append, range(40))) == list(range(40))


def test_after_a_failed_write_nothing_more_is_accepted(store):
    class Full(MemoryStore):
        def append(self, name, lines):
            raise StateError.of("no space left on device")

    full = Full()
    first = ledger(full)
    journal = first.journal(first.save(first.load()))
    for _ in range(2):
        with pytest.raises(StateError, match="no space left"):
            journal.append(Published({}))


def test_entries_given_together_are_one_write_in_their_order():
    class Counting(MemoryStore):
        def __init__(self):
            super().__init__()
            self.writes = []

        def append(self, name, lines):
            self.writes.append(len(lines))
            super().append(name, lines)

    counting = Counting()
    first = ledger(counting)
    journal = first.journal(first.save(first.load()))
    journal.append(*(Published({"n": number}) for number in range(7)))
    journal.append()
    assert counting.writes == [7]
    assert ledger(counting).load().outputs == {"n": 6}
