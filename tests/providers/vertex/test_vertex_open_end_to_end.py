"""Open models in a whole project, through the real command line."""

import pytest

from tests.e2e.conftest import row
from tests.providers.vertex.conftest import BUCKET, body_of
from tests.providers.vertex.test_vertex_end_to_end import Project
from tunectl.server.clouds.world import Fault

CONFIG = """\
project: pomoc
default_provider: vertex
providers:
  vertex:
    project: acme-ml
    location: europe-west4
    staging: gs://acme-tuning
    endpoint: "{endpoint}"
    storage_endpoint: "{storage}"

endpoint:
  otwarty:
    model: google/gemma3@gemma-3-1b-it
    accept_eula: true
    machine_type: g2-standard-12
    accelerator: NVIDIA_L4
    replicas: {{min: 1, max: 2}}
"""


@pytest.fixture
def project(clouds, tmp_path, capsys):
    clouds.world.step = 1.0
    text = CONFIG.format(endpoint=clouds.url, storage=clouds.storage_url)
    (tmp_path / "tunectl.yaml").write_text(text, encoding="utf-8")
    return Project(tmp_path, capsys)


def test_an_open_model_is_applied_asked_changed_and_destroyed(project, clouds):
    project.run("apply", "--auto-approve")
    assert project.run("plan").out.startswith("No changes.")
    assert "Gdzie" in project.run("ask", "endpoint.otwarty", "Gdzie jest paczka?").out
    project.edit("max: 2", "max: 3")
    assert "1 to change" in project.run("plan").out
    project.run("apply", "--auto-approve")
    project.edit("google/gemma3@gemma-3-1b-it", "qwen/qwen3@qwen3-8b")
    assert "1 to add, 0 to change, 1 to destroy" in project.run("plan").out
    project.run("apply", "--auto-approve")
    assert len(clouds.vertex.ledger.models) == len(clouds.vertex.ledger.endpoints) == 1
    assert project.run("plan").out.startswith("No changes.")
    project.run("destroy", "--auto-approve")
    assert clouds.left() == []


def test_replicas_that_somebody_changed_are_drift_and_healed(project, clouds):
    project.run("apply", "--auto-approve")
    [kept] = clouds.vertex.ledger.endpoints.values()
    kept["deployedModels"][0]["dedicatedResources"]["maxReplicaCount"] = 7
    project.run("drift", code=2)
    project.run("apply", "--auto-approve")
    assert kept["deployedModels"][0]["dedicatedResources"]["maxReplicaCount"] == 2
    project.run("drift")


def test_a_deployment_whose_answer_was_lost_is_waited_for_and_adopted(project, clouds):
    clouds.world.operation_seconds = 100.0
    clouds.world.faults.append(Fault("lost", method="POST", path=":deploy$", after=True))
    project.run("apply", "--auto-approve", code=None)
    said = project.run("apply", "--auto-approve", code=1).err
    assert "does not say for whom" in said
    clouds.world.pass_time(200)
    clouds.world.operation_seconds = 0.4
    project.run("apply", "--auto-approve")
    assert project.run("plan").out.startswith("No changes.")
    assert sum(call.endswith(":deploy") for call in clouds.calls()) == 1
    project.run("destroy", "--auto-approve")
    assert clouds.left() == []


def test_a_licence_that_is_not_accepted_is_told_and_nothing_is_left(project, clouds):
    project.edit("    accept_eula: true\n", "")
    said = project.run("apply", "--auto-approve", code=None)
    assert "accept_eula: true" in said.out + said.err
    assert clouds.left() == []
    project.edit("    machine_type", "    accept_eula: true\n    machine_type")
    project.run("apply", "--auto-approve")
    assert project.run("plan").out.startswith("No changes.")


@pytest.mark.parametrize("fault", ["", "lost-reply", "reset"])
def test_it_is_rehearsed_on_loopback(project, fault):
    project.edit('    endpoint: "http', '    # "http')
    project.edit('    storage_endpoint: "http', '    # "http')
    project.run("rehearse", *(("--fault", fault) if fault else ()))


def test_what_the_machines_cost_while_nobody_asks_is_planned(project):
    assert "`g2-standard-12` by the hour, and nobody says for how much" in project.run("plan").out
    project.edit(
        "\nendpoint:",
        "prices:\n  vertex:\n    g2-standard-12: {hour: 1.15 USD, source: our contract}\n"
        "    NVIDIA_L4: {hour: 0.05 USD}\n\nendpoint:",
    )
    said = project.run("plan").out
    assert "machines: 1.20 USD for each hour, used or not (our contract)" in said
    assert "876" in said, "730 hours of a month"


TUNED = """
dataset:
  support: {source: data/rows.jsonl, split: {validation: 20%, test: 20%, seed: 7}}

tuning_job:
  support:
    base_model: meta/llama3_1@llama-3.1-8b-instruct
    data: dataset.support
    method: {type: supervised, epochs: 2, learning_rate: 2e-4, lora: true, lora_r: 16}

endpoint:
  otwarty:
    model: tuning_job.support
"""


@pytest.fixture
def tuned(project):
    (project.folder / "data").mkdir()
    rows = "".join(row(n) + "\n" for n in range(60))
    (project.folder / "data" / "rows.jsonl").write_text(rows, encoding="utf-8")
    project.edit("    model: google/gemma3@gemma-3-1b-it\n    accept_eula: true\n", "")
    project.edit("\nendpoint:\n  otwarty:\n", TUNED)
    return project


def test_an_open_model_is_tuned_deployed_asked_trained_anew_and_destroyed(tuned, clouds):
    tuned.run("apply", "--auto-approve")
    assert tuned.run("plan").out.startswith("No changes.")
    answer = tuned.run("ask", "endpoint.otwarty", "Pytanie numer 3: gdzie jest żółw 21?").out
    assert "Żółw" in answer
    rows = [key for _, key in clouds.buckets.objects if key.endswith(".jsonl")]
    sent = [one for key in rows for one in body_of(clouds, f"gs://{BUCKET}/{key}")]
    assert {frozenset(one) for one in sent} == {frozenset({"messages"})}
    tuned.edit("epochs: 2", "epochs: 3")
    assert "2 to add, 0 to change, 2 to destroy" in tuned.run("plan").out
    tuned.run("apply", "--auto-approve")
    assert len(clouds.vertex.ledger.endpoints) == len(clouds.vertex.ledger.models) == 1
    assert tuned.run("plan").out.startswith("No changes.")
    said = tuned.run("destroy", "--auto-approve").out
    assert "bills nothing" in said
    assert clouds.left() == []


def test_machines_of_a_tuned_open_model_must_be_chosen(tuned):
    tuned.edit("    machine_type: g2-standard-12\n    accelerator: NVIDIA_L4\n", "")
    tuned.edit("    replicas: {min: 1, max: 2}\n", "")
    assert "chooses no machines for it" in tuned.run("validate", code=1).err


@pytest.mark.parametrize("fault", ["", "lost-reply"])
def test_a_tuned_open_model_is_rehearsed_on_loopback(tuned, fault):
    tuned.edit('    endpoint: "http', '    # "http')
    tuned.edit('    storage_endpoint: "http', '    # "http')
    tuned.run("rehearse", *(("--fault", fault) if fault else ()))


def test_other_machines_are_a_modification_whose_price_is_said(project):
    project.run("apply", "--auto-approve")
    project.edit("g2-standard-12", "g2-standard-24")
    assert "what it costs from now on is unknown" in project.run("plan").out
    said = project.run("apply", "--auto-approve").out
    assert "Modifications complete" in said
    assert "creating" not in said.lower().replace("to create", "")
