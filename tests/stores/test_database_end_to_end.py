"""Whole projects through the real command line, with their state in PostgreSQL and behind HTTP."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
import psycopg
import pytest

from tests.e2e.conftest import CONFIG, Done, Site, row
from tests.stores.stateserver import StateServer, serving
from tunectl.core.errors import Exit
from tunectl.core.ports import Store
from tunectl.stores.http import HttpStore
from tunectl.stores.postgres import PostgresStore

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

PASSWORD = "geheim-kanarek-7"


@dataclass
class Remote:
    """A project whose state is elsewhere."""

    site: Site
    store: Store
    env: dict[str, str]
    secret: str
    free: Callable[[], None]  # what somebody does about the lock of a killed apply

    def run(self, *arguments: str, code: int | None = 0, **env: str) -> Done:
        done = self.site.run(*arguments, code=code, **{**self.env, **env})
        assert "Traceback" not in done.err
        assert self.secret not in done.out + done.err
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tunectl", *arguments],
            cwd=self.site.folder,
            env={**self.site.env, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


def project(tmp_path, state: str) -> Site:
    folder = tmp_path / "projekt żółw проект"
    (folder / "data").mkdir(parents=True)
    config = CONFIG.replace("project: pomoc\n", f'project: pomoc\nstate: "{state}"\n')
    (folder / "tunectl.yaml").write_text(config, encoding="utf-8")
    site = Site(folder, tmp_path / "local")
    site.rows.write_text("".join(row(n) + "\n" for n in range(40)), encoding="utf-8")
    return site


@pytest.fixture
def postgres(tmp_path, postgres_address):
    secret = urlsplit(postgres_address).password
    bare, _, query = postgres_address.replace(f":{secret}@", "@").partition("?")
    site = project(tmp_path, f"{bare}/zespół/pomoc?{query}")
    store = PostgresStore(f"{postgres_address}&prefix=zespół/pomoc")
    schema = query.removeprefix("schema=")

    def pass_a_minute() -> None:
        with psycopg.connect(postgres_address.partition("?")[0]) as connection:
            connection.execute(f"update {schema}.locks set written = written - interval '61 s'")

    yield Remote(site, store, {"PGPASSWORD": secret}, secret, pass_a_minute)
    site.stop_server()
    store.close()


def behind(server: StateServer, tmp_path) -> Remote:
    env = {"TF_HTTP_USERNAME": "ania", "TUNECTL_HTTP_PASSWORD": PASSWORD}
    site = project(tmp_path, server.address)
    store = HttpStore(server.address, env)

    def break_lock() -> None:
        broken = remote.run("lock", "break", store.holder("default").id)
        assert "is broken" in broken.out

    remote = Remote(site, store, env, PASSWORD, break_lock)
    return remote  # the lock is freed through it


@pytest.fixture(params=["postgres", "http", "gitlab"])
def remote(request, tmp_path):
    if request.param == "postgres":
        yield request.getfixturevalue("postgres")
        return
    manner = "plain" if request.param == "http" else "gitlab"
    with serving(StateServer(manner=manner, user="ania", password=PASSWORD)) as server:
        made = behind(server, tmp_path)
        yield made
        made.site.stop_server()


def test_a_project_lives_and_ends_there(remote):
    assert "6 to add" in remote.run("plan").out
    assert list(remote.store.list("")) == []

    assert "6 added" in remote.run("apply", "--auto-approve").out
    assert not (remote.site.folder / "state").exists()
    names = list(remote.store.list(""))
    assert "default.json" in names
    assert [n for n in names if n.startswith("rows/")]
    assert [n for n in names if ".journal" in n] == []
    assert remote.store.holder("default") is None
    assert remote.run("plan").out.startswith("No changes.")
    assert len(remote.run("state", "list").out.splitlines()) == 6

    remote.run("destroy", "--auto-approve")
    assert orjson.loads(remote.store.read("default.json").content)["instances"] == []
    kept = list(remote.store.list("history/default.json."))
    assert 0 < len(kept) <= 10


@pytest.mark.parametrize("remote", ["postgres", "gitlab"], indirect=True)
def test_a_killed_apply_keeps_its_journal_and_the_next_one_converges(remote):
    process = remote.start("apply", "--auto-approve")
    deadline = time.monotonic() + 100
    while not list(remote.store.entries("default.journal")) and process.poll() is None:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    refused = remote.run("apply", "--auto-approve", code=Exit.LOCK)
    holder = remote.store.holder("default")
    for word in (holder.id, holder.who, "for `apply`"):
        assert word in refused.err + refused.out
    remote.free()
    remote.run("apply", "--auto-approve")
    assert remote.run("plan").out.startswith("No changes.")
    assert len(orjson.loads(remote.store.read("default.json").content)["instances"]) == 6


def test_wrong_credentials_exit_6_and_nothing_is_taken_as_missing(remote):
    wrong = {"PGPASSWORD": "wrong", "TUNECTL_HTTP_PASSWORD": "wrong"}
    for command in (("plan",), ("apply", "--auto-approve")):
        done = remote.run(*command, code=Exit.CREDENTIALS, **wrong)
        assert "PASSWORD" in done.err + done.out
        assert "to add" not in done.out
    assert not (remote.site.root / "server.json").exists()


@pytest.mark.parametrize("state", ["postgresql://ania@127.0.0.1:9/x", "http://127.0.0.1:9/x"])
def test_a_store_that_does_not_answer_is_an_error(tmp_path, state):
    site = project(tmp_path, state)
    done = site.run("plan", code=Exit.ERROR)
    assert "does not answer" in done.err
    assert "127.0.0.1:9/x" in done.err
    assert "to add" not in done.out


def test_a_password_in_the_address_may_come_from_the_environment(tmp_path, postgres_address):
    secret = urlsplit(postgres_address).password
    address = postgres_address.replace(f":{secret}@", ":${env.STATE_PASSWORD}@")
    site = project(tmp_path, address)
    site.edit("project: pomoc\n", "project: pomoc\nenv: [STATE_PASSWORD]\n")
    assert "6 to add" in site.run("plan", STATE_PASSWORD=secret).out
    wrong = site.run("plan", STATE_PASSWORD=PASSWORD, code=Exit.CREDENTIALS)
    assert PASSWORD not in wrong.out + wrong.err


def test_a_user_in_an_http_address_is_refused_without_showing_it(tmp_path):
    site = project(tmp_path, f"https://ania:{PASSWORD}@gitlab.example/state")
    done = site.run("plan", code=Exit.ERROR)
    assert "TUNECTL_HTTP_PASSWORD" in done.err
    assert PASSWORD not in done.out + done.err
