"""A memory in a SQLite file: the contract, and what belongs to files."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from tests.contracts.memory_contract import FIELDS, MemoryContract
from tunectl.prompts.errors import PromptError
from tunectl.prompts.memory import Counted, MemoryStoreError, memory_at, open_memory
from tunectl.prompts.memory.sqlite import APPLICATION, SqliteDatabase
from tunectl.prompts.memory.tables import STEPS, VERSION
from tunectl.prompts.turn import turn

ENTRY = {"name": "customers", "store": {"file": "data/m.db"}, "profile": FIELDS, "sessions": {}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "m.db"


@pytest.fixture
def memory(tmp_path):
    opened = open_memory(ENTRY, tmp_path)
    yield opened
    opened.close()


def files_with(path, text):
    return [p.name for p in path.parent.iterdir() if text.encode() in p.read_bytes()]


class TestAMemoryInAFileKeepsTheContract(MemoryContract):
    @pytest.fixture
    def database(self, path):
        return lambda: SqliteDatabase(path, "data/m.db")

    @pytest.fixture
    def rows_with(self, path):
        def count(text):
            with sqlite3.connect(path) as connection:
                found = 0
                for table in ("profiles", "sessions", "turns", "summaries"):
                    rows = connection.execute(f"select * from {table}").fetchall()
                    found += sum(any(text in str(v) for v in row) for row in rows)
            connection.close()
            return found

        return count


def test_reading_makes_no_file(memory, path):
    assert memory.profile("anna") == {"język": "pl", "vip": False}
    assert memory.erase("anna") == Counted()
    assert memory.purge(undeclared=True) == Counted()
    assert not path.exists()


def test_only_its_owner_can_read_the_file_and_those_beside_it(memory, path):
    before = os.umask(0)
    try:
        memory.set_profile("anna", {"name": "Anna"})
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert set(modes) == {"m.db", "m.db-wal", "m.db-shm"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_after_an_erasure_the_bytes_are_in_no_file(memory, path, tmp_path):
    other = open_memory(ENTRY, tmp_path)  # another process's connection stays open
    for n in range(300):
        memory.append(
            "KANAREK@example.pl", "s", turn(f"KANAREK-{n} " + "ż" * 500, "KANAREK odpowiedź")
        )
    memory.set_profile("KANAREK@example.pl", {"name": "KANAREK"})
    memory.set_profile("jan", {"name": "zostaje"})
    assert other.profile("jan")["name"] == "zostaje"
    assert "m.db-wal" in files_with(path, "KANAREK")
    memory.erase("KANAREK@example.pl")
    assert files_with(path, "KANAREK") == []
    assert "m.db" in files_with(path, "zostaje")
    assert other.profile("jan")["name"] == "zostaje"
    other.close()


def test_the_bytes_of_what_expired_are_in_no_file_after_a_purge(path):
    from tests.contracts.memory_contract import DAY, Clock
    from tunectl.prompts.memory import KeptMemory
    from tunectl.prompts.memory.profile import Profile

    clock = Clock()
    database = SqliteDatabase(path, "m.db")
    memory = KeptMemory(database, Profile("m", {}), expires_after_s=DAY, clock=clock)
    memory.append("anna", "s", turn("KANAREK", "KANAREK"))
    clock.now += 2 * DAY
    memory.purge()
    assert files_with(path, "KANAREK") == []
    memory.close()


def test_an_erasure_that_a_reader_keeps_from_the_log_says_so_and_can_be_repeated(path):
    from tunectl.prompts.memory import KeptMemory
    from tunectl.prompts.memory.profile import Profile

    database = SqliteDatabase(path, "data/m.db", busy_seconds=0.05)
    memory = KeptMemory(database, Profile("m", FIELDS))
    memory.append("anna", "s", turn("KANAREK", "KANAREK"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from turns").fetchall()
    with pytest.raises(MemoryStoreError, match=r"run it again|try again") as told:
        memory.erase("anna")
    assert "anna" not in str(told.value)
    reader.execute("commit")
    reader.close()
    assert memory.erase("anna") == Counted()
    assert files_with(path, "KANAREK") == []
    memory.close()


def test_a_file_of_version_1_is_upgraded_with_its_data(memory, path):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    for statement in STEPS[0]:
        old.execute(statement.replace("SCHEMA.", ""))
    old.execute("insert into profiles values ('', 'anna', 'name', '\"Anna\"', 1.0)")
    old.execute(f"pragma application_id = {APPLICATION}")
    old.execute("pragma user_version = 1")
    old.commit()
    old.close()
    assert memory.profile("anna")["name"] == "Anna"
    memory.append("anna", "s", turn("q", "a"))
    memory.set_summary("anna", "s", "skrót", 1)
    assert memory.summary("anna", "s").text == "skrót"
    with sqlite3.connect(path) as now:
        assert now.execute("pragma user_version").fetchone() == (VERSION,)
    now.close()


def test_a_file_of_a_newer_version_is_left_alone(memory, path):
    memory.set_profile("anna", {"vip": True})
    memory.close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"pragma user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(MemoryStoreError, match="newer tunectl"):
        memory.profile("anna")


def test_another_database_is_never_written_to(memory, path):
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("create table theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(MemoryStoreError, match="is a database, and no memory"):
        memory.set_profile("anna", {"vip": True})
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(memory, path):
    path.parent.mkdir()
    path.write_text("to nie jest baza " * 100, encoding="utf-8")
    with pytest.raises(MemoryStoreError, match="it is no database"):
        memory.profile("anna")


def test_a_file_that_was_deleted_meanwhile_is_made_anew(memory, path):
    memory.set_profile("anna", {"name": "Anna"})
    for found in path.parent.iterdir():
        found.unlink()
    assert "name" not in memory.profile("anna")
    memory.set_profile("anna", {"name": "Ola"})
    assert path.exists()
    assert memory.profile("anna")["name"] == "Ola"


def test_several_processes_share_one_file(memory, tmp_path):
    program = (
        "import sys; from tunectl.prompts.memory import open_memory; "
        "from tunectl.prompts.turn import turn; "
        f"m = open_memory({{'name': 'c', 'store': {{'file': 'data/m.db'}}}}, {str(tmp_path)!r}); "
        "[m.append('anna', 's', turn(sys.argv[1], 'x')) for _ in range(15)]"
    )
    runs = [subprocess.Popen([sys.executable, "-c", program, str(n)]) for n in range(3)]
    for _ in range(15):
        memory.append("anna", "s", turn("tu", "x"))
    assert [run.wait() for run in runs] == [0, 0, 0]
    kept = memory.turns("anna", "s")
    assert [t.number for t in kept] == list(range(1, 61))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on
def test_processes_that_come_first_at_once_make_the_file_once(tmp_path):
    for number in range(8):
        entry = {**ENTRY, "store": {"file": f"data/{number}.db"}}
        gate_out, gate_in = os.pipe()
        children = []
        for user in range(6):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    os.close(gate_in)
                    os.read(gate_out, 1)
                    mine = open_memory(entry, tmp_path)
                    mine.set_profile(str(user), {"visits": user})
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        os.close(gate_out)
        os.close(gate_in)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0] * 6
        made = open_memory(entry, tmp_path)
        assert made.counted().users == 6
        made.close()


def test_opening_the_file_again_keeps_the_locks_of_this_process(memory, tmp_path, path):
    memory.set_profile("anna", {"vip": True})
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin immediate")
    other = open_memory(ENTRY, tmp_path)
    assert other.profile("anna")["vip"] is True
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try: c.execute('begin immediate')\n"
        "except sqlite3.OperationalError: sys.exit(3)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == 3
    holder.execute("rollback")
    holder.close()
    other.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on
def test_a_forked_child_uses_connections_of_its_own(memory):
    memory.set_profile("anna", {"name": "Anna"})
    child = os.fork()
    if child == 0:
        memory.set_profile("anna", {"name": "dziecko"})
        os._exit(0 if memory.profile("anna")["name"] == "dziecko" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert memory.profile("anna")["name"] == "dziecko"


@pytest.mark.parametrize("file", ["../m.db", "/tmp/m.db", "link/m.db"])
def test_a_file_outside_the_project_is_refused(tmp_path, file):
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(PromptError, match="outside the project"):
        open_memory({"name": "m", "store": {"file": file}}, inside)


def test_a_memory_without_a_declaration_is_opened_by_its_file(memory, path):
    memory.set_profile("anna", {"name": "Anna"})
    alone = memory_at(path)
    assert alone.export("anna")["profile"]["name"]["value"] == "Anna"
    assert alone.erase("anna") == Counted(users=1, fields=1)
    alone.close()
    with pytest.raises(PromptError, match="there is no file"):
        memory_at(path.with_name("other.db"))
