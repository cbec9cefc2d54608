"""What a declaration of Bedrock means, and what is refused before anybody is asked."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.contracts.handler_contract import job_resource
from tests.e2e.inprocess import Result
from tests.providers.bedrock.cloud import HAIKU, NOVA
from tunectl.cli.main import run
from tunectl.providers.openai import connect as openai

AWS = {
    "type": "bedrock",
    "region": "us-east-1",
    "staging": "s3://acme/rows",
    "role_arn": "arn:aws:iam::123456789012:role/tuning",
}


@pytest.fixture
def project(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Pytanie {number}: gdzie jest żółw?"},
                {"role": "assistant", "content": f"Odpowiedź {number}. Привет!"},
            ]
        }
        for number in range(40)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(lines, encoding="utf-8")

    def write(aws=None, job=None, endpoint=None, **more) -> Result:
        text = yaml.safe_dump(
            {
                "project": "pomoc",
                "default_provider": "aws",
                "providers": {"aws": {**AWS, **(aws or {})}, **more},
                "dataset": {"support": {"source": "rows.jsonl"}},
                "tuning_job": {
                    "support": {"base_model": NOVA, "data": "dataset.support", **(job or {})}
                },
                "endpoint": {"support": {"model": "tuning_job.support", **(endpoint or {})}},
            },
            allow_unicode=True,
        )
        (tmp_path / "tunectl.yaml").write_text(text, encoding="utf-8")
        capsys.readouterr()
        code = run(["-C", str(tmp_path), "validate"])
        shown = capsys.readouterr()
        return Result(code, shown.out, shown.err)

    return write


def test_a_good_declaration_is_valid(project):
    assert project().code == 0
    assert project(endpoint={"serving": "provisioned", "model_units": 2}).code == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aws": {"region": "Europe"}}, "region"),
        ({"aws": {"staging": "gs://acme"}}, "staging"),
        ({"aws": {"role_arn": "me"}}, "role_arn"),
        ({"aws": {"secret_key": "x"}}, "holds a secret"),
        ({"aws": {"aws_access_key_id": "AKIA"}}, "aws_access_key_id"),
        ({"endpoint": {"model_units": 2}}, "only `serving: provisioned` has"),
        ({"endpoint": {"serving": "always"}}, "serving"),
        ({"job": {"method": {"type": "dpo", "beta": 0.1}}}, "Amazon Bedrock does not train `dpo`"),
        ({"job": {"suffix": "a.b"}}, "takes no `.` in `suffix`"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(project, changes, words):
    found = project(**changes)
    assert found.code in {1, 3}
    assert words in found.err
    assert "tunectl.yaml:" in found.err


def test_a_model_that_has_no_deployments_is_refused_before_it_is_trained(project):
    found = project(aws={"region": "us-west-2"}, job={"base_model": HAIKU})
    assert "tuned from Claude 3 Haiku cannot be served `on_demand`" in found.err
    assert "bills by the hour" in found.err
    assert "was shut down on 2026-09-10" in found.err


def test_a_base_without_its_context_is_named_with_it(project):
    found = project(job={"base_model": "amazon.nova-lite-v1:0"})
    assert NOVA in found.err


def test_serving_is_bedrocks_and_no_one_elses(project):
    found = project(
        endpoint={"serving": "provisioned", "provider": "local", "model": "smollm2-135m-instruct"},
        local={"trainer": "simulated"},
    )
    assert found.code == 1
    assert "`serving` is Bedrock's" in found.err


@pytest.mark.parametrize("profile", ["openai", "azure", "nebius"])
@pytest.mark.parametrize("name", ["learning_rate", "warmup_steps", "early_stopping_patience"])
def test_numbers_of_bedrocks_models_are_refused_where_nobody_reads_them(profile, name):
    provider = openai(
        name="other", profile=profile, base_url="https://acme.example/v1", key_env="KEY"
    )
    resource, _ = job_resource("other", "any", "file-1", method={"type": "supervised", name: 3})
    found = [d.summary for d in provider.handlers["tuning_job"].check(resource)]
    assert any(f"has no place for `method.{name}`" in summary for summary in found)
