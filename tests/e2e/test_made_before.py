"""An environment without its state: what is there is told of, and no job is bought twice."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest

from tests.e2e.inprocess import cloud

pytestmark = pytest.mark.slow  # whole projects through many commands: minutes

__all__ = ["cloud"]

SECOND = """\
  second:
    base_model: gpt-4o-mini-2024-07-18
    data: dataset.support
    method: {type: supervised, epochs: 3}
    lifecycle: {keep_previous: 0}

endpoint:
"""
NAMES = ("support", "second")


@pytest.fixture
def bought(cloud):
    """Two jobs that were bought once, and a state that is wholly gone; the jobs by their names."""
    cloud.edit("\nendpoint:\n", "\n" + SECOND)
    cloud.run("apply", "--auto-approve")
    shutil.rmtree(cloud.folder / "state")
    return {name: job_of(cloud, name) for name in NAMES}


def job_of(cloud, name: str, *but: str) -> str:
    """The id of the job that was made for a name."""
    [found] = (
        id_
        for id_, job in cloud.fake.jobs.items()
        if job["metadata"]["tunectl-address"] == f"tuning_job.{name}" and id_ not in but
    )
    return found


def creates(cloud) -> int:
    return len(cloud.fake.sent("POST", "/fine_tuning/jobs"))


def reason(job: str) -> str:
    return f"bought already by another history, which is not recorded here: `{job}` (lineage `"


def commands(text: str) -> list[str]:
    return re.findall(r"`(tunectl [^`]*)`", text)


def run(cloud, command: str) -> None:
    cloud.run(*shlex.split(command)[1:])


def test_a_plan_without_a_state_buys_nothing_that_was_bought_and_names_the_ways_on(cloud, bought):
    plan = cloud.run("plan", code=1)
    for name, job in bought.items():
        assert f"! tuning_job.{name}: {reason(job)}" in plan.out
        assert f"`tunectl import tuning_job.{name} {job} --force` takes it over" in plan.out
        assert f"`--replace tuning_job.{name}` buys a new one" in plan.out
    assert "! endpoint.support: waits for `tuning_job.support`" in plan.out
    assert "Plan: 1 to add, 0 to change, 0 to destroy.\n" in plan.out  # the dataset: free
    tree = cloud.run("plan", "--format", "json", code=1).json
    assert {b["address"] for b in tree["blocked"]} >= {f"tuning_job.{n}" for n in NAMES}


def test_an_apply_without_a_state_buys_nothing_however_often_it_runs(cloud, bought):
    for _ in range(3):
        done = cloud.run("apply", "--auto-approve", code=None)
        assert done.code
        assert "`tuning_job.second` is blocked: bought already by another history" in done.err
    assert creates(cloud) == 2


def test_the_state_of_the_marks_is_made_as_the_hint_says(cloud, bought):
    command = commands(cloud.run("plan", code=1).out)[0]
    assert command == "tunectl state repair --write"
    run(cloud, command)
    plan = cloud.run("plan").out
    assert "tuning_job" not in plan
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert creates(cloud) == 2


@pytest.mark.parametrize("first", [("apply", "--auto-approve"), ("plan", "-o")])
def test_the_hint_makes_the_state_of_the_marks_also_when_an_empty_one_is_stored(
    cloud, bought, first
):
    file = (str(cloud.folder / "first.plan"),) if "-o" in first else ()
    cloud.run(*first, *file, code=None)
    command = commands(cloud.run("plan", code=1).out)[0]
    assert command.startswith("tunectl state repair --write --force --lineage ")
    run(cloud, command)
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert creates(cloud) == 2


def test_what_is_imported_is_taken_over_and_the_other_one_is_still_not_bought(cloud, bought):
    told = commands(cloud.run("plan", code=1).out)
    one, other = (next(c for c in told if f".{n} " in c) for n in NAMES)
    run(cloud, one)
    plan = cloud.run("plan", code=1).out
    assert f"# tuning_job.support will be imported from `{bought['support']}`" in plan
    assert reason(bought["second"]) in plan
    cloud.run("apply", "--auto-approve", code=None)
    # Something is recorded now: to make a state of the marks would lose it.
    plan = cloud.run("plan", code=1).out
    assert reason(bought["second"]) in plan
    assert "state repair" not in plan
    run(cloud, other)
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert creates(cloud) == 2


def test_what_is_asked_for_anew_is_bought_and_nothing_else(cloud, bought):
    cloud.run("apply", "--auto-approve", "--replace", "tuning_job.second", code=None)
    assert creates(cloud) == 3
    assert reason(bought["support"]) in cloud.run("plan", code=1).out
    cloud.run("apply", "--auto-approve", "--replace", "tuning_job.support")
    assert creates(cloud) == 4
    assert cloud.run("plan").out.startswith("No changes.")


def test_several_that_were_bought_for_one_address_are_all_named_the_newest_first(cloud, bought):
    cloud.run("apply", "--auto-approve", "--replace", "tuning_job.*")
    newer = job_of(cloud, "support", *bought.values())
    cloud.fake.jobs[newer]["created_at"] += 60
    shutil.rmtree(cloud.folder / "state")
    plan = cloud.run("plan", code=1).out
    assert re.search(rf"here: `{newer}` \(lineage `\S+`\), `{bought['support']}` \(", plan)
    assert f"`tunectl import tuning_job.support {newer} --force` takes the newest one" in plan
    assert "`tunectl state repair --write --lineage " in plan


def test_another_environment_and_another_project_are_not_confused_with_this_one(cloud, bought):
    cloud.edit("project: pomoc\n", "project: pomoc\nenvironments: [prod]\n")
    assert "4 to add" not in cloud.run("plan", code=1).out
    assert "tuning_job.second will be created" in cloud.run("plan", "--env", "prod").out
    cloud.edit("project: pomoc\n", "project: inny\n")
    assert "tuning_job.second will be created" in cloud.run("plan").out


def test_what_was_destroyed_leaves_nothing_in_the_way(cloud):
    cloud.run("apply", "--auto-approve")
    cloud.run("destroy", "--auto-approve")
    shutil.rmtree(cloud.folder / "state")
    assert cloud.fake.jobs
    assert "tuning_job.support will be created" in cloud.run("plan").out


def test_a_job_that_still_runs_counts_and_one_that_failed_does_not(cloud):
    cloud.fake.path = ("running",)
    cloud.run("apply", "--auto-approve", "--no-wait", code=8)
    shutil.rmtree(cloud.folder / "state")
    [job] = cloud.fake.jobs
    assert reason(job) in cloud.run("plan", code=1).out
    cloud.fake.jobs[job]["status"] = "failed"
    assert "tuning_job.support will be created" in cloud.run("plan").out


def test_what_was_reviewed_without_a_state_is_applied_without_one(cloud, bought):
    digest = cloud.run("plan", "--format", "json", code=1).json["digest"]
    cloud.run("apply", "--auto-approve", "--expect-digest", digest, code=None)
    assert (cloud.folder / "state" / "default.json").exists()
    shutil.rmtree(cloud.folder / "state")
    file = str(cloud.folder / "first.plan")
    cloud.run("plan", "-o", file, code=1)
    done = cloud.run("apply", "--auto-approve", file, code=None)
    assert "is blocked: bought already" in done.err
    assert "Resources: 1 added" in done.out
    assert creates(cloud) == 2


def test_where_nothing_would_be_bought_the_jobs_are_not_listed(cloud):
    cloud.run("apply", "--auto-approve")
    cloud.edit("Jesteś pomocny", "Jesteś bardzo pomocny")
    cloud.fake.seen.clear()
    cloud.run("plan")
    asked = [one.query.get("limit") for one in cloud.fake.sent("GET", "/fine_tuning/jobs")]
    assert asked == ["1"]  # whose account it is


def test_without_a_refresh_nothing_is_asked(cloud, bought):
    assert "tuning_job.support will be created" in cloud.run("plan", "--no-refresh").out
