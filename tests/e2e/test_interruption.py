"""Ctrl-C, SIGKILL and `cancel` while a job runs: everything is stored, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import orjson
import pytest

from tests.e2e.conftest import row

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes


def client(site):
    from openai import OpenAI

    site.run("model", "list")
    said = orjson.loads((site.root / "server.json").read_bytes())
    token = (site.root / "token").read_text().strip()
    return OpenAI(base_url=said["url"].rstrip("/").removesuffix("/v1") + "/v1", api_key=token)


@pytest.fixture
def busy(site):
    """A server whose only trainer is taken by somebody else's slow job."""
    sdk = client(site)
    rows = "".join(row(n) + "\n" for n in range(12)).encode()
    file = sdk.files.create(file=("slow.jsonl", rows), purpose="fine-tune")
    slow = sdk.fine_tuning.jobs.create(
        model="simulated-1",
        training_file=file.id,
        method={
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 50, "batch_size": 1}},
        },
        extra_body={"tunectl": {"step_seconds": 0.5}},
    )
    until(lambda: sdk.fine_tuning.jobs.retrieve(slow.id).status == "running")
    yield sdk, slow.id
    if sdk.fine_tuning.jobs.retrieve(slow.id).status == "running":
        sdk.fine_tuning.jobs.cancel(slow.id)


def until(true) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


def ours(sdk):
    return [j for j in sdk.fine_tuning.jobs.list() if j.metadata and "tunectl-op" in j.metadata]


def started(site, sdk):
    """An `apply` whose job is waiting for the trainer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunectl", "apply", "--auto-approve"],
        cwd=site.folder,
        env=site.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    journal = site.folder / "state" / "default.journal"
    until(lambda: journal.exists() and b'"id":"ftjob-' in journal.read_bytes())
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_detaches_and_the_next_apply_goes_on(site, busy, number):
    sdk, slow = busy
    process = started(site, sdk)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "goes on running as ftjob-" in err
    assert "tunectl apply" in err
    shown = site.run("plan")
    assert "tuning_job.support" in shown.out
    sdk.fine_tuning.jobs.cancel(slow)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(ours(sdk)) == 1


def test_after_sigkill_the_next_apply_goes_on_with_the_same_job(site, busy):
    sdk, slow = busy
    process = started(site, sdk)
    process.kill()
    process.communicate(timeout=60)
    sdk.fine_tuning.jobs.cancel(slow)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(ours(sdk)) == 1


def test_a_cancelled_job_is_kept_explained_and_tried_again_only_on_request(site, busy):
    sdk, slow = busy
    waiting = site.run("apply", "--auto-approve", "--no-wait", code=8)
    assert "tuning_job.support" in waiting.out
    site.run("cancel", "tuning_job.support")
    plan = site.run("plan", code=1)
    assert "cancelled" in plan.out + plan.err
    assert "--replace tuning_job.support" in plan.out + plan.err
    assert len(ours(sdk)) == 1
    sdk.fine_tuning.jobs.cancel(slow)
    site.run("apply", "--auto-approve", "--replace", "tuning_job.support")
    assert site.run("plan").out.startswith("No changes.")
    assert len(ours(sdk)) == 2


def test_a_running_job_can_be_waited_for_without_applying(site, busy):
    sdk, slow = busy
    site.run("apply", "--auto-approve", "--no-wait", code=8)
    sdk.fine_tuning.jobs.cancel(slow)
    site.run("wait")
    state = site.run("state", "show", "tuning_job.support").out
    assert "ready" in state
    assert "endpoint.support" not in site.run("state", "list").out


@pytest.mark.slow
def test_the_second_signal_leaves_at_once_even_while_the_server_gives_no_answer(site, busy):
    """Without the lock, in the middle of a look that would take a minute."""
    sdk, slow = busy
    process = started(site, sdk)
    until(lambda: "No lock" in site.run("lock", "list").out)
    server = orjson.loads((site.root / "server.json").read_bytes())["pid"]
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(2.0)  # a look has begun
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        assert process.poll() is None, "the first lets what is begun end"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    finally:
        os.kill(server, signal.SIGCONT)
    assert process.returncode == 130, out + err
    sdk.fine_tuning.jobs.cancel(slow)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(ours(sdk)) == 1
