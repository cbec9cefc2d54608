"""What every store must do, with two clients racing.

Subclass `StoreContract`, and mix in what the store has: `HistoryContract` where it lists and keeps
old generations, `LeaseContract` where a dead holder's lock is taken over without a person,
`WireContract` where a network lies between. Each tells in its docstring which fixtures it wants.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import pytest

from tunectl.core.errors import Exit, LockError, StaleError, StateError
from tunectl.core.ports import Lease, Store
from tunectl.core.state import Published, State
from tunectl.stores.generations import put_aside
from tunectl.stores.ledger import Ledger

SECONDS = 30.0  # nothing waits so long unless the store is broken
GENERATIONS = 10
CI = [
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_SERVER_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_REF",
    "GITHUB_ACTOR",
    "GITLAB_CI",
    "GITLAB_USER_LOGIN",
    "CI_JOB_URL",
    "CI_MERGE_REQUEST_IID",
    "BUILD_URL",
]


class Faults(Protocol):
    """What a test may do to the wire below the first client."""

    def lose_next_reply(self) -> None:
        """Let the next changing request take effect and cut its connection before the reply."""
        ...

    def refuse_next(self) -> None:
        """Answer the next changing request with 503, or cut it, before it takes effect."""
        ...


def ledger(store: Store, project: str = "pomoc") -> Ledger:
    return Ledger(store, project, "default", "0.1.0")


def said(error: LockError) -> str:
    return "\n".join(f"{d.summary}\n{d.detail}\n{d.hint}" for d in error.diagnostics)


def lost(lease: Lease) -> LockError:
    """Return the error of a lost lease; a store may take a moment to notice."""
    pause = threading.Event()
    for _ in range(int(SECONDS / 0.05)):
        try:
            lease.check()
        except LockError as error:
            return error
        pause.wait(0.05)
    raise AssertionError("the lease was lost and check() never said so")


class TwoClients:
    """Subclasses define a fixture `clients` that gives two clients of one empty store."""

    @pytest.fixture
    def a(self, clients: tuple[Store, Store]) -> Store:
        return clients[0]

    @pytest.fixture
    def b(self, clients: tuple[Store, Store]) -> Store:
        return clients[1]

    @pytest.fixture(autouse=True)
    def _no_ci(self, monkeypatch):
        for name in CI:
            monkeypatch.delenv(name, raising=False)


class StoreContract(TwoClients):
    """What every store must do."""

    def test_what_is_not_there_reads_as_none(self, a):
        assert a.read("default.json") is None
        assert list(a.entries("default.journal")) == []
        assert a.holder("default") is None

    def test_the_other_client_reads_what_was_written(self, a, b):
        generation = a.write("default.json", "zażółć".encode(), expected=None)
        blob = b.read("default.json")
        assert blob is not None
        assert blob.content.decode() == "zażółć"
        assert blob.generation == generation

    def test_every_client_reads_its_own_writes(self, a, b):
        generation = None
        for number in range(6):
            store = (a, b)[number % 2]
            generation = store.write("default.json", b"%d" % number, expected=generation)
            for client in (a, b):
                blob = client.read("default.json")
                assert (blob.content, blob.generation) == (b"%d" % number, generation)

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n", b"\x00\xff\r\n--boundary--\r\n", bytes(range(256)) * 1500],
        ids=["empty", "a line feed", "binary", "384 kB"],
    )
    def test_content_comes_back_byte_for_byte(self, a, b, content):
        a.write("rows/aa", content, expected=None)
        blob = b.read("rows/aa")
        assert blob is not None
        assert blob.content == content

    def test_a_write_on_an_old_generation_is_refused(self, a, b):
        old = a.write("default.json", b"1", expected=None)
        b.write("default.json", b"2", expected=old)
        with pytest.raises(StaleError):
            a.write("default.json", b"3", expected=old)
        assert a.read("default.json").content == b"2"

    def test_a_first_write_is_refused_when_something_is_there(self, a, b):
        a.write("default.json", b"1", expected=None)
        with pytest.raises(StaleError):
            b.write("default.json", b"2", expected=None)
        assert a.read("default.json").content == b"1"

    def test_a_write_is_refused_when_the_object_is_gone(self, a, b):
        generation = a.write("default.json", b"1", expected=None)
        b.delete("default.json")
        with pytest.raises(StaleError):
            a.write("default.json", b"2", expected=generation)
        assert b.read("default.json") is None

    def test_of_two_racing_writers_exactly_one_wins(self, a, b):
        start = a.write("default.json", b"start", expected=None)
        results = race(
            lambda: a.write("default.json", b"from-a", expected=start),
            lambda: b.write("default.json", b"from-b", expected=start),
        )
        assert sorted(isinstance(r, StaleError) for r in results) == [False, True]
        won = b"from-a" if isinstance(results[1], StaleError) else b"from-b"
        assert a.read("default.json").content == won

    def test_of_two_racing_first_writers_exactly_one_wins(self, a, b):
        results = race(
            lambda: a.write("default.json", b"from-a", expected=None),
            lambda: b.write("default.json", b"from-b", expected=None),
        )
        assert sorted(isinstance(r, StaleError) for r in results) == [False, True]

    def test_appended_lines_come_back_in_order(self, a, b):
        a.append("default.journal", [b"one", b"two"])
        b.append("default.journal", [b"three"])
        for client in (a, b):
            assert list(client.entries("default.journal")) == [b"one", b"two", b"three"]

    def test_alternating_batches_keep_their_order(self, a, b):
        for number in range(12):
            (a, b)[number % 2].append("default.journal", [b"%d" % number, "ż".encode()])
        lines = list(a.entries("default.journal"))
        assert [int(line) for line in lines[::2]] == list(range(12))

    def test_racing_batches_are_all_there_and_whole(self, a, b):
        def lines(who: str) -> list[list[bytes]]:
            return [[f"{who}{n}.{i}".encode() for i in range(3)] for n in range(6)]

        def append(store: Store, who: str) -> None:
            for batch in lines(who):
                store.append("default.journal", batch)

        assert race(lambda: append(a, "a"), lambda: append(b, "b")) == [None, None]
        found = list(b.entries("default.journal"))
        for who in "ab":
            mine = [line for line in found if line.startswith(who.encode())]
            assert mine == [line for batch in lines(who) for line in batch]
        starts = [found[i : i + 3] for i in range(0, len(found), 3)]
        assert all(len({line.split(b".")[0] for line in batch}) == 1 for batch in starts)

    def test_a_deleted_log_is_empty_and_begins_anew(self, a, b):
        a.append("default.journal", [b"old"])
        b.delete("default.journal")
        assert list(a.entries("default.journal")) == []
        a.append("default.journal", [b"new"])
        assert list(b.entries("default.journal")) == [b"new"]

    def test_deleting_what_is_not_there_is_fine(self, a):
        a.delete("default.json")
        a.delete("default.journal")

    def test_a_held_lock_names_its_holder(self, a, b):
        with a.lock("default", "apply") as lease:
            assert b.holder("default") == lease.holder
            assert lease.holder.who
            assert lease.holder.created
            with pytest.raises(LockError) as caught, b.lock("default", "destroy"):
                pass
            assert caught.value.exit is Exit.LOCK
            for word in (lease.holder.id, lease.holder.who, "apply", lease.holder.created):
                assert word in said(caught.value)
        assert b.holder("default") is None

    def test_a_lock_held_in_ci_names_the_run_and_the_pull_request(self, a, b, monkeypatch):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/pomoc")
        monkeypatch.setenv("GITHUB_RUN_ID", "815")
        monkeypatch.setenv("GITHUB_REF", "refs/pull/41/merge")
        with (
            a.lock("default", "apply"),
            pytest.raises(LockError) as caught,
            b.lock("default", "apply"),
        ):
            pass
        assert "https://github.com/acme/pomoc/actions/runs/815" in said(caught.value)
        assert "pull request #41" in said(caught.value)

    def test_a_waiting_client_gets_the_lock_when_it_is_freed(self, a, b):
        got = threading.Event()

        def wait() -> None:
            with b.lock("default", "apply", timeout=SECONDS):
                got.set()

        with a.lock("default", "apply"):
            thread = threading.Thread(target=wait)
            thread.start()
            assert not got.wait(0.1)
        thread.join()
        assert got.is_set()

    def test_a_waiting_client_gives_up_after_its_timeout(self, a, b):
        with (
            a.lock("default", "apply") as lease,
            pytest.raises(LockError) as caught,
            b.lock("default", "destroy", timeout=0.2),
        ):
            pass
        assert lease.holder.id in said(caught.value)

    def test_of_two_racing_clients_exactly_one_gets_the_lock(self, a, b):
        done = threading.Barrier(2, timeout=SECONDS)

        def take(store: Store) -> None:
            try:
                with store.lock("default", "apply"):
                    done.wait()
            except LockError:
                done.wait()
                raise

        results = race(lambda: take(a), lambda: take(b))
        assert sorted(isinstance(r, LockError) for r in results) == [False, True]

    def test_locks_of_different_environments_are_independent(self, a, b):
        with a.lock("default", "apply"), b.lock("prod", "apply"):
            assert a.holder("default").id != a.holder("prod").id

    def test_a_lock_is_freed_when_its_holder_fails(self, a, b):
        with pytest.raises(ZeroDivisionError), a.lock("default", "apply"):
            raise ZeroDivisionError
        with b.lock("default", "apply"):
            pass

    def test_a_lock_is_broken_only_by_its_id(self, a, b):
        with a.lock("default", "apply") as lease:
            with pytest.raises(LockError, match="does not hold"):
                b.break_lock("default", "another-id")
            lease.check()
            b.break_lock("default", lease.holder.id)
            assert "lost" in said(lost(lease))

    def test_the_old_holder_of_a_broken_lock_does_not_free_the_new_one(self, a, b):
        with a.lock("default", "apply") as old:
            b.break_lock("default", old.holder.id)
            with b.lock("default", "destroy") as new:
                lost(old)
                with pytest.raises(LockError, match="does not hold"):
                    a.break_lock("default", old.holder.id)
                assert a.holder("default") == new.holder
                new.check()
        assert a.holder("default") is None

    def test_a_free_lock_cannot_be_broken(self, a):
        with pytest.raises(LockError, match="is free"):
            a.break_lock("default", "any-id")

    def test_the_state_goes_round_with_its_journal(self, a, b):
        one = ledger(a)
        state = one.save(one.load())
        one.journal(state).append(Published({"model": "ft:żółw"}))
        assert ledger(b).load().outputs == {"model": "ft:żółw"}
        saved = one.save(one.load())
        assert list(b.entries("default.journal")) == []
        assert ledger(b).load() == saved

    def test_two_ledgers_cannot_both_save(self, a, b):
        one, two = ledger(a), ledger(b)
        state_one, state_two = one.load(), two.load()
        one.save(state_one)
        with pytest.raises(StaleError):
            two.save(state_two)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b'{"format": 1, "lineage": "l', "truncated or damaged"),
            (b'{"version": 4, "terraform_version": "1.11.4"}', "is not a tunectl state"),
            (b"<html>login</html>", "truncated or damaged"),
        ],
    )
    def test_corrupt_and_foreign_content_is_refused_by_name(self, a, b, content, words):
        a.write("default.json", content, expected=None)
        with pytest.raises(StateError, match=words) as caught:
            ledger(b).load()
        assert "default.json" in str(caught.value)

    def test_a_corrupt_journal_is_refused_by_name(self, a, b):
        one = ledger(a)
        one.save(one.load())
        a.append("default.journal", [b"not json"])
        with pytest.raises(StateError, match=r"default\.journal"):
            ledger(b).load()

    def test_a_journal_without_its_state_is_refused(self, a, b):
        one = ledger(a)
        one.journal(one.save(one.load())).append(Published({}))
        a.delete("default.json")
        with pytest.raises(StateError, match="there is a journal"):
            ledger(b).load()

    def test_a_missing_state_of_which_generations_are_kept_is_refused(self, a, b):
        one = ledger(a)
        one.save(one.load())
        put_aside(a, "default.json", a.read("default.json").content)
        a.delete("default.json")
        kept = ledger(b).history()
        with pytest.raises(StateError, match="but there was one") as caught:
            ledger(b).load()
        [told] = caught.value.diagnostics
        assert told.code == "state-missing"
        assert "`tunectl state repair --write`" in told.hint
        assert f"`--from {kept[0].id}`" in told.hint
        for generation in kept:
            a.delete(generation.name)
        assert ledger(b).load().instances == {}


class ListingContract(TwoClients):
    """For stores that can list."""

    def test_names_are_listed_by_prefix(self, a, b):
        a.write("rows/aa", b"1", expected=None)
        b.write("rows/bb", b"2", expected=None)
        a.write("default.json", b"3", expected=None)
        assert list(a.list("rows/")) == ["rows/aa", "rows/bb"]
        assert list(b.list("rows/b")) == ["rows/bb"]
        assert list(b.list("nothing")) == []

    def test_listed_is_what_was_written_and_nothing_of_the_stores_own(self, a, b):
        a.write("default.json", b"1", expected=None)
        for line in (b"one", b"two"):
            a.append("default.journal", [line])
        with a.lock("default", "apply"):
            assert list(b.list("")) == ["default.journal", "default.json"]
        a.delete("default.journal")
        assert list(b.list("")) == ["default.json"]


class HistoryContract(ListingContract):
    """For stores that list, and keep what a write replaces under `history/NAME.…`."""

    def test_ten_generations_are_kept(self, a, b):
        generation = None
        for number in range(GENERATIONS + 3):
            generation = (a, b)[number % 2].write(
                "default.json", b"%d" % number, expected=generation
            )
        kept = list(a.list("history/default.json."))
        contents = [int(b.read(name).content) for name in kept]
        assert contents == list(range(2, GENERATIONS + 2))

    def test_each_name_has_its_own_history(self, a):
        for name in ("default.json", "prod.json"):
            first = a.write(name, b"1", expected=None)
            a.write(name, b"2", expected=first)
        assert len(list(a.list("history/"))) == 2

    def test_a_refused_write_leaves_no_history(self, a, b):
        old = a.write("default.json", b"1", expected=None)
        b.write("default.json", b"2", expected=old)
        with pytest.raises(StaleError):
            a.write("default.json", b"3", expected=old)
        assert len(list(a.list("history/"))) == 1


class LeaseContract(TwoClients):
    """For stores that take a dead holder's lock over.

    Fixtures: `kill(lease)` lets the holder of a lease (taken from client `a`) die as far as the
    store can tell: it does not release, it beats no more, and its term runs out.
    """

    def test_the_lock_of_a_dead_holder_is_taken_over(self, a, b, kill: Callable[[Lease], None]):
        with a.lock("default", "apply") as old:
            kill(old)
            with b.lock("default", "destroy") as new:
                assert new.holder.id != old.holder.id
                assert b.holder("default") == new.holder
                assert "lost" in said(lost(old))
                new.check()

    def test_a_dead_holder_holds_nothing(self, a, b, kill):
        with a.lock("default", "apply") as old:
            kill(old)
            assert b.holder("default") is None

    def test_a_late_release_does_not_free_the_new_holders_lock(self, a, b, kill):
        held = a.lock("default", "apply")
        old = held.__enter__()
        kill(old)
        with b.lock("default", "destroy") as new:
            held.__exit__(None, None, None)
            assert b.holder("default") == new.holder
            new.check()

    def test_what_an_old_holder_writes_late_is_ignored(self, a, b, kill):
        """The serial is the fencing token: lines name the snapshot they follow."""
        one, two = ledger(a), ledger(b)
        with a.lock("default", "apply") as old:
            state = one.save(one.load())
            journal = one.journal(state)
            journal.append(Published({"by": "old"}))
            kill(old)
            with b.lock("default", "apply"):
                taken = two.save(two.load())
                assert taken.outputs == {"by": "old"}
                journal.append(Published({"by": "late"}))
                two.journal(taken).append(Published({"by": "new"}))
                assert ledger(b).load().outputs == {"by": "new"}
                with pytest.raises(StaleError):
                    one.save(state)
        assert ledger(a).load().outputs == {"by": "new"}


class WireContract(TwoClients):
    """For stores behind a network.

    Fixtures: `faults` (see `Faults`) stands between client `a` and the store.
    """

    @pytest.fixture(params=["lost reply", "refused"])
    def fault(self, request, faults: Faults) -> Callable[[], None]:
        return faults.lose_next_reply if request.param == "lost reply" else faults.refuse_next

    def test_a_first_write_survives(self, a, b, fault):
        fault()
        generation = a.write("default.json", b"1", expected=None)
        blob = b.read("default.json")
        assert (blob.content, blob.generation) == (b"1", generation)

    def test_a_write_on_a_generation_survives(self, a, b, fault):
        old = a.write("default.json", b"1", expected=None)
        fault()
        generation = a.write("default.json", b"2", expected=old)
        blob = b.read("default.json")
        assert (blob.content, blob.generation) == (b"2", generation)

    def test_a_true_conflict_is_still_refused(self, a, b, fault):
        old = a.write("default.json", b"1", expected=None)
        b.write("default.json", b"2", expected=old)
        fault()
        with pytest.raises(StaleError):
            a.write("default.json", b"3", expected=old)
        assert b.read("default.json").content == b"2"

    def test_a_conflict_with_equal_content_is_not_taken_for_ours(self, a, b):
        """Two first states may be equal byte for byte; only one writer may believe it won."""
        results = race(
            lambda: a.write("default.json", b"same", expected=None),
            lambda: b.write("default.json", b"same", expected=None),
        )
        assert sorted(isinstance(r, StaleError) for r in results) == [False, True]

    def test_a_batch_is_appended_once(self, a, b, fault):
        a.append("default.journal", [b"one"])
        fault()
        a.append("default.journal", [b"two", b"three"])
        b.append("default.journal", [b"four"])
        assert list(b.entries("default.journal")) == [b"one", b"two", b"three", b"four"]

    def test_the_first_batch_is_appended_once(self, a, b, fault):
        fault()
        a.append("default.journal", [b"one"])
        a.append("default.journal", [b"two"])
        assert list(b.entries("default.journal")) == [b"one", b"two"]

    def test_the_lock_is_taken_and_freed(self, a, b, fault):
        fault()
        with a.lock("default", "apply") as lease:
            lease.check()
            assert b.holder("default") == lease.holder
            fault()
        assert b.holder("default") is None
        with b.lock("default", "apply"):
            pass

    def test_a_delete_survives(self, a, b, fault):
        a.write("default.json", b"1", expected=None)
        fault()
        a.delete("default.json")
        assert b.read("default.json") is None


def race(*acts: Callable[[], object]) -> list[object]:
    """Run all at once; return what each returned, or the error of ours it raised."""
    barrier = threading.Barrier(len(acts), timeout=SECONDS)
    results: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = acts[index]()
        except StateError as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS * 2)
    return results


def saved(store: Store) -> State:
    """Return a stored, empty state."""
    one = ledger(store)
    return one.save(one.load())
