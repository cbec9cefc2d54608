"""State behind Terraform's `http` protocol: the plain one, and GitLab's manner of it."""

from __future__ import annotations

import contextlib
import json
import re
import threading

import pytest

from tests.contracts.store_contract import HistoryContract, StoreContract, WireContract, said
from tests.stores.stateserver import CHANGING, Fault, Seen, StateServer, serving
from tunectl.core.errors import ConfigError, Exit, LockError, StaleError, StateError, TunectlError
from tunectl.stores.http import HttpStore

PAUSES = (0.01, 0.02, 0.02)
PASSWORD = "geheim-kanarek-7"


def client(server: StateServer, patience: float = 20.0, **environ: str) -> HttpStore:
    given = {"TF_HTTP_USERNAME": server.user, "TF_HTTP_PASSWORD": server.password, **environ}
    return HttpStore(server.address, given, pauses=PAUSES, patience=patience)


class FaultyServer:
    """The contract's faults, of whatever changes something: the brief locks too."""

    def __init__(self, server: StateServer) -> None:
        self.server = server

    def _next(self, kind: str, status: int = 0) -> None:
        self.server.faults.append(Fault(kind, lambda s: s.method in CHANGING, status))

    def lose_next_reply(self) -> None:
        self._next("cut after")

    def refuse_next(self) -> None:
        self._next("before", 503)


class HttpContract(StoreContract, HistoryContract, WireContract):
    """What is asked of both manners."""

    manner: str

    @pytest.fixture
    def server(self):
        with serving(StateServer(manner=self.manner, user="ania", password=PASSWORD)) as server:
            yield server

    @pytest.fixture
    def clients(self, server):
        return client(server), client(server)

    @pytest.fixture
    def faults(self, server):
        return FaultyServer(server)

    def test_locks_of_different_environments_are_independent(self, a, b):
        """They cannot be: the protocol has one lock for an address. One client shares its own."""
        with a.lock("default", "apply") as first, a.lock("prod", "plan") as second:
            assert first.holder == second.holder
            with pytest.raises(LockError, match="apply"), b.lock("staging", "apply"):
                pass
            second.check()
        assert b.holder("default") is None

    def test_who_finds_the_lock_held_is_told_how_to_break_it(self, a, b):
        """It has no lease: after a kill it stays until somebody does."""
        with (
            a.lock("default", "apply") as lease,
            pytest.raises(LockError) as caught,
            b.lock("default", "apply"),
        ):
            pass
        [broken] = re.findall(r"`tunectl lock break (\S+)`", said(caught.value))
        assert broken == lease.holder.id

    def test_nothing_of_a_refused_write_is_sent(self, a, b, server):
        a.write("default.json", b"1", expected=None)
        before = server.content
        with pytest.raises(StaleError):
            b.write("default.json", b"2", expected=None)
        assert server.content == before
        assert server.holder is None

    def test_the_serial_rises_by_one_and_the_lineage_stays(self, a, b, server):
        generation = a.write("default.json", b"1", expected=None)
        b.append("default.journal", [b"x", b"y"])
        a.write("default.json", b"2", expected=generation)
        b.delete("default.journal")
        assert server.serials() == [1, 2, 3, 4]
        assert len({json.loads(each)["lineage"] for each in server.versions}) == 1

    def test_a_batch_of_the_journal_is_one_write(self, a, server):
        with a.lock("default", "apply"):
            before = len(server.versions)
            a.append("default.journal", [b"1", b"2", b"3"])
            assert len(server.versions) == before + 1
            assert server.seen[-1].query["ID"] == [server.holder["ID"]]

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("cut before", 0), ("cut after", 0), ("half", 0), ("before", 503), ("after", 502),
         ("before", 500), ("after", 500), ("before", 429)],
    )  # fmt: skip
    def test_a_write_under_a_lock_lands_once_whatever_becomes_of_the_reply(
        self, a, b, server, kind, status
    ):
        with a.lock("default", "apply") as lease:
            generation = a.write("default.json", b"1", expected=None)
            fault = Fault(kind, lambda s: s.method == "POST" and "ID" in s.query, status)
            server.faults.append(fault)
            a.write("default.json", b"2", expected=generation)
            a.append("default.journal", [b"line"])
            lease.check()
        assert b.read("default.json").content == b"2"
        assert list(b.entries("default.journal")) == [b"line"]
        assert server.serials() == [1, 2, 3]
        assert not server.faults

    @pytest.mark.parametrize("kind", ["cut before", "half", "before"])
    def test_a_read_survives(self, a, b, server, kind):
        a.write("default.json", b"1" * 999, expected=None)
        server.faults.append(Fault(kind, lambda s: s.method == "GET", 500))
        assert b.read("default.json").content == b"1" * 999

    @pytest.mark.parametrize("kind", ["cut after", "after", "before"])
    def test_an_unlock_survives(self, a, b, server, kind):
        with a.lock("default", "apply"):
            server.faults.append(Fault(kind, lambda s: s.method == server.methods[1], 502))
        assert not server.faults
        assert server.holder is None

    def test_work_in_flight_is_recorded_after_the_lock_was_broken(self, a, b, server):
        with a.lock("default", "apply") as lease:
            a.append("default.journal", [b"one"])
            b.break_lock("default", lease.holder.id)
            a.append("default.journal", [b"two"])
            with pytest.raises(LockError, match="lost"):
                lease.check()
        assert list(b.entries("default.journal")) == [b"one", b"two"]

    def test_a_write_behind_another_holder_is_refused_and_names_it(self, server):
        a, b = client(server, patience=0.1), client(server)
        with b.lock("default", "destroy") as lease:
            with pytest.raises(LockError) as caught:
                a.write("default.json", b"1", expected=None)
            assert lease.holder.id in said(caught.value)
        assert server.content is None

    def test_looking_who_holds_a_free_lock_does_not_disturb_another_who_takes_it(self, a, b):
        stop = threading.Event()

        def look() -> None:
            while not stop.is_set():
                b.holder("default")

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for _ in range(5):
                with a.lock("default", "apply") as lease:
                    lease.check()
        finally:
            stop.set()
            thread.join()

    def test_a_server_that_does_not_answer_is_never_nothing_there(self, server):
        gone = HttpStore("http://127.0.0.1:9/state", {}, pauses=())
        for act in (
            lambda: gone.read("default.json"),
            lambda: gone.list(""),
            lambda: gone.holder("default"),
            lambda: gone.write("default.json", b"", expected=None),
        ):
            with pytest.raises(StateError, match="does not answer"):
                act()

    @pytest.mark.parametrize("status", [500, 502, 503, 400, 418, 302])
    def test_an_answer_that_is_no_state_is_never_nothing_there(self, server, status):
        a = client(server)
        server.faults += [Fault("before", lambda _: True, status) for _ in range(4)]
        with pytest.raises(StateError, match=str(status)):
            a.read("default.json")

    @pytest.mark.parametrize("password", ["", "wrong-kanarek"])
    def test_missing_or_wrong_credentials_are_told_with_exit_6(self, server, password):
        a = client(server, TF_HTTP_PASSWORD=password)
        with pytest.raises(StateError) as caught:
            a.read("default.json")
        assert caught.value.exit is Exit.CREDENTIALS
        assert "TUNECTL_HTTP_PASSWORD" in everything(caught.value)
        assert not password or password not in everything(caught.value)

    def test_one_who_may_only_read_is_told_so(self, server):
        a = client(server)
        a.write("default.json", b"1", expected=None)
        server.may_write = False
        assert a.read("default.json").content == b"1"
        with pytest.raises(StateError, match="refused") as caught, a.lock("default", "apply"):
            pass
        assert caught.value.exit is Exit.CREDENTIALS
        assert "Maintainer" in everything(caught.value)

    def test_tunectls_own_variables_win(self, server):
        wrong = {"TF_HTTP_USERNAME": "x", "TF_HTTP_PASSWORD": "y"}
        own = {"TUNECTL_HTTP_USERNAME": "ania", "TUNECTL_HTTP_PASSWORD": PASSWORD}
        assert HttpStore(server.address, {**wrong, **own}).read("default.json") is None

    def test_a_replaced_or_rolled_back_document_is_refused(self, a, b, server):
        generation = a.write("default.json", b"1", expected=None)
        a.write("default.json", b"2", expected=generation)
        newest = server.content
        server.content = server.versions[0]
        with pytest.raises(StateError, match="went back from serial 2 to 1"):
            a.read("default.json")
        server.content = None
        with pytest.raises(StateError, match="is gone"):
            a.read("default.json")
        server.content = newest
        assert a.read("default.json").content == b"2"

    def test_the_password_is_never_sent_but_as_credentials(self, a, server):
        with a.lock("default", "apply"):
            a.write("default.json", b"1", expected=None)
        for request in server.seen:
            assert PASSWORD.encode() not in request.body
            assert PASSWORD not in f"{request.path}{request.query}"


class TestPlain(HttpContract):
    manner = "plain"


class TestGitLab(HttpContract):
    manner = "gitlab"

    def test_a_lock_held_in_ci_names_the_run_and_the_pull_request(self, a, b, monkeypatch):
        """It cannot: GitLab keeps the user, the time and the id alone, and repeats our words."""
        monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example/job/1")
        with a.lock("default", "apply") as lease:
            monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example/job/2")
            with pytest.raises(LockError) as caught, b.lock("default", "destroy"):
                pass
        words = said(caught.value)
        assert "locked by ania for `apply`" in words
        assert lease.holder.id in words
        assert "job/2" not in words

    def test_a_project_that_is_not_there_is_no_empty_state(self, server):
        server.url += "/api/v4/projects/8/terraform/state/x?"
        with pytest.raises(StateError, match="no place for a state"):
            client(server).read("default.json")


@pytest.fixture
def server():
    with serving(StateServer()) as server:
        yield server


def everything(error: TunectlError) -> str:
    return "\n".join(f"{d.summary}\n{d.detail}\n{d.hint}" for d in error.diagnostics)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"serial":1,"tunectl":1,"lineage":"a', "truncated or damaged"),
        (b"<html>log in</html>", "a web page"),
        (b"[]", "not a tunectl document"),
        (b'{"version":4,"terraform_version":"1.11.4","serial":3}', "a Terraform state"),
        (b'{"serial":1,"tunectl":99,"files":{}}', "has format 99"),
        (b'{"serial":1,"tunectl":1,"files":{},"checksum":"x"}', "altered outside tunectl"),
    ],
)
def test_corrupt_and_foreign_documents_are_refused_by_name(server, content, words):
    server.content = content
    a = client(server)
    for act in (
        lambda: a.read("default.json"),
        lambda: a.write("default.json", b"", expected=None),
        lambda: a.append("default.journal", [b""]),
    ):
        with pytest.raises(StateError, match=words) as caught:
            act()
        assert server.address in str(caught.value)
    assert server.content == content
    assert server.holder is None


def test_an_altered_document_is_refused(server):
    a = client(server)
    a.write("default.json", b"zloty", expected=None)
    server.content = server.content.replace(b"zloty", b"srebr")
    with pytest.raises(StateError, match="checksum"):
        client(server).read("default.json")


def test_a_server_without_locks_is_refused_with_what_to_do(server):
    server.locks = False
    a = client(server)
    with pytest.raises(LockError, match="no lock") as caught, a.lock("default", "apply"):
        pass
    assert "TUNECTL_HTTP_LOCKING=off" in everything(caught.value)
    with pytest.raises(LockError, match="no lock"):
        a.write("default.json", b"1", expected=None)
    assert server.content is None


def test_a_server_without_locks_serves_who_asks_for_it(server):
    server.locks = server.checks_ids = False
    a, b = (client(server, TUNECTL_HTTP_LOCKING="off") for _ in range(2))
    with a.lock("default", "apply") as lease:
        generation = a.write("default.json", b"1", expected=None)
        lease.check()
        b.append("default.journal", [b"x"])
        with pytest.raises(LockError, match="lost"):
            lease.check()
    with pytest.raises(StaleError):
        b.write("default.json", b"2", expected=None)
    b.write("default.json", b"2", expected=generation)
    assert a.read("default.json").content == b"2"
    assert server.count("LOCK", lock=True) == 0


def test_terraforms_variables_name_the_lock(server):
    server.methods = ("PUT", "DELETE")
    a = client(server, TF_HTTP_LOCK_METHOD="put", TF_HTTP_UNLOCK_METHOD="DELETE")
    with a.lock("default", "apply"):
        assert server.holder is not None
    assert server.holder is None
    b = client(server, TF_HTTP_LOCK_ADDRESS=f"{server.url}/elsewhere")
    with pytest.raises(LockError, match="no lock at the lock address"), b.lock("d", "apply"):
        pass


def test_a_server_that_does_not_check_ids_is_not_overwritten_by_an_old_holder(server):
    server.checks_ids = False
    a, b = client(server), client(server)
    with a.lock("default", "apply") as old:
        generation = a.write("default.json", b"1", expected=None)
        b.break_lock("default", old.holder.id)
        with b.lock("default", "apply") as new:
            b.write("default.json", b"2", expected=generation)
            with pytest.raises(StaleError):
                a.write("default.json", b"late", expected=generation)
            with pytest.raises(LockError, match="lost"):
                old.check()
            new.check()
    assert b.read("default.json").content == b"2"


def test_one_who_does_not_know_that_the_lock_was_broken_frees_no_other(server):
    server.checks_ids = False
    a, b = client(server), client(server)
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(a.lock("default", "apply"))
        b.break_lock("default", old.holder.id)
        new = b.lock("default", "destroy")
        lease = new.__enter__()
        stack.close()
        lease.check()
    new.__exit__(None, None, None)
    assert server.holder is None


def test_a_server_that_does_not_tell_who_holds_the_lock(server):
    server.tells_holder = False
    a, b = client(server), client(server, patience=0.1)
    with a.lock("default", "apply") as lease:
        a.write("default.json", b"1", expected=None)
        lease.check()
        with pytest.raises(LockError, match="locked"), b.lock("default", "apply"):
            pass
        assert b.holder("default").who == "somebody"
        with pytest.raises(LockError, match="does not tell"):
            b.break_lock("default", lease.holder.id)
        a.append("default.journal", [b"x"])
        lease.check()
    assert server.holder is None


def test_a_lock_that_stays_is_told_with_its_id(server):
    a = client(server)
    with pytest.raises(LockError, match="stays locked") as caught, a.lock("d", "apply") as lease:
        server.methods = ("LOCK", "LOCK")
    assert lease.holder.id in everything(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://ania:geheim@host/state", "carries a user name"),
        ("http://example.com/state", "plain HTTP"),
        ("http://10.0.0.7/state", "plain HTTP"),
        ("https:///state", "not an HTTP address"),
        ("https://host:port/state", "not a URL"),
        ("https://[::1/state", "not a URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address, words):
    with pytest.raises(ConfigError, match=words) as caught:
        HttpStore(address, {})
    assert "geheim" not in everything(caught.value)


@pytest.mark.parametrize(
    "address", ["http://localhost:1/s", "http://[::1]:1/s", "http://127.9.9.9/"]
)
def test_plain_http_is_fine_on_this_machine(address):
    HttpStore(address, {})


def test_plain_http_to_another_machine_can_be_allowed():
    HttpStore("http://state.internal/s", {"TUNECTL_HTTP_ALLOW_PLAIN": "1"})


def test_the_query_of_an_address_is_kept_and_never_shown(server):
    a = HttpStore(f"{server.address}?sig=geheim", {}, pauses=PAUSES)
    with a.lock("default", "apply"):
        a.write("default.json", b"1", expected=None)
    assert all(s.query["sig"] == ["geheim"] for s in server.seen)
    server.content = b"x"
    with pytest.raises(StateError) as caught:
        a.read("default.json")
    assert "geheim" not in everything(caught.value)


def test_a_write_carries_the_checksum_that_terraform_sends(server):
    client(server).write("default.json", b"1", expected=None)
    [post] = [s for s in server.seen if s.method == "POST"]
    assert isinstance(post, Seen)
    assert len(post.headers["content-md5"]) == 24
