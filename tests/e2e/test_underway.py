"""Jobs run while nobody holds the lock: approved once, bought once, finished by whoever comes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from tests.e2e.inprocess import Cloud, cloud
from tests.providers.fake_openai import KEY
from tunectl.stores.file import FileStore
from tunectl.stores.ledger import Ledger

__all__ = ["cloud"]

FREE = """
  wolny:
    model: gpt-4o-mini-2024-07-18
    inputs: {question: {type: string}}
    sections:
      - {id: ask, role: user, template: "Pytanie: {{ question }}"}
"""
RUNNING = ("queued", "running")
JOB, ENDPOINT = "tuning_job.support", "endpoint.support"


@pytest.fixture
def project(cloud, monkeypatch) -> Cloud:
    """The project with a prompt that waits for nothing; its job runs until it is told to end."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    cloud.edit("prompt_template:\n", "prompt_template:" + FREE)
    cloud.fake.path = RUNNING
    return cloud


def finish(project: Cloud) -> None:
    project.fake.path = ("queued", "succeeded")


def fail(project: Cloud) -> None:
    project.fake.path = ("queued", "failed")


def state(project: Cloud) -> dict:
    return orjson.loads((project.folder / "state" / "default.json").read_bytes())


def recorded(project: Cloud) -> dict[str, dict]:
    return {i["address"]: i for i in state(project)["instances"]}


def jobs(project: Cloud) -> list[str]:
    return [s.path for s in project.fake.sent("POST", "/fine_tuning/jobs")]


def begun(project: Cloud, *more: str) -> None:
    project.run("apply", "--auto-approve", "--no-wait", "--actor", "anna", *more, code=8)


def finished(project: Cloud) -> None:
    assert project.run("plan").out.startswith("No changes.")
    assert "approvals" not in state(project)
    assert len(jobs(project)) == 1


# -- one process after the other -----------------------------------------------------------------


def test_resume_finishes_what_was_approved_and_only_when_the_job_is_done(project):
    begun(project)
    [approval] = state(project)["approvals"]
    assert (approval["who"], approval["parked"]) == ("anna", True)
    assert approval["left"][ENDPOINT] == [JOB]
    assert "Resumed what anna approved" in project.run("resume", code=8).out
    assert ENDPOINT not in recorded(project)
    finish(project)
    done = project.run("resume")
    assert "2 added" in done.out
    assert (project.folder / "deploy" / "model.json").exists()
    finished(project)
    assert "Nothing is under way." in project.run("resume").out


def test_a_later_apply_goes_on_with_the_same_job_and_all_that_waits_for_it(project):
    begun(project)
    finish(project)
    project.run("apply", "--auto-approve")
    finished(project)
    assert (project.folder / "deploy" / "model.json").exists()


def test_another_checkout_with_the_same_store_finishes_it(project, tmp_path):
    project.edit("project: pomoc\n", "project: pomoc\nstate: ../wspólny stan\n")
    project.run("apply", "--auto-approve", "--no-wait", code=8)
    there = tmp_path / "druga maszyna"
    shutil.copytree(project.folder, there, ignore=shutil.ignore_patterns(".tunectl"))
    finish(project)
    elsewhere = Cloud(there, project.fake, project.capsys)
    elsewhere.run("apply", "--auto-approve")
    assert elsewhere.run("plan").out.startswith("No changes.")
    assert (there / "deploy" / "model.json").exists()
    assert len(jobs(project)) == 1


def test_a_resume_tells_machines_too(project):
    begun(project)
    project.run("resume", "--json", code=8)
    finish(project)
    lines = [orjson.loads(line) for line in project.run("resume", "--json").out.splitlines()]
    done = [x["hook"]["resource"]["addr"] for x in lines if x["type"] == "apply_complete"]
    assert done == [JOB, ENDPOINT, "prompt_template.support"]
    [summary] = [x for x in lines if x["type"] == "change_summary"]
    assert summary["changes"]["add"] == 2


def test_a_saved_plan_still_holds_when_a_job_has_finished_meanwhile(project):
    begun(project)
    project.edit("Pytanie: {{ question }}", "Вопрос: {{ question }}")
    saved = str(project.folder / "p")
    project.run("plan", "-o", saved)
    finish(project)
    project.run("apply", saved)
    finished(project)
    project.run("apply", saved, code=5)


def test_a_plan_says_what_is_running_and_who_approved_it(project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "anna")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/41/merge")
    project.run("apply", "--auto-approve", "--no-wait", code=8)
    shown = project.run("plan").out
    assert re.search(r"tuning_job\.support is still running \(.*anna, PR #41\)", shown)
    assert "approved already by anna, PR #41" in shown
    changes = project.run("plan", "--format", "json").json["resource_changes"]
    told = {c["address"]: c.get("approved_by") for c in changes}
    assert told[JOB] == told[ENDPOINT] == "anna, PR #41"


def test_what_is_running_is_changed_by_nobody_until_it_is_done_or_cancelled(project):
    begun(project)
    project.edit("epochs: 2", "epochs: 3")
    refused = project.run("apply", "--auto-approve", code=4).err
    assert f"`{JOB}` is busy" in refused
    assert "anna" in refused
    assert f"tunectl wait {JOB}" in refused
    assert f"tunectl cancel {JOB}" in refused
    assert "it is still running, approved by anna" in project.run("plan").out
    project.run("cancel", JOB)
    finish(project)
    project.run("apply", "--auto-approve", "--no-wait", code=None)
    assert len(jobs(project)) == 2


def test_what_waits_for_a_running_job_is_busy_too(project):
    begun(project)
    project.edit("model: tuning_job.support", "model: gpt-4o-mini-2024-07-18")
    refused = project.run("apply", "--auto-approve", code=4).err
    assert f"`{ENDPOINT}` is busy: it goes on after `{JOB}`, approved by anna" in refused
    assert "tunectl resume" in refused


def test_what_waits_for_nothing_stays_free(project):
    begun(project)
    project.edit("Pytanie: {{ question }}", "Вопрос: {{ question }}")
    project.run("apply", "--auto-approve", "--no-wait", "--actor", "bob", code=8)
    artefact = project.folder / ".tunectl" / "prompts" / "default" / "wolny.json"
    assert "Вопрос" in artefact.read_text(encoding="utf-8")
    assert [a["who"] for a in state(project)["approvals"]] == ["anna", "bob"]
    finish(project)
    project.run("resume")
    finished(project)


def test_what_was_edited_since_is_left_aside_and_named(project):
    begun(project)
    finish(project)
    project.edit("Jesteś pomocny.", "Отвечай кратко.")
    project.edit("model: tuning_job.support", "model: gpt-4o-mini-2024-07-18")
    left = project.run("resume").err
    assert "left aside, not as approved any more" in left
    assert f"`{ENDPOINT}`" in left
    assert ENDPOINT not in recorded(project)
    assert "approvals" not in state(project)
    assert recorded(project)[JOB]["status"] == "ready"


def test_a_failed_job_ends_its_approval_and_a_corrected_one_can_be_applied(project):
    begun(project)
    fail(project)
    said = project.run("resume", code=1)
    assert f"`{JOB}` failed" in said.err
    assert "approvals" not in state(project)
    assert "Nothing is under way." in project.run("resume").out
    assert len(jobs(project)) == 1
    finish(project)
    project.edit("epochs: 2", "epochs: 3")
    project.run("apply", "--auto-approve")
    assert project.run("plan").out.startswith("No changes.")


def test_a_replacement_asked_for_once_is_bought_once(project):
    finish(project)
    project.run("apply", "--auto-approve")
    old = recorded(project)[ENDPOINT]["outputs"]["model_id"]
    project.fake.path = RUNNING
    begun(project, "--replace", JOB)
    assert recorded(project)[ENDPOINT]["outputs"]["model_id"] == old
    project.run("resume", code=8)
    finish(project)
    project.run("resume")
    assert project.run("plan").out.startswith("No changes.")
    assert len(jobs(project)) == 2
    assert old not in project.models
    assert recorded(project)[ENDPOINT]["outputs"]["model_id"] in project.models


def test_a_job_that_was_approved_and_waits_for_another_is_bought_once_when_that_is_done(project):
    second = "  druga:\n    base_model: tuning_job.support\n    data: dataset.support\n"
    project.edit("\nendpoint:\n", second + "\nendpoint:\n")
    begun(project)
    assert len(jobs(project)) == 1
    project.run("resume", code=8)
    for job in project.fake.jobs.values():
        job["status"] = "queued"
    finish(project)
    project.run("resume", code=8)
    assert len(jobs(project)) == 2
    project.run("resume")
    assert project.run("plan").out.startswith("No changes.")
    assert len(jobs(project)) == 2


def test_an_output_keeps_its_value_until_what_it_comes_of_is_finished(project):
    finish(project)
    project.run("apply", "--auto-approve")
    before = project.run("output", "--format", "json").json
    project.fake.path = RUNNING
    begun(project, "--replace", JOB)
    assert project.run("output", "--format", "json").json == before
    finish(project)
    project.run("resume")
    after = project.run("output", "--format", "json").json
    assert after["model"] != before["model"]
    assert after["chain"] == f"id={after['model']}"


def test_destroy_says_who_is_running_something_cancels_it_and_ends_the_approval(project):
    begun(project)
    shown = project.run("plan", "--destroy").out
    assert "it is still running, approved by anna" in shown
    project.run("destroy", "--auto-approve")
    assert project.fake.sent("POST", "/fine_tuning/jobs/[^/]+/cancel")
    assert state(project)["instances"] == []
    assert "approvals" not in state(project)
    assert "Nothing is under way." in project.run("resume").out


def test_a_resume_uses_the_variables_that_were_approved(project):
    declared = "variables: {epochs: {type: integer, default: 2}}\n"
    project.edit("project: pomoc\n", "project: pomoc\n" + declared)
    project.edit("epochs: 2}", 'epochs: "${var.epochs}"}')
    begun(project, "--var", "epochs=3")
    finish(project)
    done = project.run("resume")
    assert "left aside" not in done.err
    assert ENDPOINT in recorded(project)
    assert len(jobs(project)) == 1


@pytest.mark.parametrize("taken_over", [False, True])
def test_a_lock_lost_while_a_job_is_bought_starts_nothing_new_and_loses_nothing(
    project, taken_over
):
    real = project.fake.post_jobs

    def lose_the_lock(body):
        (project.folder / "state" / "default.lock").unlink()
        if taken_over:
            ledger = Ledger(FileStore(project.folder / "state"), "pomoc", "default", "test")
            ledger.save(ledger.load())
        return real(body)

    project.fake.post_jobs = lose_the_lock
    lost = project.run("apply", "--auto-approve", code=4)
    assert "lock" in lost.err
    assert "was lost" in lost.err
    assert ENDPOINT not in recorded(project)
    project.fake.post_jobs = real
    finish(project)
    project.run("apply", "--auto-approve")
    finished(project)


# -- the digest ----------------------------------------------------------------------------------


def digest(project: Cloud) -> str:
    return project.run("plan", "--format", "json").json["digest"]


def test_the_digest_that_a_plan_prints_is_the_one_that_apply_expects(project):
    finish(project)
    shown = project.run("plan").out
    [printed] = re.findall(r"^Digest: (sha256:[0-9a-f]{64})$", shown, re.MULTILINE)
    assert printed == digest(project)
    project.run("apply", "--expect-digest", printed)
    finished(project)


def test_another_digest_is_refused_with_both_and_with_what_would_be_done(project):
    reviewed = digest(project)
    project.edit("epochs: 2", "epochs: 3")
    refused = project.run("apply", "--expect-digest", reviewed, code=5).err
    assert reviewed in refused
    assert digest(project) in refused
    assert f"in both, with other details: + {JOB}" in refused
    assert jobs(project) == []
    shutil.rmtree(project.folder / ".tunectl")
    forgotten = project.run("apply", "--expect-digest", reviewed, code=5).err
    assert "it would now do:" in forgotten
    assert f"  + {JOB}" in forgotten
    assert "is not the digest of a plan" in project.run("apply", "--expect-digest", "x", code=1).err


def test_other_merges_and_jobs_that_finished_do_not_spoil_a_digest(project):
    begun(project)
    project.edit("Pytanie: {{ question }}", "Вопрос: {{ question }}")
    reviewed = digest(project)
    serial = state(project)["serial"]
    project.run("resume", code=8)
    finish(project)
    assert digest(project) == reviewed  # finished, and not recorded yet
    project.run("wait")
    assert digest(project) == reviewed  # recorded
    project.run("resume")
    assert digest(project) == reviewed  # its endpoint has moved too
    assert state(project)["serial"] > serial
    project.run("apply", "--expect-digest", reviewed)
    finished(project)


def test_without_an_approval_on_record_a_finished_job_does_not_spoil_a_digest_either(project):
    begun(project)
    ledger = Ledger(FileStore(project.folder / "state"), "pomoc", "default", "test")
    ledger.save(replace(ledger.load(), approvals=()))
    reviewed = digest(project)
    finish(project)
    assert digest(project) == reviewed
    project.run("wait")
    assert digest(project) == reviewed
    project.run("apply", "--expect-digest", reviewed)
    finished(project)


def test_a_saved_plan_has_its_own_digest(project):
    project.run("plan", "-o", str(project.folder / "p"))
    said = project.run("apply", str(project.folder / "p"), "--expect-digest", "x", code=1).err
    assert "a saved plan has its own digest" in said


# -- processes at the same time ------------------------------------------------------------------


def start(project: Cloud, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tunectl", *arguments],
        cwd=project.folder,
        env={**os.environ, "FAKE_KEY": KEY, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )


def waiting(project: Cloud, *arguments: str) -> subprocess.Popen[str]:
    """A process that waits for the job and has let go of the lock."""
    before = approvals(project)
    process = start(project, *(arguments or ("apply", "--auto-approve", "--actor", "anna")))
    until(lambda: process.poll() is not None or len(approvals(project)) > len(before))
    assert process.poll() is None, process.communicate()
    return process


def approvals(project: Cloud) -> list[dict]:
    path = project.folder / "state" / "default.json"
    if not path.exists():
        return []
    return [a for a in state(project).get("approvals", []) if a["parked"]]


def until(true: Callable[[], bool]) -> None:
    for _ in range(900):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def test_while_one_apply_waits_another_changes_what_is_free(project):
    process = waiting(project)
    project.edit("Pytanie: {{ question }}", "Вопрос: {{ question }}")
    project.run("apply", "--auto-approve", "--no-wait", "--actor", "bob", code=8)
    finish(project)
    code, out, err = ended(process)
    assert code == 0, out + err
    assert "Creation complete" in out
    finished(project)


def test_two_that_wait_for_the_same_both_end_well_and_buy_once(project):
    first = waiting(project)
    second = waiting(project, "apply", "--auto-approve", "--actor", "bob")
    finish(project)
    for process in (first, second):
        code, out, err = ended(process)
        assert code == 0, out + err
        assert "Apply complete!" in out, "what the other one did is not called not begun"
    finished(project)
    assert (project.folder / "deploy" / "model.json").exists()


def test_cancel_works_while_another_waits_which_then_says_so(project):
    process = waiting(project)
    project.run("cancel", JOB)
    code, out, err = ended(process)
    assert code == 7, out + err
    assert f"`{JOB}` cancelled" in err
    assert "approvals" not in state(project)


def test_destroy_works_while_another_waits_which_then_says_so(project):
    process = waiting(project)
    project.run("destroy", "--auto-approve")
    code, out, err = ended(process)
    assert code == 5, out + err
    assert "was deleted or replaced while this command waited for it" in err
    assert state(project)["instances"] == []
    assert len(jobs(project)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_nobody_holds_the_lock_says_what_runs_and_how_to_go_on(project, number):
    process = waiting(project)
    process.send_signal(number)
    code, out, err = ended(process)
    assert code == 130, out + err
    assert f"`{JOB}` goes on running as ftjob-" in err
    assert "tunectl resume" in err
    finish(project)
    project.run("resume")
    finished(project)


def test_killed_while_it_waits_another_finishes_it(project):
    process = waiting(project)
    process.kill()
    process.communicate(timeout=60)
    finish(project)
    project.run("resume")
    finished(project)


def test_wait_holds_no_lock_and_records_the_end(project):
    begun(project)
    process = start(project, "wait")
    project.edit("Pytanie: {{ question }}", "Вопрос: {{ question }}")
    project.run("apply", "--auto-approve", "--no-wait", code=8)
    finish(project)
    code, out, err = ended(process)
    assert code == 0, out + err
    assert recorded(project)[JOB]["status"] == "ready"
    project.run("resume")
    finished(project)
