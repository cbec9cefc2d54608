"""Each type of provider has a stand-in, and a project's whole life on it keeps every promise."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.e2e.conftest import CONFIG, row
from tunectl.app.options import Options
from tunectl.app.rehearsing import rehearse
from tunectl.core.rehearsal import Rehearsed, Verdict
from tunectl.kinds.providers import PROVIDERS

ROLE = "arn:aws:iam::210987654321:role/tuning"
KEY = "arn:aws:kms:us-east-1:109876543210:key/01234567-89ab-cdef-0123-456789abcdef"
OWN = f"aws_profile: prod, subnet_ids: [subnet-1], security_group_ids: [sg-1], kms_key: '{KEY}'"
PLACES = "staging: 's3://acme-rows/x', output: 's3://acme-metrics/y'"
URL = "https://api.example.com/v1"
# Title of the service, provider, base model.
CLOUDS = {
    "local": ("the local server", "{type: local}", "smollm2-135m-instruct"),
    "tunectl": (
        "our own server",
        "{type: tunectl, base_url: 'https://gpu.example/v1', key_env: K, ca_file: ca.pem}",
        "smollm2-135m-instruct",
    ),
    "openai": ("OpenAI", "{type: openai, data_residency: eu}", "gpt-4.1-mini-2025-04-14"),
    "azure": (
        "Azure Foundry",
        f"{{type: openai, profile: azure, base_url: '{URL}', key_env: K}}",
        "gpt-4.1-mini-2025-04-14",
    ),
    "nebius": (
        "Nebius Token Factory",
        "{type: openai, profile: nebius, key_env: K}",
        "meta-llama/Llama-3.1-8B-Instruct",
    ),
    "generic": (
        "a service that speaks OpenAI's wire",
        f"{{type: openai, base_url: '{URL}', key_env: K}}",
        "some-model",
    ),
    "vertex": (
        "Google Vertex AI",
        "{type: vertex, project: acme-ml, location: europe-west4, staging: 'gs://acme-rows/x'}",
        "gemini-3.5-flash",
    ),
    "bedrock": (
        "Amazon Bedrock",
        f"{{type: bedrock, region: us-east-1, {PLACES}, {OWN}, role_arn: '{ROLE}'}}",
        "amazon.nova-lite-v1:0:300k",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    rows = [row(n) for n in range(60)]
    (tmp_path / "data" / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def declare(folder: Path, name: str) -> None:
    _, provider, base = CLOUDS[name]
    text = CONFIG.replace("default_provider: local", "default_provider: cloud")
    text = text.replace("  local: {trainer: simulated}", f"  cloud: {provider}")
    text = text.replace("base_model: simulated-1", f"base_model: {base!r}")
    if name == "bedrock":
        served = "model: tuning_job.support\n    serving: on_demand"
        text = text.replace("model: tuning_job.support", served)
    if name == "azure":
        text = text.replace(
            "model: tuning_job.support", "model: tuning_job.support\n    deployment: d"
        )
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")


def broken(done: Rehearsed) -> dict[str, str]:
    return {c.name: c.detail for c in done.checks if c.verdict is not Verdict.PASSED}


@pytest.mark.parametrize("name", CLOUDS)
def test_a_whole_life_keeps_every_promise(folder, name):
    declare(folder, name)
    done = rehearse(Options(root=folder))
    assert broken(done) == {}, done.failures
    assert done.stages == {"cloud": CLOUDS[name][0]}
    assert done.operations[1].calls["cloud"] > 0


@pytest.mark.parametrize("name", ["vertex", "bedrock", "nebius", "azure", "tunectl"])
def test_a_lost_reply_starts_no_second_job(folder, name):
    declare(folder, name)
    done = rehearse(Options(root=folder), "lost-reply")
    assert broken(done) == {}, done.failures


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["reset", "503", "slow"])
@pytest.mark.parametrize("name", ["vertex", "bedrock", "nebius", "azure"])
def test_other_faults_converge_too(folder, name, fault):
    declare(folder, name)
    done = rehearse(Options(root=folder), fault)
    assert broken(done) == {}, done.failures


def test_what_bills_while_nobody_uses_it_is_told(folder):
    declare(folder, "bedrock")
    done = rehearse(Options(root=folder))
    assert {one.kind for one in done.billing} >= {"object", "custom model"}


def test_how_long_it_is_said_to_take_is_told(folder):
    declare(folder, "vertex")
    assert rehearse(Options(root=folder)).durations == {"tuning_job.support": (15, 15)}


ANSWERS_ONLY = """\
project: pomoc
providers:
  claude: {type: anthropic, key_env: K}
endpoint:
  faq: {model: claude-opus-4-6}
"""


@pytest.mark.parametrize("fault", ["", "reset"])
def test_a_provider_that_only_answers_is_rehearsed(folder, fault):
    (folder / "tunectl.yaml").write_text(ANSWERS_ONLY, encoding="utf-8")
    done = rehearse(Options(root=folder), fault)
    assert broken(done) == {}, done.failures
    assert done.stages == {"claude": "Anthropic"}


MANTLE = f"""\
project: pomoc
providers:
  cloud: {{type: openai, profile: bedrock-mantle, base_url: '{URL}', key_env: K}}
dataset:
  tasks: {{source: data/tasks.jsonl}}
tuning_job:
  sums:
    base_model: openai.gpt-oss-20b
    data: dataset.tasks
    method:
      type: reinforcement
      grader: {{type: lambda, lambda: {{function: 'arn:aws:lambda:eu-west-1:1:function:g'}}}}
"""


def test_a_job_that_a_grader_scores_is_rehearsed(folder):
    tasks = [
        {"messages": [{"role": "user", "content": f"Ile to {n} + {n}?"}], "reference_answer": 2 * n}
        for n in range(160)
    ]
    content = b"".join(orjson.dumps(task) + b"\n" for task in tasks)
    (folder / "data" / "tasks.jsonl").write_bytes(content)
    (folder / "tunectl.yaml").write_text(MANTLE, encoding="utf-8")
    done = rehearse(Options(root=folder))
    assert broken(done) == {}, done.failures
    assert done.stages == {"cloud": "Amazon Bedrock"}


def test_every_type_that_can_be_declared_can_be_rehearsed():
    from tunectl.app.rehearsing_clouds import TYPES

    assert set(PROVIDERS) == set(TYPES)
