"""A lease in a place that tells no time: taken over only after it was watched for a whole term."""

from __future__ import annotations

import threading

import pytest

from tunectl.core.errors import LockError, StaleError, StateError
from tunectl.stores.holders import parsed, run_info, who
from tunectl.stores.lease import LeaseLock, Seen, Terms


class Cell:
    """A record in memory. `broken` makes every call fail, as a network that is down does."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.generation = 0
        self.age: float | None = None
        self.broken = False
        self.reads = 0
        self._guard = threading.Lock()

    def _check(self) -> None:
        if self.broken:
            raise StateError.of("out of reach")

    def read(self) -> Seen | None:
        self._check()
        self.reads += 1
        return None if self.content is None else Seen(self.content, str(self.generation), self.age)

    def write(self, content: bytes, expected: str | None) -> str:
        self._check()
        with self._guard:
            there = None if self.content is None else str(self.generation)
            if there != expected:
                raise StaleError.of("moved")
            self.content, self.generation = content, self.generation + 1
            return str(self.generation)

    def remove(self, expected: str) -> None:
        self._check()
        with self._guard:
            if self.content is not None and str(self.generation) != expected:
                raise StaleError.of("moved")
            self.content = None


class Clock:
    """Time that passes only when it is looked at, and when a test says so."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


QUIET = Terms(ttl=60, beat=1000, fresh=0, poll=0)


def test_without_a_time_of_the_store_a_silent_record_is_taken_after_a_whole_term():
    cell = Cell()
    dead = LeaseLock(cell, "default", QUIET, Clock()).hold("apply")
    dead.__enter__().abandon()
    clock = Clock(step=1.0)
    with LeaseLock(cell, "default", QUIET, clock).hold("destroy", timeout=300):
        assert 60 <= clock.now < 300


def test_without_a_time_of_the_store_a_record_that_changes_is_never_taken():
    cell = Cell()
    with LeaseLock(cell, "default", QUIET, Clock()).hold("apply") as lease:
        clock = Clock(step=1.0)
        look = cell.read

        def read() -> Seen | None:
            if cell.reads % 5 == 0:
                lease.write(str(cell.generation))
            return look()

        cell.read = read
        with (
            pytest.raises(LockError, match="locked by"),
            LeaseLock(cell, "default", QUIET, clock).hold("destroy", timeout=300),
        ):
            pass


def test_a_look_at_the_record_answers_for_a_moment():
    cell, clock = Cell(), Clock()
    lock = LeaseLock(cell, "default", Terms(beat=1000, fresh=1.0), clock)
    with lock.hold("apply") as lease:
        before = cell.reads
        for _ in range(100):
            lease.check()
        assert cell.reads == before
        clock.now += 1
        lease.check()
        assert cell.reads == before + 1


def test_a_beat_that_finds_another_record_loses_the_lease():
    cell, clock = Cell(), Clock()
    with LeaseLock(cell, "default", QUIET, clock).hold("apply") as lease:
        cell.generation += 1
        clock.now = 45
        with pytest.raises(LockError, match="lost"):
            lease.check()
    assert cell.content is not None, "what is another's is not removed"


def test_what_cannot_be_released_does_not_hide_what_happened():
    cell = Cell()
    lock = LeaseLock(cell, "default", QUIET, Clock())

    def work() -> None:
        with lock.hold("apply"):
            cell.broken = True
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def test_a_record_tells_its_own_term():
    cell = Cell()
    long = LeaseLock(cell, "default", Terms(ttl=3600, beat=1000), Clock())
    with long.hold("apply") as lease:
        cell.age = 600
        assert LeaseLock(cell, "default", QUIET, Clock()).holder() == lease.holder
        cell.age = 3600
        assert LeaseLock(cell, "default", QUIET, Clock()).holder() is None


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"id": "x"}', b"\xff"])
def test_what_is_no_record_is_no_holder(content):
    assert parsed(content) is None


def test_a_holder_of_a_newer_version_is_still_read():
    assert parsed(b'{"id":"1","who":"w","operation":"o","created":"c","colour":"red"}').id == "1"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, ""),
        (
            {
                "GITHUB_ACTOR": "anna",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "a/b",
                "GITHUB_RUN_ID": "7",
                "GITHUB_REF": "refs/heads/main",
            },
            "anna, https://github.com/a/b/actions/runs/7",
        ),
        (
            {"CI_JOB_URL": "https://gitlab.com/a/-/jobs/7", "CI_MERGE_REQUEST_IID": "41"},
            "https://gitlab.com/a/-/jobs/7, merge request !41",
        ),
        ({"BUILD_URL": "https://jenkins/7"}, "https://jenkins/7"),
    ],
)
def test_the_run_is_told_in_one_line(environ, said):
    assert run_info(environ) == said


def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    import getpass

    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert who("apply").who.startswith("uid ")
