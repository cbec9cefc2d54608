"""Faults exist only in a server that was started with `--faults FILE`, which no help names."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tunectl.server.start import find_server


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, encoding="utf-8", timeout=60
    )


class Served:
    """A server process, asked without the SDK."""

    def __init__(self, root, *options):
        words = ["--root", str(root), "--trainer", "simulated", "--idle", "0", *options]
        self.process = subprocess.Popen([sys.executable, "-m", "tunectl.server", *words])
        while (found := find_server(root)) is None:
            assert self.process.poll() is None
            time.sleep(0.02)
        self.endpoint = found

    def status(self, method, path, body=None):
        """Return the status of an answer."""
        request = urllib.request.Request(
            self.endpoint.url + path,
            method=method,
            data=body,
            headers={"Authorization": f"Bearer {self.endpoint.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def started(tmp_path):
    """Start servers on folders of their own; all are stopped afterwards."""
    running = []

    def start(*options):
        running.append(Served(tmp_path / f"root-{len(running)}", *options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def plan(tmp_path, *rules):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"log": str(tmp_path / "log.jsonl"), "rules": rules}))
    return path


def test_with_the_switch_a_server_fails_as_told_and_only_as_often(started, tmp_path):
    rule = {"how": "status", "status": 503, "method": "GET", "path": "/v1/models", "times": 2}
    server = started("--faults", str(plan(tmp_path, rule)))
    found = [server.status("GET", "/models") for _ in range(3)]
    assert found == [503, 503, 200]
    assert logged(tmp_path / "log.jsonl", 3) == [(503, "status"), (503, "status"), (200, None)]


def logged(path, least):
    """What was logged of the models; a line may come after its answer, so it is waited for."""
    for _ in range(500):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        asked = [(line["status"], line["fault"]) for line in lines if line["path"] == "/v1/models"]
        if len(asked) >= least:
            break
        time.sleep(0.01)
    return asked


def test_without_the_switch_a_file_of_faults_does_nothing(started, tmp_path):
    plan(tmp_path, {"how": "status", "status": 503, "method": "GET", "path": ".*", "times": 99})
    server = started()
    assert server.status("GET", "/models") == 200
    assert server.status("GET", "/tunectl/faults") == 404
    assert server.status("POST", "/tunectl/faults", b"{}") == 404
    assert not (tmp_path / "log.jsonl").exists()


def test_without_the_switch_the_module_of_faults_is_not_even_imported():
    done = run(
        "-c",
        "import sys, tunectl.server.__main__ as m, tunectl.server.api, tunectl.server.serve\n"
        "assert m._faults(None) == []\n"
        "print(*[name for name in sys.modules if 'faults' in name])",
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("command", [["tunectl", "serve"], ["tunectl.server"]])
def test_no_help_names_the_switch(command):
    done = run("-m", *command, "--help")
    assert done.returncode == 0
    assert "--fault" not in done.stdout


def test_the_product_has_no_such_option(tmp_path):
    done = run("-m", "tunectl", "serve", "--faults", str(plan(tmp_path)))
    assert done.returncode == 1
    assert "--faults" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"rules": [{"how": "melt"}]}', '{"rules": [{}]}'])
def test_a_file_of_faults_that_is_not_understood_stops_the_server(tmp_path, content):
    path = tmp_path / "faults.json"
    path.write_text(content)
    done = run("-m", "tunectl.server", "--root", str(tmp_path / "r"), "--faults", str(path))
    assert done.returncode == 1
    assert "cannot use the faults" in done.stderr
