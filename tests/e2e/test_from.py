"""`from:`: what another environment made is taken over, copied, or trained again, as one says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import Site, row
from tests.e2e.inprocess import cloud  # noqa: F401
from tests.e2e.test_lifecycle import inventory
from tests.providers import fake_openai

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

FROM = "    lifecycle: {keep_previous: 0}"
STAGES = "environments: [staging, prod]\n"


@pytest.fixture
def stages(site):
    """Two environments of one project; the model of `prod` comes from `staging`."""
    site.edit(FROM, FROM + "\n    from: staging")
    path = site.folder / "tunectl.yaml"
    path.write_text(path.read_text(encoding="utf-8") + STAGES, encoding="utf-8")
    return site


@pytest.fixture
def apart(stages, tmp_path):
    """The same, each environment on a server folder of its own."""
    other = tmp_path / "prod żółw"
    text = f"providers: {{local: {{root: {json.dumps(str(other))}}}}}\n"
    (stages.folder / "tunectl.prod.yaml").write_text(text, encoding="utf-8")
    there = Site(stages.folder, other)
    yield stages, there
    there.stop_server()


def edit_rows(site) -> None:
    lines = [row(n, f"Zupełnie inna odpowiedź {n}.") for n in range(60)]
    site.rows.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_what_stands_in_the_same_account_is_taken_over_although_nobody_asked_for_reuse(stages):
    stages.run("apply", "--auto-approve", "--env", "staging")
    plan = stages.run("plan", "--env", "prod")
    assert "environment `staging` made it: equal fingerprint" in plan.out
    stages.run("apply", "--auto-approve", "--env", "prod")
    assert stages.run("plan", "--env", "prod").out.startswith("No changes.")
    assert len(inventory(stages)["jobs"]) == 1


def test_what_stands_in_another_account_is_copied_and_nothing_is_trained(apart):
    site, there = apart
    site.run("apply", "--auto-approve", "--env", "staging")
    plan = site.run("plan", "--env", "prod")
    assert "tuning_job.support will be copied from `ftjob-" in plan.out
    assert "nothing is trained" in plan.out
    assert "upload." not in plan.out
    tree = json.loads(site.run("plan", "--env", "prod", "--format", "json").out)
    [job] = [c for c in tree["resource_changes"] if c["type"] == "tuning_job"]
    [original] = inventory(site)["jobs"]
    assert job["copied_from"]["id"] == original
    assert job["copied_from"]["environment"] == "staging"

    site.run("apply", "--auto-approve", "--env", "prod")
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    full = inventory(there)
    assert [len(full[k]) for k in ("files", "tuned", "aliases", "jobs")] == [0, 1, 1, 1]
    assert list((there.root / "jobs").glob("*/train.jsonl")) == []
    question = "Pytanie numer 3: gdzie jest żółw 21?"
    answers = {
        site.run("ask", "--env", env, "endpoint.support", question).out
        for env in ("staging", "prod")
    }
    assert len(answers) == 1, "the copy answers as the original does"

    # Each has its own: the end of one is not the end of the other.
    site.run("destroy", "--auto-approve", "--env", "staging")
    assert inventory(site)["tuned"] == []
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    assert inventory(there)["tuned"] == full["tuned"]
    site.run("destroy", "--auto-approve", "--env", "prod")
    assert inventory(there)["tuned"] == []


@pytest.mark.slow
def test_a_copy_is_made_once_although_the_apply_dies_before_it_is_recorded(apart):
    site, there = apart
    site.run("apply", "--auto-approve", "--env", "staging")
    code = """
import os, sys
from tunectl.providers.wire.copying import CopiedJobs
made = CopiedJobs.copy
def copy(self, request, original):
    made(self, request, original)
    os._exit(9)
CopiedJobs.copy = copy
from tunectl.cli.main import main

main(["apply", "--auto-approve", "--env", "prod"])
"""
    died = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site.folder,
        env=site.env,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        encoding="utf-8",
    )
    assert died.returncode == 9, died.stdout + died.stderr
    site.run("apply", "--auto-approve", "--env", "prod")
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    assert len(inventory(there)["jobs"]) == 1


def test_a_copy_of_new_training_takes_the_place_of_the_old_copy(apart):
    site, there = apart
    for env in ("staging", "prod"):
        site.run("apply", "--auto-approve", "--env", env)
    edit_rows(site)
    refused = site.run("plan", "--env", "prod", code=1)
    assert "is another job than is declared here" in refused.err
    assert "`training rows`" not in refused.err
    assert "training rows" in refused.err
    assert "tunectl apply --env staging" in refused.err
    for env in ("staging", "prod"):
        site.run("apply", "--auto-approve", "--env", env)
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    assert len(inventory(there)["tuned"]) == 1, "the old copy is gone"
    said = site.run("ask", "--env", "prod", "endpoint.support", "Gdzie jest żółw 21?").out
    assert "Zupełnie inna" in said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("from: stagin", "did you mean `staging`?"),
        ("from: {env: staging, address: tuning_job.suport}", "did you mean `tuning_job.support`?"),
        ("from: {env: staging, address: endpoint.support}", "is not a `tuning_job`"),
        ("from: {env: prod, address: tuning_job.other}", "of this very environment"),
    ],
)
def test_what_from_cannot_mean_is_an_error_with_the_nearest_that_it_can(stages, written, said):
    stages.run("apply", "--auto-approve", "--env", "staging")
    stages.edit("from: staging", written)
    assert said in stages.run("plan", "--env", "prod", code=1).err


def test_a_model_that_was_deleted_there_is_told_and_not_trained_instead(stages):
    stages.run("apply", "--auto-approve", "--env", "staging")
    from openai import OpenAI

    said = json.loads((stages.root / "server.json").read_text(encoding="utf-8"))
    client = OpenAI(base_url=said["url"], api_key=(stages.root / "token").read_text().strip())
    client.models.delete(inventory(stages)["tuned"][0])
    assert "was deleted remotely" in stages.run("plan", "--env", "prod", code=1).err


def test_where_nothing_can_be_copied_the_job_is_trained_again_and_the_plan_says_so(
    cloud,  # noqa: F811
    monkeypatch,
):
    text = cloud.yaml.read_text(encoding="utf-8").replace(FROM, FROM + "\n    from: staging")
    cloud.yaml.write_text(text + STAGES, encoding="utf-8")
    cloud.run("apply", "--auto-approve", "--env", "staging")
    with fake_openai.running() as other:
        other.path = ("running", "succeeded")
        overlay = f"providers: {{cloud: {{base_url: '{other.url}'}}}}\n"
        (cloud.folder / "tunectl.prod.yaml").write_text(overlay, encoding="utf-8")
        plan = cloud.run("plan", "--env", "prod")
        assert "tuning_job.support will be created" in plan.out
        assert "cannot be copied between accounts" in plan.out
        assert "trained again" in plan.out
        assert "training costs " in plan.out, "the price, or that it is unknown"
        cloud.run("apply", "--auto-approve", "--env", "prod")
        assert (len(cloud.fake.jobs), len(other.jobs)) == (1, 1)
        assert cloud.run("plan", "--env", "prod").out.startswith("No changes.")
