"""What Bedrock would refuse is said before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import endpoint_resource, job_resource
from tests.providers.bedrock.cloud import HAIKU, NOVA, REWARDED
from tunectl.core.errors import Exit, Severity
from tunectl.core.value import Address, Ref

MODEL = "arn:aws:bedrock:us-west-2:123456789012:custom-model/{}/abcdefghijkl"


@pytest.fixture
def handlers(monkeypatch):
    from tunectl.providers.bedrock import connect

    return connect(
        region="us-east-1",
        staging="s3://acme/rows",
        role_arn="arn:aws:iam::123456789012:role/tuning",
    ).handlers


def found(handlers, base=NOVA, **spec):
    resource, _ = job_resource("aws", base, "s3://acme/rows/a.jsonl", **spec)
    return list(handlers["tuning_job"].check(resource))


def method(**numbers):
    return {"type": "supervised", **numbers}


LLAMA, NOVA_2 = "meta.llama3-1-8b-instruct-v1:0:128k", "amazon.nova-2-lite-v1:0:256k"


def rewarded(**more):
    return {**REWARDED, **more}


@pytest.mark.parametrize(
    ("base", "spec", "words"),
    [
        (NOVA, {"method": method(epochs=6)}, "from 1 to 5 for Amazon Nova"),
        (NOVA, {"method": method(epochs=1.5)}, "whole number"),
        (NOVA, {"method": method(learning_rate=0.1)}, "from 1e-06 to 0.0001"),
        (NOVA, {"method": method(batch_size=8)}, "takes no `batch_size` for Amazon Nova"),
        (NOVA, {"method": {"type": "dpo"}}, "does not train by method `dpo`"),
        (NOVA, {"seed": 7}, "takes no `seed`"),
        (NOVA, {"integrations": ({"type": "wandb"},)}, "takes no `integrations`"),
        (NOVA, {"suffix": "obsługa"}, "takes no such `suffix`"),
        (NOVA, {"suffix": "a" * 22}, "room for a `suffix` of 21"),
        (NOVA, {"metadata": {"aws:x": "1"}}, "keeps the tag `aws:x`"),
        (NOVA, {"metadata": {f"k{n}": "v" for n in range(45)}}, "takes 44 labels"),
        ("amazon.nova-lite-v1:0", {}, "ends in the length of its context"),
        (LLAMA, {"method": REWARDED}, "does not train Llama 3.1 by method `reinforcement`"),
        (LLAMA, {"method": method(epochs=11)}, "from 1 to 10 for Llama 3.1"),
        (NOVA_2, {"method": rewarded(epochs=51)}, "from 1 to 50 for Amazon Nova 2"),
        (NOVA_2, {"method": rewarded(batch_size=8)}, "from 16 to 512"),
        (NOVA_2, {"method": rewarded(max_prompt_tokens=0)}, "from 1 for Amazon Nova 2"),
        (NOVA_2, {"method": rewarded(compute_multiplier=1)}, "takes no `compute_multiplier`"),
        (NOVA_2, {"method": rewarded(reasoning_effort="default")}, "not `default`"),
        (NOVA_2, {"method": rewarded(grader={"type": "python"})}, "a function of AWS Lambda"),
        (NOVA_2, {"method": rewarded(grader={"type": "lambda"})}, "no function of the `grader`"),
        (
            NOVA_2,
            {"method": rewarded(grader={"type": "lambda", "lambda": {"function": "oceń"}})},
            "that is no function: `oceń`",
        ),
        (HAIKU, {"method": method(epochs=11)}, "from 1 to 10 for Claude 3 Haiku"),
    ],
)
def test_what_would_be_refused_is_an_error_with_a_place_to_look(handlers, base, spec, words):
    errors = [d for d in found(handlers, base, **spec) if d.severity is Severity.ERROR]
    matching = [d for d in errors if words in d.summary]
    assert matching, [d.summary for d in errors]
    assert "provider `" in matching[0].detail


def test_too_few_rows_are_refused_and_not_an_error_of_the_file(handlers):
    rows = {"training": {"rows": 31, "sha256": "a" * 64}}
    few = [d for d in found(handlers, HAIKU, data=rows) if d.code == "provider-rows"]
    assert [d.exit for d in few] == [Exit.REFUSED]
    many = {"training": {"rows": 10_001, "sha256": "a" * 64}}
    assert any("at most 10000" in d.summary for d in found(handlers, HAIKU, data=many))


def test_a_reinforcement_is_counted_by_rows_of_its_own(handlers):
    rows = {"training": {"rows": 99, "sha256": "a" * 64}}
    few = list(found(handlers, NOVA_2, data=rows, method=REWARDED))
    assert [d.summary for d in few if d.code == "provider-rows"] == [
        "Amazon Bedrock needs at least 100 rows for Amazon Nova 2, there are 99"
    ]
    assert list(found(handlers, NOVA_2, data=rows)) == []


def test_what_is_not_known_is_a_warning(handlers):
    for base, words in (
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.future-v9:0", "may not tune"),
        (HAIKU, "in `us-east-1`"),
    ):
        seen = found(handlers, base, data={"training": {"rows": 100}})
        told = [d for d in seen if words in d.summary]
        assert [d.severity for d in told] == [Severity.WARNING]
    assert list(found(handlers, "amazon.future-v9:0", data={"training": {"rows": 100}})) == []


def test_a_base_that_another_job_makes_is_not_judged(handlers):
    resource, _ = job_resource("aws", NOVA, "s3://acme/rows/a.jsonl")
    base = Ref(Address.of("tuning_job", "first"), ("model_id",))
    spec = {**resource.spec, "base_model": base}
    assert list(handlers["tuning_job"].check(replace(resource, spec=spec))) == []


def served(handlers, model, **spec):
    resource, made = endpoint_resource("aws", model)
    resource = replace(resource, spec={**made, "serving": "on_demand", **spec})
    return [d.summary for d in handlers["endpoint"].check(resource)]


def test_a_base_needs_no_endpoint_and_haiku_no_deployment(handlers):
    assert "no tuned model" in served(handlers, NOVA)[0]
    assert "cannot be served `on_demand`" in served(handlers, MODEL.format(HAIKU))[0]
    assert served(handlers, MODEL.format(HAIKU), serving="provisioned") == []
    assert served(handlers, MODEL.format(NOVA)) == []
