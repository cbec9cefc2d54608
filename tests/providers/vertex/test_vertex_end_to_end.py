"""A whole project on Vertex AI, through the real command line: the article's walk, declared."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contracts.handler_contract import settled
from tests.e2e.conftest import row
from tests.e2e.inprocess import Result, command
from tests.providers.vertex.conftest import BUCKET, body_of
from tests.providers.vertex.dedicated import registered
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.world import Fault

CONFIG = """\
project: pomoc
default_provider: vertex
providers:
  vertex:
    project: acme-ml
    location: europe-west4
    staging: gs://acme-tuning/obsługa
    endpoint: "{endpoint}"
    storage_endpoint: "{storage}"

dataset:
  support:
    source: data/rows.jsonl
    split: {{validation: 20%, test: 20%, seed: 7}}

tuning_job:
  support:
    base_model: gemini-3.5-flash
    data: dataset.support
    method: {{type: supervised, epochs: 2}}

endpoint:
  support:
    model: tuning_job.support

outputs:
  model: {{value: "${{endpoint.support.model_id}}"}}
"""


@dataclass
class Project:
    """A project's folder, and a way to run commands in it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "tunectl.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def state(self) -> dict:
        return json.loads((self.folder / "state" / "default.json").read_bytes())


@pytest.fixture
def project(clouds, tmp_path, capsys):
    clouds.world.step = 1.0
    folder = tmp_path / "projekt żółw проект"
    (folder / "data").mkdir(parents=True)
    text = CONFIG.format(endpoint=clouds.url, storage=clouds.storage_url)
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    rows = "".join(row(n) + "\n" for n in range(60))
    (folder / "data" / "rows.jsonl").write_text(rows, encoding="utf-8")
    return Project(folder, capsys)


def left(clouds):
    """Return what is there and no mere record, without the rows."""
    return [one for one in clouds.left() if not one.startswith("object")]


def test_a_project_is_planned_applied_asked_and_destroyed(project, clouds):
    assert "gemini-3.5-flash" in project.run("plan").out
    assert clouds.left() == []
    project.run("apply", "--auto-approve")
    model = project.run("output", "model").out.strip()
    assert "/locations/eu/endpoints/" in model, "served where the service put it"
    assert project.run("plan").out.startswith("No changes.")
    answer = project.run("ask", "endpoint.support", "Pytanie numer 3: gdzie jest żółw 21?").out
    cut = project.run("ask", "endpoint.support", "Gdzie jest żółw?", "--max-tokens", "2")
    assert "the answer was cut off" in cut.err
    assert "Żółw" in answer
    project.run("drift")
    assert "billable tokens" in project.run("logs", "tuning_job.support").out
    said = project.run("destroy", "--auto-approve").out
    assert "stays at the provider and bills nothing" in said
    assert clouds.left() == []
    assert project.state()["instances"] == []
    assert [one.kind for one in clouds.vertex.left()] == ["tuning job"], "its record"


def test_rows_leave_in_the_form_that_gemini_takes(project, clouds):
    project.run("apply", "--auto-approve")
    rows = [body_of(clouds, f"gs://{BUCKET}/{key}") for _, key in clouds.buckets.objects]
    assert {frozenset(one) for content in rows for one in content} == {frozenset({"contents"})}


def test_a_missing_bucket_is_told_once_for_all_files_of_a_dataset(project, clouds):
    project.edit("gs://acme-tuning/", "gs://nobody-has-this/")
    told = project.run("plan", code=1).err
    assert told.count("the bucket `gs://nobody-has-this` of `staging` does not exist") == 1
    assert clouds.left() == []


def test_a_new_training_moves_the_endpoint_and_the_old_one_goes(project, clouds):
    project.edit("epochs: 2}", "epochs: 2}\n    lifecycle: {keep_previous: 0}")
    project.run("apply", "--auto-approve")
    before = project.run("output", "model").out.strip()
    project.edit("epochs: 2", "epochs: 3")
    assert "1 to destroy" in project.run("plan").out
    project.run("apply", "--auto-approve")
    after = project.run("output", "model").out.strip()
    assert after != before
    assert sum(one.startswith("model") for one in left(clouds)) == 1
    assert sum(one.startswith("endpoint") for one in left(clouds)) == 3, "one for each epoch"
    assert project.run("plan").out.startswith("No changes.")


def test_one_job_runs_at_a_time_and_the_next_one_follows(project, clouds):
    second = "  second:\n    base_model: gemini-3.1-flash-lite\n    data: dataset.support\n"
    project.edit("\nendpoint:\n", f"{second}\nendpoint:\n")
    clouds.vertex.ledger.behaviour = Behaviour(concurrent=10)
    project.run("apply", "--auto-approve")
    jobs = [job.kept for job in clouds.vertex.ledger.jobs.values()]
    first, last = sorted(jobs, key=lambda job: job["createTime"])
    assert first["endTime"] <= last["createTime"]


def test_a_job_that_was_paid_for_is_adopted_by_the_next_apply(project, clouds):
    clouds.world.faults.append(Fault("lost", method="POST", path="/tuningJobs$", after=True))
    # Nor can it be told by looking: the list is refused until the next run.
    listing = Fault("status", status=400, method="GET", path="/tuningJobs$", skip=1, times=40)
    clouds.world.faults.append(listing)
    project.run("apply", "--auto-approve", code=None)
    clouds.world.faults.clear()
    project.run("apply", "--auto-approve")
    assert len(clouds.vertex.ledger.jobs) == 1
    assert project.run("plan").out.startswith("No changes.")


def test_a_job_made_elsewhere_can_be_imported(project, clouds, provider, job_request):
    jobs = provider.handlers["tuning_job"]
    made = settled(jobs, jobs.create(job_request()))
    said = project.run("import", "tuning_job.support", made.id, code=3).err
    assert "carries another history's mark" in said
    assert "`tuning_job.support` of project `helpdesk`" in said
    project.run("import", "tuning_job.support", made.id, "--force")
    project.run("apply", "--auto-approve")
    assert len(clouds.vertex.ledger.jobs) == 1, "nothing was bought"
    shown = project.run("state", "show", "tuning_job.support").out
    assert made.outputs["model_id"] in shown


def test_the_articles_dead_calls_each_name_what_follows_them(project):
    project.edit("epochs: 2", "train_steps: 100")
    assert "write `epochs:`" in project.run("validate", code=1).err
    project.edit("train_steps: 100", "epochs: 2")
    project.edit(
        "    model: tuning_job.support",
        "    model: tuning_job.support\n    machine_type: n1-standard-4",
    )
    said = project.run("validate", code=1).err
    assert "a tuned Gemini (`gemini-3.5-flash`) has none" in said
    project.edit("\n    machine_type: n1-standard-4", "")
    project.edit("gemini-3.5-flash", "gemini-1.0-pro-001")
    said = project.run("plan", code=1)
    assert "shut down on 2025-04-09" in said.err + said.out
    assert "`gemini-3.5-flash`" in said.err
    project.edit("gemini-1.0-pro-001", "gpt-3.5-turbo")
    said = project.run("plan", code=1).err
    assert "tunes Gemini models, and `gpt-3.5-turbo` is none" in said
    assert "it tunes `gemini-3.5-flash`" in said


def test_machines_are_for_registered_models_and_bill_by_the_hour(project, clouds):
    model = registered(clouds, "mistral")
    text = (
        f"  open:\n    model: {model}\n    machine_type: g2-standard-12\n"
        "    accelerator: NVIDIA_L4\n    replicas: {min: 1, max: 2}\n"
    )
    project.edit("\noutputs:\n", f"{text}\noutputs:\n")
    project.run("apply", "--auto-approve")
    assert project.run("plan").out.startswith("No changes.")
    assert "Gdzie" in project.run("ask", "endpoint.open", "Gdzie jest paczka?").out
    project.edit("max: 2", "max: 3")
    assert "1 to change" in project.run("plan").out
    project.run("apply", "--auto-approve")
    project.edit(text.replace("max: 2", "max: 3"), "")
    project.run("apply", "--auto-approve")
    assert not [one for one in clouds.vertex.left() if one.bills]


def test_preferences_are_written_and_tuned_as_preferences(project, clouds):
    def pair(number: int) -> str:
        question = {"role": "user", "content": f"Gdzie jest żółw {number * 7}?"}
        good = {"role": "assistant", "content": f"Żółw {number * 7} śpi. Черепаха спит."}
        bad = {"role": "assistant", "content": f"Nie wiem, {number}."}
        return json.dumps(
            {
                "input": {"messages": [question]},
                "preferred_output": [good],
                "non_preferred_output": [bad],
            },
            ensure_ascii=False,
        )

    rows = "".join(pair(number) + "\n" for number in range(60))
    (project.folder / "data" / "rows.jsonl").write_text(rows, encoding="utf-8")
    project.edit("{type: supervised, epochs: 2}", "{type: dpo, epochs: 1, beta: 0.2}")
    project.run("apply", "--auto-approve")
    [job] = [job.kept for job in clouds.vertex.ledger.jobs.values()]
    assert job["preferenceOptimizationSpec"]["hyperParameters"]["beta"] == pytest.approx(0.2)
    [key] = [key for _, key in clouds.buckets.objects if "-train-" in key]
    first = body_of(clouds, f"gs://{BUCKET}/{key}")[0]
    assert [one["score"] for one in first["completions"]] == [1, 0]
    assert project.run("plan").out.startswith("No changes.")


def test_a_job_trains_on_from_what_another_made(project, clouds):
    second = "  second:\n    base_model: tuning_job.support\n    data: dataset.support\n"
    project.edit("\nendpoint:\n", f"{second}\nendpoint:\n")
    project.run("apply", "--auto-approve")
    jobs = sorted(
        (job.kept for job in clouds.vertex.ledger.jobs.values()), key=lambda job: job["createTime"]
    )
    model = jobs[0]["tunedModel"]["model"]
    assert jobs[1]["preTunedModel"]["tunedModelName"] == model
    assert project.run("plan").out.startswith("No changes.")
    project.run("destroy", "--auto-approve")
    assert clouds.left() == []
