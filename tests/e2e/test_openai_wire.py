"""Whole projects against a service that speaks OpenAI's wire and does what OpenAI really does."""

from __future__ import annotations

import re

import orjson
import pytest

from tests.e2e.conftest import row
from tests.providers import fake_openai
from tests.providers.fake_openai import Fault

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

PROJECT = """\
project: pomoc
default_provider: service
providers:
  service: {type: openai, profile: PROFILE, base_url: "URL", key_env: SERVICE_KEY}
dataset:
  support: {source: data/rows.jsonl, split: {validation: 20%, seed: 7}}
tuning_job:
  support:
    base_model: gpt-4o-mini
    data: dataset.support
    method: {epochs: 2}
endpoint:
  support: {model: tuning_job.support}
"""
KEY = {"SERVICE_KEY": fake_openai.KEY}


@pytest.fixture
def fake():
    with fake_openai.running() as service:
        yield service


@pytest.fixture
def project(site, fake):
    def make(profile="openai", **edits):
        text = PROJECT.replace("PROFILE", profile).replace("URL", fake.url)
        for before, after in edits.items():
            text = text.replace(f"{before}: gpt-4o-mini", f"{before}: {after}")
        (site.folder / "tunectl.yaml").write_text(text, encoding="utf-8")
        site.rows.write_text("".join(row(n) + "\n" for n in range(60)), encoding="utf-8")
        return site

    return make


def test_a_closed_account_leaves_no_file_and_says_why_and_where_to_move(project, fake):
    site = project()
    words = "OpenAI is winding down the fine-tuning platform and your organization is no longer"
    fake.faults.append(
        Fault(
            "POST",
            "/fine_tuning/jobs",
            status=403,
            code="training_not_available",
            message=words,
            times=9,
        )
    )
    done = site.run("apply", "--auto-approve", code=None, **KEY)
    assert done.code in {1, 7}
    assert fake.files == {}
    assert len(fake.sent("POST", "/files")) == 2  # training and validation rows
    assert words in done.err
    assert "removed again: the uploaded files `file-" in done.err
    for way in ("provider: local", "profile: azure", "profile: nebius"):
        assert way in done.err
    assert [one["address"] for one in site.state()["instances"]] == ["dataset.support"]
    again = site.run("plan", **KEY).out
    assert "4 to add, 0 to change, 0 to destroy." in again
    assert fake_openai.KEY not in done.out + done.err


def test_the_log_of_a_finished_job_ends_with_losses_and_checkpoints(project, fake):
    fake.path = ("queued", "succeeded")
    fake.results = b"step,train_loss,valid_loss\n1,2.5,\n2,1.25,1.5\n"
    site = project()
    site.run("apply", "--auto-approve", **KEY)
    said = site.run("logs", "tuning_job.support", **KEY).out
    assert "step 1, loss 2.5" in said
    assert "step 2, loss 1.25, valid 1.5" in said
    assert "checkpoint `ft:gpt-4o-mini-2024-07-18:acme:" in said.splitlines()[-1]
    assert site.run("plan", **KEY).out.startswith("No changes.")
    site.run("destroy", "--auto-approve", **KEY)
    assert fake.files.keys() == set()


@pytest.mark.slow
def test_a_nebius_project_registers_the_model_and_destroys_all_of_it(project, fake):
    fake.path = ("running", "succeeded")
    base = "meta-llama/Llama-3.1-8B-Instruct"
    fake.models[base] = {**next(iter(fake.models.values())), "id": base}
    site = project("nebius", base_model=base)
    site.run("apply", "--auto-approve", **KEY)
    (registered,) = fake.registry.models
    assert registered.startswith("meta-llama/Meta-Llama-3.1-8B-Instruct-LoRa:pomoc-support-")
    assert site.run("plan", **KEY).out.startswith("No changes.")
    site.edit("epochs: 2", "epochs: 3")
    said = site.run("apply", "--auto-approve", **KEY).out
    (now,) = fake.registry.models
    assert now != registered, said
    site.run("destroy", "--auto-approve", **KEY)
    assert fake.registry.models == {}
    assert site.state()["instances"] == []


REHEARSED = """\
project: pomoc
default_provider: nebius
providers:
  nebius: {type: openai, profile: nebius, key_env: NEBIUS_KEY}
  mantle:
    type: openai
    profile: bedrock-mantle
    base_url: https://bedrock-mantle.eu-west-1.api.aws/v1
    key_env: MANTLE_KEY
  azure:
    type: openai
    profile: azure
    base_url: https://acme.openai.azure.com/openai/v1
    key_env: AZURE_KEY
dataset:
  support: {source: data/rows.jsonl}
  tasks: {source: data/tasks.jsonl, format: reinforcement}
  better: {source: data/better.jsonl}
tuning_job:
  support:
    base_model: meta-llama/Llama-3.1-8B-Instruct
    data: dataset.support
    method: {epochs: 2, lora: true, lora_r: 16, learning_rate_multiplier: 2e-5}
  scored:
    provider: mantle
    base_model: openai.gpt-oss-20b
    data: dataset.tasks
    method:
      type: reinforcement
      grader: {type: lambda, lambda: {function: "arn:aws:lambda:eu-west-1:1:function:f"}}
  better:
    provider: azure
    base_model: gpt-4.1-mini
    data: dataset.better
    method: {type: dpo, beta: 0.1}
endpoint:
  support: {model: tuning_job.support}
  scored: {model: tuning_job.scored}
  better: {model: tuning_job.better, deployment: better}
"""


@pytest.mark.slow
def test_projects_of_every_profile_and_method_are_rehearsed_without_a_key(site):
    (site.folder / "tunectl.yaml").write_text(REHEARSED, encoding="utf-8")
    chats = [orjson.loads(row(n))["messages"] for n in range(120)]
    tasks = [{"messages": chat[:1], "reference_answer": chat[1]["content"]} for chat in chats]
    pairs = [
        {
            "input": {"messages": chat[:1]},
            "preferred_output": chat[1:],
            "non_preferred_output": [{"role": "assistant", "content": f"Nie wiem, {n}."}],
        }
        for n, chat in enumerate(chats)
    ]
    for name, rows in (("tasks", tasks), ("better", pairs)):
        lines = b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in rows)
        (site.folder / "data" / f"{name}.jsonl").write_bytes(lines)
    done = site.run("rehearse")
    assert "6 of 6 promises kept" in done.out
    assert not (site.folder / "state").exists()


def test_changed_rows_show_the_tokens_and_costs_of_before_and_after(project, fake):
    fake.path = ("queued", "succeeded")
    site = project()
    site.run("apply", "--auto-approve", **KEY)
    kept = [path.name for path in (site.folder / "state" / "tokens").iterdir()]
    assert len(kept) == 1  # of the training rows; validation is not paid for
    site.rows.write_text("".join(row(n) + "\n" for n in range(70)), encoding="utf-8")
    shown = re.search(
        r"tokens: ~? ?[\d,]+ -> ~? ?[\d,]+ \(\+\d+\), training ~ \S+ \S*USD -> ~ ",
        site.run("plan", **KEY).out.replace("under ", ""),
    )
    assert shown is not None
    told = orjson.loads(site.run("plan", "--format", "json", **KEY).out)
    [tokens] = [one["tokens"] for one in told["resource_changes"] if "tokens" in one]
    assert 0 < tokens["before"]["likely"] < tokens["after"]["likely"]
    assert tokens["cost_before"]["currency"] == "USD"
    table = site.run("plan", "--format", "markdown", **KEY).out.partition("<details")[0]
    assert [line for line in table.splitlines() if line.startswith("| ") and "tokens" in line]
