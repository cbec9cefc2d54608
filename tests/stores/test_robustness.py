"""A full disk, a torn line, a long journal: what was acknowledged is never lost, nor misread."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.core.errors import StaleError, StateError
from tunectl.core.resource import Instance
from tunectl.core.state import Began, Deleted, Intent, Made, State, fold
from tunectl.core.value import Address
from tunectl.stores import journal as journals
from tunectl.stores.file import FileStore
from tunectl.stores.ledger import Ledger
from tunectl.stores.memory import MemoryStore

NO_SPACE = "cannot use state: no space left on device"


def ledger(store) -> Ledger:
    return Ledger(store, "p", "default", "0.1.0")


def address(number: int) -> Address:
    return Address.of("upload", f"a{number}")


def made(number: int, size: int = 10) -> Made:
    where = address(number)
    return Made(
        f"op{number}",
        Instance(
            address=where, provider="x", account="y", id=f"id{number}", spec={"s": "ż" * size}
        ),
    )


def began(number: int) -> Began:
    return Began(Intent(op=f"op{number}", action="create", address=address(number), provider="x"))


def append_all(log, numbers, acknowledged: list[int]) -> None:
    for number in numbers:
        log.append(made(number))
        acknowledged.append(number)


class Filling:
    """A store on a disk that becomes full at one write, which may still tear a line."""

    def __init__(self, inner, full_at: int, torn: bool = False) -> None:
        self._inner = inner
        self._left = full_at
        self._torn = torn
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def _fill(self) -> None:
        self.writes += 1
        if self.writes > self._left:
            raise StateError.of(NO_SPACE)

    def write(self, name, content, *, expected):
        self._fill()
        return self._inner.write(name, content, expected=expected)

    def append(self, name, lines):
        try:
            self._fill()
        except StateError:
            if self._torn:
                whole = b"".join(line + b"\n" for line in lines)
                with (self._inner.root / name).open("ab") as file:
                    file.write(whole[: len(whole) // 2])
            raise
        self._inner.append(name, lines)

    def delete(self, name):
        self._fill()
        self._inner.delete(name)


def work(store) -> State:
    """An apply in miniature; returns what was acknowledged before the disk was full."""
    known = State(lineage="l", project="p", env="default")
    try:
        book = ledger(store)
        known = book.save(State(lineage="l", project="p", env="default"))
        log = book.journal(known)
        for number in range(6):
            for entry in (began(number), made(number)):
                log.append(entry)
                known = fold(known, [entry])
        known = book.save(known)
        log = book.journal(known)
        log.append(Deleted("", address(0), "id0"))
        known = fold(known, [Deleted("", address(0), "id0")])
        known = book.save(known)
    except StateError as error:
        assert NO_SPACE in str(error)  # noqa: PT017  # only the full disk may end it
    return known


@pytest.mark.parametrize("outgrown", [journals.OUTGROWN, 300], ids=["at the end", "folded often"])
@pytest.mark.parametrize("torn", [False, True], ids=["whole lines", "torn lines"])
def test_a_disk_full_at_any_write_loses_nothing_acknowledged(tmp_path, monkeypatch, outgrown, torn):
    monkeypatch.setattr(journals, "OUTGROWN", outgrown)
    complete = Filling(FileStore(tmp_path / "complete"), 10_000)
    work(complete)
    assert complete.writes > 15
    for full_at in range(1, complete.writes + 1):
        folder = FileStore(tmp_path / f"{full_at}")
        acknowledged = work(Filling(folder, full_at, torn=torn))
        book = ledger(folder)
        found = book.load()
        assert found.instances.items() >= acknowledged.instances.items(), full_at
        # With space again the next run goes on from there.
        assert ledger(folder).load().lineage == "l"
        book.save(found)
        assert ledger(folder).load().instances == found.instances


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk_leaves_the_last_good_snapshot_and_a_readable_journal(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        store = FileStore(disk / "state")
        book = ledger(store)
        known = book.save(State(lineage="l", project="p", env="default"))
        log = book.journal(known)
        acknowledged: list[int] = []
        with pytest.raises(StateError, match="no space left"):
            append_all(log, range(10_000), acknowledged)
        assert len(acknowledged) > 50
        found = ledger(store).load()
        assert {address(n) for n in acknowledged} <= found.instances.keys()
        with pytest.raises(StateError, match="no space left"):
            book.save(found)
        assert ledger(store).load() == found
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_torn_last_line_is_passed_over_and_a_damaged_middle_line_refused(tmp_path):
    store = FileStore(tmp_path)
    book = ledger(store)
    log = book.journal(book.save(State(lineage="l", project="p", env="default")))
    for number in range(3):
        log.append(made(number))
    path = tmp_path / "default.journal"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert ledger(store).load().instances.keys() == {address(0), address(1)}
    first, second, third = whole.splitlines(keepends=True)
    path.write_bytes(first + second[: len(second) // 2] + b"\n" + third)
    with pytest.raises(StateError, match=r"journal `default\.journal` line 2 cannot be understood"):
        ledger(store).load()
    assert [entry for _, entry in ledger(store).salvage()] == [made(0), made(2)]


def test_ten_generations_are_kept_and_can_be_read_newest_first(tmp_path):
    book = ledger(FileStore(tmp_path))
    state = State(lineage="l", project="p", env="default")
    for _ in range(14):
        state = book.save(state)
    kept = book.history()
    assert [g.read(book.store).state.serial for g in kept] == list(range(13, 3, -1))


class Watching(MemoryStore):
    """Remembers how often each name was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, int]] = []

    def write(self, name, content, *, expected):
        self.written.append((name, len(content)))
        return super().write(name, content, expected=expected)


def test_a_journal_that_outgrows_its_snapshot_is_folded_into_a_new_one(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 20_000)
    store = Watching()
    book = ledger(store)
    log = book.journal(book.save(State(lineage="l", project="p", env="default")))
    for number in range(600):
        log.append(made(number))
    snapshots = [size for name, size in store.written if name == "default.json"]
    assert 3 <= len(snapshots) <= 8  # each waits until the journal is longer than the last
    assert sorted(snapshots) == snapshots
    assert sum(snapshots) < 4 * snapshots[-1]
    found = ledger(store).load()
    assert found.instances.keys() == {address(n) for n in range(600)}
    assert found.serial == len(snapshots)


def test_a_snapshot_in_between_keeps_the_serial_growing(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 1_000)
    book = ledger(MemoryStore())
    first = book.save(State(lineage="l", project="p", env="default"))
    log = book.journal(first)
    for number in range(20):
        log.append(made(number))
    between = ledger(book.store).load().serial
    assert between > first.serial
    # The apply still knows the serial it began with.
    last = book.save(fold(first, [made(n) for n in range(20)]))
    assert last.serial == between + 1
    assert ledger(book.store).load() == last


def test_lines_that_wait_while_the_journal_is_folded_are_not_lost(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 500)
    store = MemoryStore()
    book = ledger(store)
    log = book.journal(book.save(State(lineage="l", project="p", env="default")))
    threads = [
        threading.Thread(target=lambda n=n: log.append(made(n, size=50))) for n in range(120)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger(store).load().instances.keys() == {address(n) for n in range(120)}


def test_where_no_snapshot_can_be_written_the_journal_goes_on(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 500)

    class NoSnapshots(MemoryStore):
        full = False

        def write(self, name, content, *, expected):
            if self.full:
                raise StateError.of(NO_SPACE)
            return super().write(name, content, expected=expected)

    store = NoSnapshots()
    book = ledger(store)
    log = book.journal(book.save(State(lineage="l", project="p", env="default")))
    store.full = True
    for number in range(50):
        log.append(made(number))
    assert len(ledger(store).load().instances) == 50


def test_when_another_wrote_the_snapshot_nothing_more_is_accepted(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 500)
    store = MemoryStore()
    book = ledger(store)
    log = book.journal(book.save(State(lineage="l", project="p", env="default")))
    other = ledger(store)
    other.save(other.load())
    with pytest.raises(StaleError):
        append_all(log, range(50), [])


@settings(max_examples=40)
@given(st.lists(st.integers(min_value=0, max_value=5), max_size=40), st.integers(100, 3000))
def test_however_often_it_is_folded_the_state_is_the_same(numbers, limit):
    entries = [
        made(n) if i % 3 else Deleted("", address(n), f"id{n}") for i, n in enumerate(numbers)
    ]
    store = MemoryStore()
    book = ledger(store)
    start = book.save(State(lineage="l", project="p", env="default"))
    log = book.journal(start)
    log._limit = limit
    for entry in entries:
        log.append(entry)
        log._limit = limit
    assert ledger(store).load().instances == fold(start, entries).instances


def test_overwriting_keeps_what_was_there_and_its_journal(tmp_path):
    store = FileStore(tmp_path)
    book = ledger(store)
    book.journal(book.save(State(lineage="l", project="p", env="default"))).append(made(1))
    (tmp_path / "default.json").write_bytes(b"")
    with pytest.raises(StateError, match="is empty"):
        ledger(store).load()
    saved = ledger(store).overwrite(State(lineage="l", project="p", env="default", serial=8))
    assert saved.serial == 9
    assert ledger(store).load() == saved
    kept = {p.name.partition(".2")[0]: p.read_bytes() for p in (tmp_path / "history").iterdir()}
    assert kept["default.json"] == b""
    assert b"id1" in kept["default.journal"]
