"""A memory in PostgreSQL: the contract, and what belongs to a database on a network."""

from __future__ import annotations

import threading

import pytest

from tests.contracts.memory_contract import FIELDS, MemoryContract
from tunectl.prompts.errors import PromptError
from tunectl.prompts.memory import KeptMemory, MemoryStoreError, open_memory
from tunectl.prompts.memory.postgres import PostgresDatabase
from tunectl.prompts.memory.profile import Profile
from tunectl.prompts.memory.tables import STEPS, VERSION
from tunectl.prompts.turn import turn

ENTRY = {
    "name": "customers",
    "store": {"url_env": "MEMORY_URL", "space": "shop/default/customers"},
    "profile": FIELDS,
}
QUICK = (0.01, 0.01)


def schema(address):
    return address.rpartition("schema=")[2]


def asked(address, statement):
    import psycopg

    with psycopg.connect(address.partition("?")[0], autocommit=True) as connection:
        found = connection.execute(statement.replace("SCHEMA", schema(address)))
        return found.fetchall() if found.description else []


@pytest.fixture
def memory(postgres_address):
    opened = open_memory(ENTRY, environ={"MEMORY_URL": postgres_address})
    yield opened
    opened.close()


class TestAMemoryInPostgresKeepsTheContract(MemoryContract):
    @pytest.fixture
    def database(self, postgres_address):
        return lambda: PostgresDatabase(postgres_address, "MEMORY_URL", "shop/default/customers")

    @pytest.fixture
    def rows_with(self, postgres_address):
        def count(text):
            return sum(
                text in str(row)
                for table in ("profiles", "sessions", "turns", "summaries")
                for row in asked(postgres_address, f"select * from SCHEMA.{table}")
            )

        return count


def test_reading_makes_no_table(memory, postgres_address):
    assert memory.profile("anna") == {"język": "pl", "vip": False}
    assert memory.erase("anna").users == 0
    assert asked(postgres_address, "select to_regnamespace('SCHEMA')") == [(None,)]


def test_memories_of_one_database_do_not_see_each_other(memory, postgres_address):
    store = {"url_env": "MEMORY_URL", "space": "shop/prod/customers"}
    other = open_memory({**ENTRY, "store": store}, environ={"MEMORY_URL": postgres_address})
    memory.set_profile("anna", {"name": "Anna"})
    other.set_profile("anna", {"name": "Ania"})
    assert other.erase("anna").fields == 1
    assert memory.profile("anna")["name"] == "Anna"
    other.close()


def test_many_that_come_first_at_once_make_the_tables_once(postgres_address):
    problems = []

    def write(n):
        opened = open_memory(ENTRY, environ={"MEMORY_URL": postgres_address})
        try:
            opened.set_profile(f"u{n}", {"visits": n})
        except PromptError as error:
            problems.append(error)
        finally:
            opened.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert asked(postgres_address, "select count(*) from SCHEMA.profiles") == [(6,)]


def test_tables_of_version_1_are_upgraded_with_their_data(memory, postgres_address):
    asked(postgres_address, "create schema SCHEMA")
    for statement in (*STEPS[0], "create table SCHEMA.version (version integer not null)"):
        asked(postgres_address, statement)
    asked(postgres_address, "insert into SCHEMA.version values (1)")
    asked(
        postgres_address,
        "insert into SCHEMA.profiles values "
        "('shop/default/customers', 'anna', 'name', '\"Anna\"', 1.0)",
    )
    assert memory.profile("anna")["name"] == "Anna"
    memory.append("anna", "s", turn("q", "a"))
    memory.set_summary("anna", "s", "skrót", 1)
    assert memory.summary("anna", "s").text == "skrót"
    assert asked(postgres_address, "select max(version) from SCHEMA.version") == [(VERSION,)]


def test_tables_of_a_newer_version_are_left_alone(memory, postgres_address):
    memory.set_profile("anna", {"vip": True})
    asked(postgres_address, f"insert into SCHEMA.version values ({VERSION + 1})")
    later = open_memory(ENTRY, environ={"MEMORY_URL": postgres_address})
    with pytest.raises(MemoryStoreError, match="newer tunectl"):
        later.set_profile("anna", {"vip": False})
    later.close()


def test_a_turn_whose_reply_was_lost_is_kept_once(wired_address, wire):
    database = PostgresDatabase(wired_address, "MEMORY_URL", "s", pauses=QUICK)
    memory = KeptMemory(database, Profile("m", FIELDS))
    memory.append("anna", "s", turn("1", "a"))
    wire.lose_next_reply()
    memory.append("anna", "s", turn("2", "b"))
    assert [t.question for t in memory.turns("anna", "s")] == ["1", "2"]
    memory.close()


def test_a_connection_that_broke_is_made_again(wired_address, wire):
    database = PostgresDatabase(wired_address, "MEMORY_URL", "s", pauses=QUICK)
    memory = KeptMemory(database, Profile("m", FIELDS))
    memory.set_profile("anna", {"vip": True})
    wire.cut()
    assert memory.profile("anna")["vip"] is True
    memory.close()


def test_a_missing_variable_is_named():
    with pytest.raises(PromptError, match="the variable `MEMORY_URL` is not set"):
        open_memory(ENTRY, environ={})


@pytest.mark.parametrize(
    "url", ["mysql://ala:hasło@host/db", "hasło", "postgresql://ala:hasło@host/db?schema=a-b"]
)
def test_a_url_of_another_kind_is_refused_and_not_shown(url):
    with pytest.raises(MemoryStoreError, match="MEMORY_URL") as told:
        open_memory(ENTRY, environ={"MEMORY_URL": url})
    assert "hasło" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["postgresql://ala:KANAREK@127.0.0.1:1/db", "postgresql://ala:KANAREK@[::1/db"]
)
def test_what_goes_wrong_on_the_way_shows_no_password(url):
    def ask():
        database = PostgresDatabase(url, "MEMORY_URL", "s", pauses=())
        return KeptMemory(database, Profile("m", {})).profile("anna")

    with pytest.raises(MemoryStoreError) as told:
        ask()
    assert "KANAREK" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_wrong_password_is_said_and_not_shown(postgres_address):
    user, rest = postgres_address.split("@", 1)
    wrong = f"{user.rpartition(':')[0]}:KANAREK@{rest}"
    memory = KeptMemory(PostgresDatabase(wrong, "MEMORY_URL", "s", ()), Profile("m", {}))
    with pytest.raises(MemoryStoreError, match="refuses the user or the password") as told:
        memory.profile("anna")
    assert "KANAREK" not in str(told.value)


def test_tables_of_somebody_else_are_told_without_their_values(memory, postgres_address):
    asked(postgres_address, "create schema SCHEMA")
    asked(postgres_address, "create table SCHEMA.version (version integer not null)")
    asked(postgres_address, f"insert into SCHEMA.version values ({VERSION})")
    with pytest.raises(MemoryStoreError, match="are not those of a memory") as told:
        memory.set_profile("KANAREK", {"name": "KANAREK"})
    assert "KANAREK" not in str(told.value)
