"""Nothing is trained twice: a revert and a promotion use what is there."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.e2e.conftest import row
from tests.e2e.test_lifecycle import in_split, inventory

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

STAGES = "environments: [staging, prod]\n"


def edited(site, answer: str) -> None:
    lines = site.rows.read_text(encoding="utf-8").splitlines()
    train = next(n for n in range(len(lines)) if in_split(site, n, "train"))
    lines[train] = row(train, answer)
    site.rows.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_reverting_an_edit_uses_the_kept_previous_model_again(site):
    site.edit("keep_previous: 0", "keep_previous: 1")
    site.run("apply", "--auto-approve")
    original = site.rows.read_text(encoding="utf-8")
    first = site.state()["instances"]
    edited(site, "Zupełnie nowa odpowiedź.")
    site.run("apply", "--auto-approve")
    site.rows.write_text(original, encoding="utf-8")

    plan = site.run("plan")
    assert "a kept previous one: equal fingerprint" in plan.out
    assert "Plan: 1 to import, 0 to add, 3 to change, 0 to destroy." in plan.out
    applied = site.run("apply", "--auto-approve")
    assert "Resources: 1 imported, 0 added, 3 changed, 0 destroyed." in applied.out
    assert site.run("plan").out.startswith("No changes.")
    assert len(inventory(site)["jobs"]) == 2, "no third job was bought"
    job = {i["address"]: i["id"] for i in site.state()["instances"]}["tuning_job.support"]
    assert job in {i["id"] for i in first}


def test_a_model_proven_in_one_environment_is_promoted_to_the_next_without_training(site):
    path = site.folder / "tunectl.yaml"
    path.write_text(path.read_text(encoding="utf-8") + STAGES, encoding="utf-8")
    site.run("apply", "--auto-approve", "--env", "staging")
    plan = site.run("plan", "--env", "prod")
    assert "environment `staging` made it: equal fingerprint" in plan.out
    assert "Plan: 1 to import, 3 to add, 0 to change, 0 to destroy." in plan.out
    site.run("apply", "--auto-approve", "--env", "prod")
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    found = inventory(site)
    assert [len(found[k]) for k in ("tuned", "aliases", "jobs")] == [1, 2, 1]

    gone = site.run("destroy", "--auto-approve", "--env", "staging")
    assert "another environment uses it too" in gone.out
    assert len(inventory(site)["tuned"]) == 1, "prod still uses it"
    site.run("ask", "--env", "prod", "endpoint.support", "Gdzie jest żółw?")
    site.run("destroy", "--auto-approve", "--env", "prod")
    empty = inventory(site)
    assert [len(empty[k]) for k in ("files", "tuned", "aliases", "jobs")] == [0, 0, 0, 1]


def test_a_new_job_is_made_where_the_user_asks_for_one(site):
    path = site.folder / "tunectl.yaml"
    path.write_text(path.read_text(encoding="utf-8") + STAGES, encoding="utf-8")
    site.run("apply", "--auto-approve", "--env", "staging")
    plan = site.run("plan", "--env", "prod", "--replace", "tuning_job.support")
    assert "Plan: 6 to add, 0 to change, 0 to destroy." in plan.out


def test_one_environment_is_destroyed_while_another_takes_its_model_over(site):
    path = site.folder / "tunectl.yaml"
    path.write_text(path.read_text(encoding="utf-8") + STAGES, encoding="utf-8")
    site.run("apply", "--auto-approve", "--env", "staging")
    command = [sys.executable, "-m", "tunectl"]
    both = [
        subprocess.Popen(
            [*command, verb, "--auto-approve", "--env", env],
            cwd=site.folder,
            env=site.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
        )
        for verb, env in (("destroy", "staging"), ("apply", "prod"))
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert both[0].returncode == 0, said[0]
    assert both[1].returncode in {0, 5, 7}, said[1]  # its model may have gone under its hands

    site.run("apply", "--auto-approve", "--env", "prod")
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    found = inventory(site)
    assert len(found["tuned"]) == len(found["aliases"]) == 1
    assert site.run("ask", "--env", "prod", "endpoint.support", "Gdzie jest żółw?").out.strip()


def test_the_same_account_under_another_name_buys_nothing(site):
    site.run("apply", "--auto-approve")
    site.edit("default_provider: local", "default_provider: lokalny")
    site.edit("local: {trainer: simulated}", "lokalny: {type: local, trainer: simulated}")
    plan = site.run("plan")
    assert "0 to add" in plan.out
    assert "must be replaced" not in plan.out
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(inventory(site)["jobs"]) == 1


def test_a_job_declared_under_another_name_is_the_same_job(site):
    site.run("apply", "--auto-approve")
    site.edit("tuning_job:\n  support:", "tuning_job:\n  pomoc:")
    site.edit("model: tuning_job.support", "model: tuning_job.pomoc")
    plan = site.run("plan")
    assert "tuning_job.support has moved to tuning_job.pomoc" in plan.out
    assert "Plan: 0 to add, 0 to change, 0 to destroy." in plan.out
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(inventory(site)["jobs"]) == 1


def test_what_expired_is_bought_again_only_on_request(site):
    site.edit("lifecycle: {keep_previous: 0}", "expires_after: 1s")
    path = site.folder / "tunectl.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.partition("\nendpoint:")[0] + "\n", encoding="utf-8")
    site.run("apply", "--auto-approve")
    time.sleep(1.1)
    assert "because it expired" in site.run("apply", "--auto-approve").out
    plan = site.run("plan")
    assert "not re-created" in plan.out
    assert "No changes." in plan.out
    site.run("apply", "--auto-approve")
    assert len(inventory(site)["jobs"]) == 1
    assert "1 to add" in site.run("plan", "--renew", "tuning_job.support").out


def test_a_replaced_model_that_is_to_be_kept_is_let_go(site):
    site.edit("keep_previous: 0", "keep_previous: 0, keep_on_destroy: true")
    site.run("apply", "--auto-approve")
    edited(site, "Zupełnie nowa odpowiedź.")
    plan = site.run("plan")
    assert "+/. tuning_job.support" in plan.out
    assert "1 to forget" in plan.out
    site.run("apply", "--auto-approve")
    assert len(inventory(site)["tuned"]) == 2
    assert site.run("plan").out.startswith("No changes.")
