"""A log that stays open between appends, beside others who write, cut and remove it."""

from __future__ import annotations

import threading

from tests.stores.test_robustness import ledger, made
from tunectl.core.state import State
from tunectl.stores import journal as journals
from tunectl.stores.file import FileStore
from tunectl.stores.journal import DearAppends
from tunectl.stores.memory import MemoryStore


def test_what_is_appended_after_the_log_was_removed_is_not_lost(tmp_path):
    store, other = FileStore(tmp_path), FileStore(tmp_path)
    store.append("a.journal", [b"one"])
    other.delete("a.journal")
    store.append("a.journal", [b"two"])
    assert list(other.entries("a.journal")) == [b"two"]


def test_what_is_appended_after_the_folder_was_removed_is_not_lost(tmp_path):
    store = FileStore(tmp_path / "state")
    store.append("a.journal", [b"one"])
    (tmp_path / "state").rename(tmp_path / "aside")
    for path in (tmp_path / "aside").iterdir():
        path.unlink()
    store.append("a.journal", [b"two"])
    assert list(store.entries("a.journal")) == [b"two"]


def test_a_line_that_another_writer_left_torn_is_cut_before_ours(tmp_path):
    store = FileStore(tmp_path)
    store.append("a.journal", [b"one"])
    with (tmp_path / "a.journal").open("ab") as torn:
        torn.write(b"whole\nhal")
    store.append("a.journal", [b"two"])
    assert list(store.entries("a.journal")) == [b"one", b"whole", b"two"]


def test_two_stores_of_one_folder_append_whole_lines_in_turn(tmp_path):
    def write(mark: bytes) -> None:
        store = FileStore(tmp_path)
        for number in range(50):
            store.append("a.journal", [mark * 40 + b"%d" % number, mark])

    writers = [threading.Thread(target=write, args=(mark,)) for mark in (b"a", b"b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = list(FileStore(tmp_path).entries("a.journal"))
    assert len(lines) == 200
    for mark in (b"a", b"b"):
        own = [line for line in lines if line.startswith(mark)]
        assert own[::2] == [mark * 40 + b"%d" % number for number in range(50)]


class Dear(MemoryStore, DearAppends):
    """A store in which a long journal costs."""


def test_a_journal_is_folded_sooner_where_appends_are_dear(monkeypatch):
    monkeypatch.setattr(journals, "OUTGROWN", 16_000)
    serials = []
    for store in (MemoryStore(), Dear()):
        book = ledger(store)
        log = book.journal(book.save(State(lineage="l", project="p", env="default")))
        for number in range(20):
            log.append(made(number))
        state = ledger(store).load()
        serials.append(state.serial)
        assert len(state.instances) == 20
    assert serials[0] < serials[1]
