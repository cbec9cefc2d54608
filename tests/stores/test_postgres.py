"""State in a real PostgreSQL server, which `scripts/postgres` starts."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.contracts.store_contract import (
    HistoryContract,
    LeaseContract,
    StoreContract,
    WireContract,
    race,
)
from tests.stores.postgres import SCRIPT
from tunectl.core.errors import ConfigError, Exit, LockError, StateError, TunectlError
from tunectl.stores.lease import HeldLease, Terms
from tunectl.stores.postgres import PostgresStore

QUICK = Terms(ttl=60, beat=5, fresh=0, poll=0.02)
PAUSES = (0.01, 0.05, 0.2)
SECRET = "geheim-kanarek-7"


@pytest.fixture
def client(postgres_address):
    """Make clients of the test's schema that are closed at its end."""
    made: list[PostgresStore] = []

    def make(address: str = postgres_address, terms: Terms = QUICK) -> PostgresStore:
        made.append(PostgresStore(address, terms=terms, pauses=PAUSES))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def sql(postgres_dsn):
    """Run a statement as somebody else."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def schema(postgres_address) -> str:
    return postgres_address.rpartition("=")[2]


class TestPostgres(StoreContract, HistoryContract, LeaseContract, WireContract):
    @pytest.fixture
    def clients(self, client, wired_address):
        return client(wired_address), client()

    @pytest.fixture
    def faults(self, wire):
        return wire

    @pytest.fixture
    def kill(self, sql, schema):
        def kill(lease: HeldLease) -> None:
            lease.abandon()
            sql(f"update {schema}.locks set written = written - interval '1 hour'")

        return kill


def everything(error: TunectlError) -> str:
    return "\n".join(f"{d.summary}\n{d.detail}\n{d.hint}" for d in error.diagnostics)


def test_reading_makes_no_tables(client, sql, schema):
    store = client()
    assert store.read("default.json") is None
    assert store.list("") == []
    assert store.holder("default") is None
    store.delete("default.json")
    assert sql("select to_regnamespace(%s)", [schema]).fetchone() == (None,)


def test_many_clients_may_make_the_tables_at_once(client):
    stores = [client() for _ in range(6)]
    results = race(
        *[
            lambda store=store, n=n: store.write(f"{n}.json", b"1", expected=None)
            for n, store in enumerate(stores)
        ]
    )
    assert all(isinstance(r, str) for r in results), results
    assert len(stores[0].list("")) == 6


def test_a_racing_loser_leaves_no_history(client):
    a, b = client(), client()
    generation = a.write("default.json", b"0", expected=None)
    for _ in range(20):
        results = race(
            lambda at=generation: a.write("default.json", b"a", expected=at),
            lambda at=generation: b.write("default.json", b"b", expected=at),
        )
        [generation] = [r for r in results if isinstance(r, str)]
        assert a.read("default.json").generation == generation
    kept = a.list("history/")
    assert len(kept) == 10
    assert len({name.rpartition(".")[2] for name in kept}) == 10


def test_two_prefixes_share_a_database_and_nothing_else(client, postgres_address):
    base, _, query = postgres_address.partition("?")
    one, two = client(f"{base}/zespół-a?{query}"), client(f"{postgres_address}&prefix=zespół-b")
    one.write("default.json", b"1", expected=None)
    two.write("default.json", b"2", expected=None)
    with one.lock("default", "apply"), two.lock("default", "apply"):
        assert one.read("default.json").content == b"1"
        assert two.list("") == ["default.json"]
    assert client(f"{postgres_address}&prefix=zespół-a/").read("default.json").content == b"1"


def test_a_connection_that_broke_is_made_again(client, wire, wired_address):
    a = client(wired_address)
    generation = a.write("default.json", b"1", expected=None)
    with a.lock("default", "apply") as lease:
        wire.cut()
        assert a.read("default.json").content == b"1"
        wire.cut()
        a.write("default.json", b"2", expected=generation)
        wire.cut()
        lease.check()


def test_a_killed_backend_is_survived(client, sql):
    a = client()
    with a.lock("default", "apply") as lease:
        a.append("default.journal", [b"one"])
        sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
            " and application_name = 'tunectl'")  # fmt: skip
        a.append("default.journal", [b"two"])
        lease.check()
    assert list(a.entries("default.journal")) == [b"one", b"two"]


def test_a_beat_whose_reply_was_lost_does_not_lose_the_lock(client, wire, wired_address):
    terms = Terms(ttl=60, beat=0.02, fresh=0, poll=0.02)
    a = PostgresStore(wired_address, terms=terms, pauses=())
    with a.lock("default", "apply") as lease:
        for _ in range(3):
            wire.lose_next_reply()
            for _ in range(500):
                if not wire._fault:
                    break
                threading.Event().wait(0.01)
            assert not wire._fault
            lease.check()
    a.close()
    assert client().holder("default") is None


def test_the_databases_clock_judges_a_lease(client, sql, schema):
    """A holder's own clock has no part in it: the age is asked of the server."""
    a, b = client(), client()
    with a.lock("default", "apply") as lease:
        sql(f"update {schema}.locks set written = written - interval '59 seconds'")
        with pytest.raises(LockError), b.lock("default", "apply"):
            pass
        sql(f"update {schema}.locks set written = written - interval '2 seconds'")
        assert b.holder("default") is None
        with pytest.raises(LockError, match="lost"):
            lease.check()


def test_a_forked_child_does_not_use_its_parents_connection(client):
    a = client()
    a.write("default.json", b"1", expected=None)
    child = multiprocessing.get_context("fork").Process(target=_read_once, args=(a,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert a.read("default.json").content == b"1"


def _read_once(store: PostgresStore) -> None:
    os._exit(0 if store.read("default.json").content == b"1" else 1)


def test_a_server_that_does_not_answer_is_never_nothing_there(client):
    gone = client("postgresql://ania@127.0.0.1:9/x")
    for act in (
        lambda: gone.read("default.json"),
        lambda: gone.list(""),
        lambda: gone.holder("default"),
        lambda: gone.delete("default.json"),
        lambda: gone.write("default.json", b"", expected=None),
    ):
        with pytest.raises(StateError, match="does not answer") as caught:
            act()
        assert "127.0.0.1:9/x" in str(caught.value)


def test_a_wrong_password_is_told_with_exit_6_and_never_shown(client, postgres_dsn):
    parts = urlsplit(postgres_dsn)
    wrong = postgres_dsn.replace(parts.password, SECRET)
    for address in (wrong, f"{postgres_dsn.replace(f':{parts.password}', '')}?password={SECRET}"):
        with pytest.raises(StateError, match="was refused") as caught:
            client(address).read("default.json")
        assert caught.value.exit is Exit.CREDENTIALS
        assert "PGPASSWORD" in everything(caught.value)
        assert SECRET not in everything(caught.value)


def test_the_password_may_come_from_the_environment(client, postgres_dsn, monkeypatch):
    password = urlsplit(postgres_dsn).password
    monkeypatch.setenv("PGPASSWORD", password)
    assert client(postgres_dsn.replace(f":{password}", "")).read("default.json") is None


def test_a_missing_database_is_told(client, postgres_dsn):
    with pytest.raises(StateError, match="refused the request") as caught:
        client(f"{postgres_dsn}x").read("default.json")
    assert "createdb" in everything(caught.value)


def test_one_who_may_not_is_told_with_exit_6(client, postgres_dsn, sql, schema):
    client().write("default.json", b"1", expected=None)
    sql(f"create role {schema} login password '{SECRET}'")
    parts = urlsplit(postgres_dsn)
    reader = f"postgresql://{schema}:{SECRET}@127.0.0.1:{parts.port}{parts.path}?schema={schema}"
    with pytest.raises(StateError, match="was refused") as caught:
        client(reader).read("default.json")
    assert caught.value.exit is Exit.CREDENTIALS
    sql(f"grant usage on schema {schema} to {schema}")
    sql(f"grant select on all tables in schema {schema} to {schema}")
    assert client(reader).read("default.json").content == b"1"
    with pytest.raises(StateError, match="was refused"):
        client(reader).write("prod.json", b"1", expected=None)


def test_one_who_may_make_no_schema_uses_the_one_that_is_there(client, sql, schema, postgres_dsn):
    sql(f"create role {schema} login password '{SECRET}'")
    sql(f"create schema {schema} authorization {schema}")
    parts = urlsplit(postgres_dsn)
    owner = f"postgresql://{schema}:{SECRET}@127.0.0.1:{parts.port}{parts.path}?schema={schema}"
    client(owner).write("default.json", b"1", expected=None)
    assert client(owner).read("default.json").content == b"1"


def test_tables_that_are_not_ours_are_refused_by_name(client, sql, schema):
    sql(f"create schema {schema}")
    sql(f"create table {schema}.files (something text)")
    for act in (
        lambda: client().read("default.json"),
        lambda: client().write("default.json", b"", expected=None),
    ):
        with pytest.raises(StateError, match=f"schema `{schema}`.*is not tunectl's"):
            act()


def test_a_server_that_takes_no_writes_is_told(client, sql, postgres_address):
    client().write("default.json", b"1", expected=None)
    store = client(f"{postgres_address}&options=-c%20default_transaction_read_only%3Don")
    assert store.read("default.json").content == b"1"
    with pytest.raises(StateError) as caught:
        store.append("default.journal", [b"x"])
    assert "read-only" in everything(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://host/db?schema=a-b", "no name of a schema"),
        ('postgresql://host/db?schema=a"b', "no name of a schema"),
        ("postgresql://[::1/db", "not a URL"),
        ("postgresql://host/db?novalue", "not a URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address, words):
    with pytest.raises(ConfigError, match=words):
        PostgresStore(address)


def test_an_unknown_setting_in_the_address_is_told_without_the_password(client):
    with pytest.raises(StateError, match="refused the request") as caught:
        client(f"postgresql://ania:{SECRET}@127.0.0.1/db?colour=red").read("default.json")
    assert "colour" in everything(caught.value)
    assert SECRET not in everything(caught.value)
    assert SECRET not in repr(PostgresStore(f"postgresql://ania:{SECRET}@h/db").at)


def test_the_script_runs_a_command_beside_a_server_and_gives_its_exit_code():
    code = (
        "import os, sys; sys.exit(9 if os.environ['POSTGRES_DSN'].startswith('postgresql:') else 1)"
    )
    command = [sys.executable, str(SCRIPT), "run", "--", sys.executable, "-c", code]
    assert subprocess.run(command).returncode == 9


def test_a_killed_test_run_leaves_no_server():
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "serve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    port = urlsplit(process.stdout.readline().strip()).port
    assert port
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(f"postgresql://127.0.0.1:{port}/x", connect_timeout=5)
