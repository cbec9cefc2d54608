"""Every store keeps the contract; the file store also survives what machines do to files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import time

import pytest

from tests.contracts.store_contract import HistoryContract, ListingContract, StoreContract
from tunectl.core.errors import StateError
from tunectl.stores.file import FileStore
from tunectl.stores.generations import KEPT as GENERATIONS
from tunectl.stores.memory import MemoryStore


class TestFileStore(StoreContract, HistoryContract):
    @pytest.fixture
    def clients(self, tmp_path):
        return FileStore(tmp_path / "stan ż"), FileStore(tmp_path / "stan ż")


class TestMemoryStore(StoreContract, ListingContract):
    @pytest.fixture
    def clients(self):
        store = MemoryStore()
        return store, store


def test_ten_generations_are_kept(tmp_path):
    store = FileStore(tmp_path)
    generation = None
    for number in range(GENERATIONS + 5):
        generation = store.write("default.json", b"%d" % number, expected=generation)
    kept = sorted((tmp_path / "history").iterdir())
    assert [int(p.read_bytes()) for p in kept] == list(range(4, 14))


def test_a_torn_last_line_is_left_out(tmp_path):
    store = FileStore(tmp_path)
    store.append("default.journal", [b"whole"])
    with (tmp_path / "default.journal").open("ab") as file:
        file.write(b"torn")
    assert list(store.entries("default.journal")) == [b"whole"]


@pytest.mark.parametrize("torn", [b"torn", b"t" * 10_000])
def test_a_torn_line_does_not_spoil_what_is_appended_after_it(tmp_path, torn):
    store = FileStore(tmp_path)
    store.append("default.journal", [b"whole"])
    with (tmp_path / "default.journal").open("ab") as file:
        file.write(torn)
    store.append("default.journal", [b"next"])
    assert list(store.entries("default.journal")) == [b"whole", b"next"]


def test_a_log_that_is_one_torn_line_begins_anew(tmp_path):
    store = FileStore(tmp_path)
    (tmp_path / "default.journal").write_bytes(b"t" * 9000)
    store.append("default.journal", [b"next"])
    assert list(store.entries("default.journal")) == [b"next"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StateError, match=r"default\.json.*permission denied"):
        FileStore(tmp_path).write("default.json", b"", expected=None)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "state").write_text("I am a file")
    with pytest.raises(StateError, match="cannot use state"):
        FileStore(tmp_path / "state").write("default.json", b"", expected=None)


def test_a_full_disk_leaves_the_last_good_content(tmp_path):
    """A file size limit makes the kernel refuse the write as a full disk does."""
    store = FileStore(tmp_path)
    generation = store.write("default.json", b"good", expected=None)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_write_too_much, args=(store, generation))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert store.read("default.json").content == b"good"
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []


def _write_too_much(store: FileStore, generation: str) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        store.write("default.json", b"x" * 5000, expected=generation)
    except StateError as error:
        os._exit(0 if "file too large" in str(error) else 1)
    os._exit(2)


def test_a_killed_holder_frees_the_lock(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=_hold, args=(tmp_path, ready))
    child.start()
    assert ready.wait(20)
    assert FileStore(tmp_path).holder("default").pid == child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with FileStore(tmp_path).lock("default", "apply"):
        pass


def _hold(path, ready) -> None:
    with FileStore(path).lock("default", "apply"):
        ready.set()
        time.sleep(60)
