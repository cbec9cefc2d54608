"""What every store must do, with two clients racing: subclass, and give a `clients` fixture."""

from __future__ import annotations

import threading

import pytest

from tunectl.core.errors import LockError, StaleError
from tunectl.core.ports import Store


class StoreContract:
    """Subclasses define a fixture `clients` that gives two clients of one empty store."""

    @pytest.fixture
    def a(self, clients: tuple[Store, Store]) -> Store:
        return clients[0]

    @pytest.fixture
    def b(self, clients: tuple[Store, Store]) -> Store:
        return clients[1]

    def test_what_is_not_there_reads_as_none(self, a):
        assert a.read("default.json") is None
        assert list(a.entries("default.journal")) == []

    def test_the_other_client_reads_what_was_written(self, a, b):
        generation = a.write("default.json", "zażółć".encode(), expected=None)
        blob = b.read("default.json")
        assert blob is not None
        assert blob.content.decode() == "zażółć"
        assert blob.generation == generation

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

    def test_a_write_is_refused_when_the_object_is_gone(self, a, b):
        generation = a.write("default.json", b"1", expected=None)
        b.delete("default.json")
        with pytest.raises(StaleError):
            a.write("default.json", b"2", expected=generation)

    def test_of_two_racing_writers_exactly_one_wins(self, a, b):
        start = a.write("default.json", b"start", expected=None)
        barrier = threading.Barrier(2)
        results: list[str] = []

        def write(store: Store, content: bytes) -> None:
            barrier.wait()
            try:
                store.write("default.json", content, expected=start)
            except StaleError:
                results.append("stale")
            else:
                results.append(content.decode())

        threads = [
            threading.Thread(target=write, args=(s, c)) for s, c in ((a, b"from-a"), (b, b"from-b"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results.count("stale") == 1
        assert a.read("default.json").content.decode() in results

    def test_appended_lines_come_back_in_order(self, a, b):
        a.append("default.journal", [b"one", b"two"])
        b.append("default.journal", [b"three"])
        assert list(a.entries("default.journal")) == [b"one", b"two", b"three"]

    def test_names_are_listed_by_prefix(self, a, b):
        a.write("rows/aa", b"1", expected=None)
        b.write("rows/bb", b"2", expected=None)
        a.write("default.json", b"3", expected=None)
        assert [n for n in a.list("rows/") if n.startswith("rows/")] == ["rows/aa", "rows/bb"]

    def test_deleting_what_is_not_there_is_fine(self, a):
        a.delete("default.json")

    def test_a_held_lock_names_its_holder(self, a, b):
        with a.lock("default", "apply") as lease:
            assert b.holder("default").id == lease.holder.id
            with pytest.raises(LockError, match="apply"), b.lock("default", "destroy"):
                pass
        assert b.holder("default") is None

    def test_a_waiting_client_gets_the_lock_when_it_is_freed(self, a, b):
        got = threading.Event()

        def wait() -> None:
            with b.lock("default", "apply", timeout=20):
                got.set()

        with a.lock("default", "apply"):
            thread = threading.Thread(target=wait)
            thread.start()
            assert not got.wait(0.1)
        thread.join()
        assert got.is_set()

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
            with pytest.raises(LockError, match="lost"):
                lease.check()
