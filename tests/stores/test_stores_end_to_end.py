"""Whole projects through the real command line, with their state in a bucket."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.parse import unquote

import orjson
import pytest

from tests.e2e.conftest import CONFIG, Done, Site, row
from tests.stores.objectserver import ObjectServer, running
from tunectl.core.errors import Exit

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

ADDRESS = {"gs": "gs://stan/zespół/pomoc", "s3": "s3://stan/zespół/pomoc"}
PREFIX = "zespół/pomoc/"


@dataclass
class Remote:
    """A project whose state is in a bucket of the loopback server."""

    site: Site
    server: ObjectServer

    @property
    def env(self) -> dict[str, str]:
        return {
            "STORAGE_EMULATOR_HOST": self.server.url,
            "AWS_ENDPOINT_URL_S3": self.server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def run(self, *arguments: str, code: int | None = 0) -> Done:
        done = self.site.run(*arguments, code=code, **self.env)
        assert "Traceback" not in done.err
        assert "s3cret" not in done.out + done.err
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

    def names(self) -> list[str]:
        return [k.removeprefix(PREFIX) for k in self.server.buckets.keys("stan", PREFIX)]

    def content(self, name: str) -> dict:
        return orjson.loads(self.server.buckets.get("stan", PREFIX + name).content)

    def lock(self) -> str:
        return PREFIX + "default.lock"


@pytest.fixture(params=sorted(ADDRESS))
def remote(request, tmp_path):
    folder = tmp_path / "projekt żółw проект"
    (folder / "data").mkdir(parents=True)
    config = CONFIG.replace(
        "project: pomoc\n", f"project: pomoc\nstate: {ADDRESS[request.param]}\n"
    )
    (folder / "tunectl.yaml").write_text(config, encoding="utf-8")
    site = Site(folder, tmp_path / "local")
    site.rows.write_text("".join(row(n) + "\n" for n in range(40)), encoding="utf-8")
    with running() as server:
        yield Remote(site, server)
        site.stop_server()


def test_a_project_lives_and_ends_in_a_bucket(remote):
    assert "6 to add" in remote.run("plan").out
    assert remote.names() == []

    assert "6 added" in remote.run("apply", "--auto-approve").out
    assert not (remote.site.folder / "state").exists()
    names = remote.names()
    assert "default.json" in names
    assert [n for n in names if n.startswith("rows/")]
    assert [n for n in names if ".lock" in n or ".journal" in n] == []
    assert remote.run("plan").out.startswith("No changes.")
    assert len(remote.run("state", "list").out.splitlines()) == 6

    remote.run("destroy", "--auto-approve")
    assert remote.content("default.json")["instances"] == []
    kept = [n for n in remote.names() if n.startswith("history/default.json.")]
    assert 0 < len(kept) <= 10


@pytest.mark.slow
@pytest.mark.parametrize("remote", ["gs"], indirect=True)
def test_a_killed_apply_is_taken_over_and_converges(remote):
    """Its lock holds until its minute is over, and its journal is not lost."""
    server = remote.server
    held = server.fail("slow", seconds=30, where=lambda r: ".journal/0000000003" in unquote(r.path))
    process = remote.start("apply", "--auto-approve")
    while held.times and process.poll() is None:
        time.sleep(0.01)
    assert held.times == 0, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    refused = remote.run("apply", "--auto-approve", code=Exit.LOCK)
    holder = remote.content("default.lock")
    assert holder["id"] in refused.err + refused.out
    assert holder["who"] in refused.err + refused.out

    server.world.ahead += 61
    remote.run("apply", "--auto-approve")
    assert remote.run("plan").out.startswith("No changes.")
    assert len(remote.content("default.json")["instances"]) == 6


@pytest.mark.slow
@pytest.mark.parametrize("remote", ["s3"], indirect=True)
def test_an_apply_whose_lock_was_lost_starts_nothing_new_and_records_what_it_did(remote):
    server = remote.server

    def taken_away(request) -> bool:
        if ".journal/" not in unquote(request.path) or b'"made"' not in request.body:
            return False
        server.buckets.remove("stan", remote.lock())
        return True

    server.fail("slow", seconds=1.2, where=taken_away)
    lost = remote.run("apply", "--auto-approve", code=Exit.LOCK)
    assert "was lost" in lost.err + lost.out
    made = remote.run("state", "list").out.splitlines()
    assert 0 < len(made) < 6
    remote.run("apply", "--auto-approve")
    assert remote.run("plan").out.startswith("No changes.")


@pytest.mark.parametrize("remote", ["s3"], indirect=True)
def test_a_missing_bucket_is_told_before_anything_is_made(remote):
    remote.server.buckets.names = ()
    for command in (("plan",), ("apply", "--auto-approve"), ("state", "list")):
        done = remote.run(*command, code=Exit.ERROR)
        assert "does not exist" in done.err + done.out
    assert not (remote.site.root / "server.json").exists()
