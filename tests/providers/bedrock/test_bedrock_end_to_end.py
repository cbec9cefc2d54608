"""A whole project on Bedrock: plan, apply, ask, move, drift and destroy, on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import row
from tests.e2e.inprocess import Result, command
from tests.providers.bedrock.cloud import NOVA, REWARDED, Amazon, running
from tunectl.core.errors import Exit
from tunectl.server.clouds.world import Fault, World


@dataclass
class Site:
    folder: Path
    amazon: Amazon
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def declare(self, **changes) -> None:
        """Write the project; `tuning_job` and `endpoint` take further fields."""
        text = yaml.safe_dump(
            {
                "project": "pomoc",
                "default_provider": "aws",
                "labels": {"zespół": "obsługa klientów"},
                "providers": {"aws": {"type": "bedrock", **self.amazon.settings}},
                "dataset": {
                    "support": {
                        "source": "data/rows.jsonl",
                        "split": {"validation": "20%", "seed": 7},
                    }
                },
                "tuning_job": {
                    "support": {
                        "base_model": NOVA,
                        "data": "dataset.support",
                        "method": {"epochs": 2, "learning_rate": 0.00002},
                        **changes.get("tuning_job", {}),
                    }
                },
                "endpoint": {
                    "support": {"model": "tuning_job.support", **changes.get("endpoint", {})}
                },
                "outputs": {"model": {"value": "${endpoint.support.model_id}"}},
            },
            allow_unicode=True,
            sort_keys=False,
        )
        (self.folder / "tunectl.yaml").write_text(text, encoding="utf-8")

    def write_rows(self, last: str = "") -> None:
        rows = [row(number) for number in range(39)]
        rows.append(row(39, last or None))
        path = self.folder / "data" / "rows.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")

    def left(self) -> list[str]:
        """Everything that is there and is no record, and every object in the bucket."""
        things = [one.kind for one in self.amazon.bedrock.left() if not one.record]
        return things + [key for _, key in self.amazon.buckets.objects]


@pytest.fixture
def site(tmp_path, capsys, monkeypatch):
    for name in ("TUNECTL_ENV", "TUNECTL_IN_AUTOMATION", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    world = World(job_seconds=2, operation_seconds=0.3, step=0.5)
    with running(world, committed_units=2) as amazon:
        folder = tmp_path / "projekt żółw"
        folder.mkdir()
        made = Site(folder, amazon, capsys)
        made.write_rows()
        made.declare()
        yield made


def test_the_articles_walk_declared(site):
    plan = site.run("plan").out
    assert "Plan: 5 to add, 0 to change, 0 to destroy." in plan
    assert site.left() == []
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert site.run("drift").code == Exit.DONE
    model = json.loads(site.run("output", "--format", "json").out)["model"]
    assert ":custom-model-deployment/" in model
    answer = site.run("ask", "endpoint.support", "Pytanie numer 3: gdzie jest żółw 21?").out
    assert "Żółw" in answer
    assert "Привет" in answer
    refused = site.run("ask", "tuning_job.support", "?", code=Exit.ERROR).err
    assert "only behind an endpoint" in refused
    assert "training: Completed" in site.run("logs", "tuning_job.support").out
    assert len(site.amazon.calls("POST", "^/model-customization-jobs$")) == 1

    site.run("destroy", "--auto-approve")
    assert site.left() == []
    [record] = list(site.amazon.bedrock.left())
    assert (record.kind, record.record, record.bills) == ("customization job", True, "")


def test_a_missing_bucket_and_a_strange_role_are_shown_at_the_lines_that_name_them(site):
    path = site.folder / "tunectl.yaml"
    text = path.read_text(encoding="utf-8").replace("::123456789012:", "::999999999999:")
    path.write_text(text.replace("s3://acme-tuning", "s3://nobody-has-this"), encoding="utf-8")
    said = site.run("plan", code=Exit.ERROR).err
    lines = path.read_text(encoding="utf-8").splitlines()
    for setting in ("staging:", "role_arn:"):
        [number] = [n for n, line in enumerate(lines, 1) if line.strip().startswith(setting)]
        assert f"tunectl.yaml:{number}:" in said
    assert "dataset" not in said


def test_a_new_training_moves_in_behind_the_same_arn(site):
    site.run("apply", "--auto-approve")
    before = json.loads(site.run("output", "--format", "json").out)["model"]
    site.write_rows("Zupełnie nowa odpowiedź.")
    assert "tuning_job.support must be replaced" in site.run("plan").out
    site.run("apply", "--auto-approve")
    assert json.loads(site.run("output", "--format", "json").out)["model"] == before
    shelf = site.amazon.bedrock.shelf
    assert len(shelf.jobs) == 2
    assert len(shelf.models) == 1
    [live] = shelf.deployments.values()
    assert live.model in shelf.models
    assert site.run("plan").out.startswith("No changes.")


def test_other_units_are_bought_anew_and_the_old_ones_given_back(site):
    site.declare(endpoint={"serving": "provisioned"})
    site.run("apply", "--auto-approve")
    site.declare(endpoint={"serving": "provisioned", "model_units": 2})
    assert "endpoint.support must be replaced" in site.run("plan").out
    site.run("apply", "--auto-approve")
    [bought] = site.amazon.bedrock.shelf.throughputs.values()
    assert bought.units == 2
    assert site.run("plan").out.startswith("No changes.")


def test_committed_throughput_is_not_deleted_before_its_end_and_the_date_is_told(site):
    site.declare(endpoint={"serving": "provisioned", "commitment": "OneMonth"})
    site.run("apply", "--auto-approve")
    [bought] = site.amazon.bedrock.shelf.throughputs.values()
    refused = site.run("destroy", "--auto-approve", code=Exit.REFUSED)
    assert f"committed until {bought.expires:%Y-%m-%d}" in refused.err + refused.out
    assert site.amazon.calls("DELETE") == []
    site.declare(endpoint={"serving": "on_demand"})
    refused = site.run("plan", code=Exit.REFUSED)
    assert f"committed until {bought.expires:%Y-%m-%d}" in refused.err + refused.out
    assert list(site.amazon.bedrock.shelf.throughputs) == [bought.arn]


def test_a_bad_row_fails_the_job_with_the_services_reason(site):
    path = site.folder / "data" / "rows.jsonl"
    path.write_text(
        path.read_text("utf-8").replace("Pytanie numer 5:", "User: pytanie 5:"), "utf-8"
    )
    failed = site.run("apply", "--auto-approve", code=None)
    assert failed.code == Exit.PARTIAL
    assert "reserved keyword `User:`" in failed.err + failed.out
    again = site.run("plan", code=Exit.ERROR)
    assert "reserved keyword" in again.out + again.err
    assert len(site.amazon.bedrock.shelf.jobs) == 1


@pytest.mark.parametrize("how", ["lost", "reset", "half", "status"])
def test_a_create_whose_answer_was_lost_is_found_and_not_bought_twice(site, how):
    site.amazon.world.faults.append(
        Fault(how, "POST", "^/model-customization-jobs$", after=True, status=503)
    )
    site.run("apply", "--auto-approve", code=None)
    site.run("apply", "--auto-approve")
    assert len(site.amazon.bedrock.shelf.jobs) == 1
    assert site.run("plan").out.startswith("No changes.")


def test_a_create_that_never_arrived_is_sent_again_once(site):
    site.amazon.world.faults.append(Fault("lost", "POST", "^/model-customization-jobs$"))
    site.run("apply", "--auto-approve", code=None)
    site.run("apply", "--auto-approve", "--retry-unknown", "tuning_job.support")
    assert len(site.amazon.bedrock.shelf.jobs) == 1
    assert site.run("plan").out.startswith("No changes.")


def test_another_account_or_region_is_no_mass_deletion(site):
    site.run("apply", "--auto-approve")
    with running(region="us-west-2") as other:
        url = {"region": "us-west-2", "endpoint_url": other.url, "s3_endpoint_url": other.s3_url}
        for key in ("runtime_endpoint_url", "sts_endpoint_url"):
            url[key] = other.url
        site.amazon.settings.update(url)
        site.declare()
        found = site.run("plan", code=None)
    assert found.code in {Exit.REFUSED, Exit.ERROR}
    assert "us-west-2" in found.out + found.err
    assert "gone" not in found.out


def test_what_the_state_forgot_is_found_by_gc(site):
    site.run("apply", "--auto-approve")
    assert site.run("gc").out.startswith("Nothing to delete.")
    [live] = site.amazon.bedrock.shelf.deployments.values()
    site.run("state", "rm", "endpoint.support")
    found = site.run("gc", "--forgotten", "--older-than", "0m", code=None)
    assert live.arn in found.out
    assert "rphan" in found.out


def test_what_was_forgotten_is_taken_over_again_by_its_arn(site):
    site.run("apply", "--auto-approve")
    shelf = site.amazon.bedrock.shelf
    [job], [live] = shelf.jobs.values(), shelf.deployments.values()
    site.run("state", "rm", "endpoint.support", "tuning_job.support")
    refused = site.run("import", "tuning_job.support", job.name, code=None)
    assert "is no ARN" in refused.err
    site.run("import", "tuning_job.support", job.arn)
    site.run("import", "endpoint.support", live.arn)
    site.run("apply", "--auto-approve")
    assert len(shelf.jobs) == 1
    assert site.run("plan").out.startswith("No changes.")
    site.run("destroy", "--auto-approve")
    assert site.left() == []


def test_a_missing_staging_bucket_is_told_once_before_anything_is_made(site):
    text = (site.folder / "tunectl.yaml").read_text(encoding="utf-8")
    text = text.replace("s3://acme-tuning/tunectl", "s3://nobody-has-this/tunectl")
    (site.folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    said = site.run("plan", code=Exit.ERROR)
    told = said.out + said.err
    assert told.count("the bucket `nobody-has-this` of `staging` does not exist") == 1
    assert site.left() == []


def test_llama_takes_any_chat_that_fits_two_texts(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    with running(World(job_seconds=2, operation_seconds=0.3, step=0.5), "us-west-2") as amazon:
        made = Site(tmp_path, amazon, capsys)
        made.write_rows()
        served = {"serving": "provisioned", "model_units": 1}
        llama = {"base_model": "meta.llama3-1-8b-instruct-v1:0:128k", "method": {"epochs": 1}}
        made.declare(tuning_job=llama, endpoint=served)
        made.run("apply", "--auto-approve")
        [train, *_] = [o.content for (_, k), o in amazon.buckets.objects.items() if ".train." in k]
        assert json.loads(train.splitlines()[0]).keys() == {"prompt", "completion"}
        assert made.run("plan").out.startswith("No changes.")
        made.run("destroy", "--auto-approve")
        assert made.left() == []
        rows = made.folder / "data" / "rows.jsonl"
        lines = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
        for line in lines:
            line["messages"].insert(0, {"role": "system", "content": "Jesteś pomocny."})
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        rows.write_text(text, encoding="utf-8")
        refused = made.run("plan", code=None)
        assert refused.code == Exit.REFUSED
        assert "the system text" in refused.out + refused.err


def test_a_reinforcement_is_declared_trained_and_served(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    with running(World(job_seconds=2, operation_seconds=0.3, step=0.5)) as amazon:
        made = Site(tmp_path, amazon, capsys)
        rows = [
            {
                "messages": [{"role": "user", "content": f"Ile to {n} razy 3? Podaj liczbę."}],
                "reference_answer": str(n * 3),
            }
            for n in range(150)
        ]
        (tmp_path / "data").mkdir()
        text = "\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
        (tmp_path / "data" / "rows.jsonl").write_text(text, encoding="utf-8")
        made.declare(
            tuning_job={
                "base_model": "amazon.nova-2-lite-v1:0:256k",
                "method": {**REWARDED, "samples_per_prompt": 4},
            }
        )
        made.run("apply", "--auto-approve")
        [job] = amazon.bedrock.shelf.jobs.values()
        config = job.asked["customizationConfig"]["rftConfig"]
        assert config["hyperParameters"] == {"trainingSamplePerPrompt": 4}
        assert made.run("plan").out.startswith("No changes.")
        made.run("destroy", "--auto-approve")
        assert made.left() == []
