"""What both object stores must do, through their real SDKs, on the loopback server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.contracts.store_contract import (
    SECONDS,
    HistoryContract,
    LeaseContract,
    StoreContract,
    WireContract,
    ledger,
    lost,
    race,
    said,
)
from tests.stores.objectserver import ObjectServer, Refused, running
from tunectl.core.errors import Exit, LockError, StaleError, StateError
from tunectl.core.ports import Lease
from tunectl.core.state import Published
from tunectl.stores.lease import LeaseLock, Terms
from tunectl.stores.objects import ObjectStore

PAUSES = (0.01, 0.02)
TERMS = Terms(ttl=60, beat=0.2, fresh=0.0, poll=0.02)
PREFIX = "zespół ż/stan"


class WireFaults:
    """Strikes what changes something; copies into the history aside."""

    def __init__(self, server: ObjectServer) -> None:
        self.server = server

    def lose_next_reply(self) -> None:
        self.server.fail("lost reply")

    def refuse_next(self) -> None:
        self.server.fail("refused")


class BucketContract(StoreContract, HistoryContract, LeaseContract, WireContract):
    """Subclasses define `point(server, monkeypatch)` and `make(bucket)`."""

    def point(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        raise AssertionError("say how the SDK is pointed at the server")

    def make(self, bucket: str = "stan", terms: Terms = TERMS) -> ObjectStore:
        raise AssertionError("say how a store is made")

    @pytest.fixture
    def server(self, monkeypatch) -> Iterator[ObjectServer]:
        with running() as server:
            self.point(server.url, monkeypatch)
            yield server

    @pytest.fixture
    def clients(self, server):
        return self.make(), self.make()

    @pytest.fixture
    def faults(self, server) -> WireFaults:
        return WireFaults(server)

    @pytest.fixture
    def kill(self, server) -> Callable[[Lease], None]:
        def die(lease) -> None:
            lease.abandon()
            server.world.ahead += TERMS.ttl + 2

        return die

    def test_every_fault_that_was_ordered_struck(self, a, server):
        """The order of faults is itself under test: none may be left over unseen."""
        for kind in ("lost reply", "refused", "cut"):
            fault = server.fail(kind)
            a.write(f"rows/{kind}", b"1", expected=None)
            assert fault.times == 0

    @pytest.mark.parametrize("kind", ["lost reply", "refused", "cut", "truncated"])
    def test_a_fault_in_keeping_a_generation_is_survived(self, a, server, kind):
        old = a.write("default.json", b"1", expected=None)
        fault = server.fail(
            kind, where=lambda r: "/history/" in r.path or "%2Fhistory%2F" in r.path
        )
        a.write("default.json", b"2", expected=old)
        assert fault.times == 0
        assert [a.read(n).content for n in a.list("history/")] == [b"1"]

    @pytest.mark.parametrize("kind", ["cut", "truncated", "refused"])
    def test_a_fault_in_reading_is_survived(self, a, server, kind):
        a.write("default.json", b"a state of some length", expected=None)
        fault = server.fail(kind, where=lambda r: r.method == "GET")
        assert a.read("default.json").content == b"a state of some length"
        assert fault.times == 0

    def test_slow_is_not_lost(self, a, b, server):
        fault = server.fail("slow", seconds=0.2)
        a.write("default.json", b"1", expected=None)
        assert fault.times == 0
        assert b.read("default.json").content == b"1"

    def test_what_never_answers_is_told_and_never_read_as_nothing(self, a, server):
        server.fail("refused", times=99, where=lambda r: True)
        for act in (
            lambda: a.read("default.json"),
            lambda: a.write("default.json", b"", expected=None),
            lambda: a.append("default.journal", [b""]),
            lambda: list(a.entries("default.journal")),
            lambda: a.list(""),
            lambda: a.delete("default.json"),
            lambda: a.holder("default"),
            lambda: a.lock("default", "apply").__enter__(),
        ):
            with pytest.raises(StateError, match="cannot be reached") as caught:
                act()
            assert not isinstance(caught.value, StaleError | LockError)
            assert caught.value.diagnostics[0].hint

    def test_a_closed_port_is_told(self, monkeypatch):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.point(f"http://127.0.0.1:{free.getsockname()[1]}", monkeypatch)
            with pytest.raises(StateError, match="cannot be reached") as caught:
                self.make().read("default.json")
        assert caught.value.diagnostics[0].detail

    def test_a_missing_bucket_is_not_an_empty_one(self, server):
        store = self.make("nie-ma-takiego")
        for act in (
            lambda: store.read("default.json"),
            lambda: store.write("default.json", b"1", expected=None),
            lambda: list(store.entries("default.journal")),
            lambda: store.list(""),
            lambda: store.delete("default.json"),
            lambda: store.holder("default"),
            lambda: ledger(store).load(),
        ):
            with pytest.raises(StateError, match="does not exist") as caught:
                act()
            assert "nie-ma-takiego" in str(caught.value)
            assert not isinstance(caught.value, StaleError)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_access_is_told_with_the_exit_code_of_credentials(self, a, server, status):
        refusal = Refused(status, "AccessDenied", "no access")
        server.fail("status", times=99, where=lambda r: True, answer=refusal)
        for act in (
            lambda: a.read("default.json"),
            lambda: a.append("default.journal", [b""]),
            lambda: a.lock("default", "apply").__enter__(),
        ):
            with pytest.raises(StateError, match="was refused") as caught:
                act()
            assert caught.value.exit is Exit.CREDENTIALS
            assert caught.value.diagnostics[0].hint

    def test_a_journal_that_may_not_be_written_says_so_to_every_thread(self, a, server):
        one = ledger(a)
        journal = one.journal(one.save(one.load()))
        refusal = Refused(403, "AccessDenied", "no access")
        server.fail("status", times=99, answer=refusal)
        acts = [lambda: journal.append(Published({}))] * 4
        assert [type(r).__name__ for r in race(*acts)] == ["StateError"] * 4

    def test_lists_longer_than_a_page_are_whole(self, a, b, server):
        server.page(3)
        for number in range(8):
            a.append("default.journal", [b"%d" % number])
            a.write(f"rows/{number}", b"", expected=None)
        assert [int(line) for line in b.entries("default.journal")] == list(range(8))
        assert len(b.list("rows/")) == 8
        b.append("default.journal", [b"8"])
        assert len(list(a.entries("default.journal"))) == 9

    def test_a_torn_last_batch_loses_only_its_torn_line(self, a, b, server):
        a.append("default.journal", [b"one"])
        server.buckets.put("stan", f"{PREFIX}/default.journal/0000000002", b"two\nthr", {}, "")
        assert list(b.entries("default.journal")) == [b"one", b"two"]

    def test_a_torn_batch_inside_the_log_is_refused_by_name(self, a, b, server):
        server.buckets.put("stan", f"{PREFIX}/default.journal/0000000001", b"o", {}, "")
        a.append("default.journal", [b"two"])
        with pytest.raises(StateError, match=r"default\.journal/0000000001` is torn"):
            list(b.entries("default.journal"))

    def test_two_stores_in_one_bucket_see_nothing_of_each_other(self, a, server):
        server.buckets.put("stan", f"{PREFIX}2/default.json", b"theirs", {}, "")
        server.buckets.put("stan", "default.json", b"theirs", {}, "")
        assert a.read("default.json") is None
        assert a.list("") == []

    @pytest.mark.parametrize("skew", [-7200, 7200], ids=["two hours behind", "two hours ahead"])
    def test_a_live_lock_is_held_whatever_the_two_clocks_say(self, a, b, server, skew):
        server.world.ahead = skew
        with a.lock("default", "apply") as lease:
            assert b.holder("default") == lease.holder
            with pytest.raises(LockError), b.lock("default", "destroy"):
                pass
            lease.check()

    def test_a_holder_that_beats_keeps_the_lock_however_long_it_works(self, a, b, server):
        with a.lock("default", "apply") as lease:
            for _ in range(3):
                server.world.ahead += TERMS.ttl * 0.6
                beats = self._beats(server)
                assert _until(lambda beats=beats: self._beats(server) > beats)
                with pytest.raises(LockError), b.lock("default", "destroy"):
                    pass
                lease.check()

    def _beats(self, server) -> int:
        return sum(1 for r in server.seen if r.method in {"PUT", "POST"})

    def test_a_beat_whose_reply_was_lost_does_not_lose_the_lease(self, a, b, server):
        with a.lock("default", "apply") as lease:
            fault = server.fail("lost reply")
            assert _until(lambda: fault.times == 0)
            beats = self._beats(server)
            assert _until(lambda: self._beats(server) > beats)
            lease.check()
            assert b.holder("default") == lease.holder

    def test_a_holder_cut_off_for_too_long_stops_by_its_own_clock(self, a, server):
        """It must know before anybody may take the lock, and it can ask nobody."""
        time = [0.0]
        cell = a._lock("default").cell
        lock = LeaseLock(cell, "default", Terms(beat=99, fresh=0), lambda: time[0])
        with lock.hold("apply") as lease:
            server.fail("cut", times=10_000, where=lambda r: True)
            time[0] = 30
            lease.check()
            time[0] = 41
            assert "lost" in said(lost(lease))
            server.faults.clear()

    def test_a_holder_that_slept_and_lost_nothing_goes_on(self, a, server):
        """A laptop that wakes writes its record anew, and nobody else had."""
        time = [0.0]
        cell = a._lock("default").cell
        lock = LeaseLock(cell, "default", Terms(beat=99, fresh=0), lambda: time[0])
        with lock.hold("apply") as lease:
            time[0] = 500
            server.world.ahead += 500
            lease.check()
            assert a.holder("default") == lease.holder

    def test_a_lock_record_of_another_kind_is_refused_by_name(self, a, b):
        a.put("default.lock", b"gibberish", None)
        with pytest.raises(StateError, match=r"lock of `default` cannot be understood"):
            b.holder("default")
        with pytest.raises(StateError, match="cannot be understood"), b.lock("default", "apply"):
            pass

    def test_many_threads_append_through_one_journal(self, a, b):
        one = ledger(a)
        journal = one.journal(one.save(one.load()))
        acts = [lambda n=n: journal.append(Published({str(n): "x"})) for n in range(8)]
        assert race(*acts) == [None] * 8
        assert len(list(b.entries("default.journal"))) == 8
        one.save(one.load())
        assert list(b.entries("default.journal")) == []

    def test_nothing_secret_is_in_any_message(self, a, server):
        refusal = Refused(403, "AccessDenied", "no access")
        server.fail("status", times=99, where=lambda r: True, answer=refusal)
        with pytest.raises(StateError) as caught:
            a.read("default.json")
        told = "\n".join(f"{d.summary}{d.detail}{d.hint}" for d in caught.value.diagnostics)
        assert "s3cret" not in told


def _until(true: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(int(SECONDS / 0.02)):
        if true():
            return True
        pause.wait(0.02)
    return False
