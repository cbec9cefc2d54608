"""Where services depart from what is written about them: each trap by itself, with the real SDK."""

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    chat_rows,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.fake_openai import Fault
from tests.providers.test_wire_contract import uploaded
from tests.providers.test_wire_jobs import JOBS, job, started
from tests.server import wire_schemas
from tunectl.core.errors import ClosedError, RateLimitError
from tunectl.core.resource import Status
from tunectl.providers.wire.told import settings_of

LAMBDA = {
    "type": "lambda",
    "lambda": {"function": "arn:aws:lambda:eu-west-1:123456789012:function:oceń"},
}


def made_with(provider, **more):
    handler = provider.handlers["tuning_job"]
    return handler, handler.create(job(provider, **more))


def test_an_alias_that_becomes_a_snapshot_is_no_change(fake, openai):
    handler, made = started(openai)
    assert fake.jobs[made.id]["model"] == "gpt-4o-mini-2024-07-18"
    assert handler.read(made).spec == made.spec
    assert made.spec["base_model"] == "gpt-4o-mini"


def test_numbers_and_a_seed_that_the_service_fills_in_are_no_change(fake, openai):
    handler, made = started(openai, method={"type": "supervised"})
    fake.jobs[made.id]["hyperparameters"] = {"n_epochs": 3, "batch_size": 1}
    fake.jobs[made.id]["seed"] = 1234567
    assert handler.read(made).spec == made.spec


def test_a_suffix_is_not_echoed_and_is_told_by_an_undeclared_key_or_by_the_model_s_name(
    fake, openai
):
    handler, made = started(openai, suffix="wsparcie")
    ready = settled(handler, made)
    sent = fake.jobs[ready.id]
    assert "suffix" not in sent
    assert settings_of(sent)["suffix"] == "wsparcie"
    assert settings_of({**sent, "user_provided_suffix": None})["suffix"] == "wsparcie"
    assert handler.read(ready).spec == made.spec


def test_hyperparameters_that_are_null_are_read(fake, openai):
    handler, made = made_with(openai, method={"type": "dpo", "beta": 0.1})
    assert fake.jobs[made.id]["hyperparameters"] is None
    assert handler.read(made).spec == made.spec
    assert settings_of(fake.jobs[made.id])["method"] == {"type": "dpo", "beta": 0.1}


@pytest.mark.parametrize("error", [{}, None, {"code": None, "message": None, "param": None}])
def test_a_healthy_job_whose_error_is_an_empty_object_is_healthy(fake, openai, error):
    handler, made = started(openai)
    fake.jobs[made.id]["error"] = error
    ready = settled(handler, made)
    assert (ready.status, ready.reason) == (Status.READY, "")


def test_a_paused_job_is_neither_over_nor_an_error(fake, openai):
    handler, made = started(openai)
    fake.jobs[made.id]["status"] = "paused"
    now = handler.read(made)
    assert (now.status, now.progress) == (Status.PENDING, "paused")


def test_the_older_spelling_of_cancelled_is_an_end(fake, connected):
    fake.path = ("queued", "canceled")
    handler, made = started(connected("azure"))
    assert handler.read(made).status is Status.CANCELLED


def test_a_closed_account_is_told_with_the_way_out_and_asked_once(fake, openai):
    request = job(openai)
    fake.faults.append(
        Fault(
            "POST",
            JOBS,
            status=403,
            code="training_not_available",
            message="OpenAI is winding down the fine-tuning platform",
            times=9,
        )
    )
    with pytest.raises(ClosedError) as caught:
        openai.handlers["tuning_job"].create(request)
    assert len(fake.sent("POST", JOBS)) == 1
    hint = caught.value.diagnostics[0].hint
    assert all(way in hint for way in ("provider: local", "profile: azure", "profile: nebius"))


def test_a_daily_limit_is_not_waited_for_and_asked_once(fake, openai):
    request = job(openai)
    fake.faults.append(
        Fault(
            "POST",
            JOBS,
            status=429,
            code="daily_rate_limit_exceeded",
            message="reached the maximum of 8 fine-tuning requests per day for the model",
            headers={"Retry-After": "1"},
            times=9,
        )
    )
    with pytest.raises(RateLimitError) as caught:
        openai.handlers["tuning_job"].create(request)
    assert caught.value.wait == float("inf")
    assert "per day" in caught.value.diagnostics[0].summary
    assert "tomorrow" in caught.value.diagnostics[0].hint
    assert len(fake.sent("POST", JOBS)) == 1


def test_reinforcement_is_sent_with_its_grader_as_it_is_written(fake, connected):
    grader = {
        "type": "multi",
        "graders": {
            "zgodność": {
                "type": "string_check",
                "name": "zgodność",
                "input": "{{ sample.output_text }}",
                "reference": "{{ item.reference_answer }}",
                "operation": "ilike",
            }
        },
        "calculate_output": "zgodność",
    }
    provider = connected("azure")
    method = {
        "type": "reinforcement",
        "epochs": 1,
        "eval_samples": 2,
        "reasoning_effort": "low",
        "grader": grader,
    }
    _, made = made_with(provider, method=method)
    (sent,) = fake.sent("POST", JOBS)
    assert sent.body["method"] == {
        "type": "reinforcement",
        "reinforcement": {
            "grader": grader,
            "hyperparameters": {"n_epochs": 1, "eval_samples": 2, "reasoning_effort": "low"},
        },
    }
    told = settings_of({**fake.jobs[made.id], "method": sent.body["method"]})
    assert told["method"] == method


def test_bedrock_gets_its_lambda_grader_and_no_suffix(fake, connected):
    provider = connected("bedrock-mantle")
    request = request_for(
        *job_resource(
            "openai_eu",
            "gpt-4o-mini",
            uploaded(provider),
            method={"type": "reinforcement", "grader": LAMBDA},
        )
    )
    provider.handlers["tuning_job"].create(request)
    (sent,) = fake.sent("POST", JOBS)
    assert sent.body["method"] == {
        "type": "reinforcement",
        "reinforcement": {"grader": LAMBDA},
    }
    assert "suffix" not in sent.body


def test_nebius_gets_the_numbers_of_its_adapter_beside_the_others(fake, connected):
    provider = connected("nebius")
    method = {"type": "supervised", "epochs": 5, "lora": True, "lora_r": 16, "warmup_ratio": 0.03}
    made_with(provider, method=method, suffix="obsługa")
    (sent,) = fake.sent("POST", JOBS)
    assert sent.body["hyperparameters"] == {
        "n_epochs": 5,
        "lora": True,
        "lora_r": 16,
        "warmup_ratio": 0.03,
    }
    assert sent.body["suffix"] == "obsługa"


def test_azure_files_begin_with_a_byte_order_mark_and_others_do_not(fake, connected):
    for profile, mark in (("azure", b"\xef\xbb\xbf"), ("openai", b""), ("nebius", b"")):
        request = request_for(*upload_resource("openai_eu"), reader=chat_rows(1))
        made = connected(profile).handlers["upload"].create(request)
        content = fake.contents[made.id]
        assert content.removeprefix(mark).startswith(b'{"messages"')
        assert content.startswith(mark)


def test_an_azure_endpoint_answers_under_the_name_of_its_deployment(fake, connected):
    handler = connected("azure").handlers["endpoint"]
    resource, spec = endpoint_resource("openai_eu", "gpt-4o-mini.ft-abc")
    named = {**spec, "deployment": "obsługa-prod"}
    made = handler.create(request_for(resource, named))
    assert made.outputs["model_id"] == "obsługa-prod"
    assert handler.read(made).outputs == made.outputs
    assert list(handler.check(resource)) == []  # without one the loader has warned already


def test_a_deployment_elsewhere_is_refused(connected):
    resource, spec = endpoint_resource("openai_eu", "ft:x")
    named = replace(resource, spec={**spec, "deployment": "prod"})
    for profile in ("openai", "nebius"):
        (problem,) = connected(profile).handlers["endpoint"].check(named)
        assert "has no deployments" in problem.summary


@pytest.mark.parametrize(
    "method",
    [
        {"type": "supervised", "epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5},
        {"type": "dpo", "epochs": 1, "beta": 0.1},
        {
            "type": "reinforcement",
            "compute_multiplier": 1.5,
            "eval_interval": 5,
            "eval_samples": 2,
            "reasoning_effort": "medium",
            "grader": {
                "type": "string_check",
                "name": "ocena",
                "input": "{{ sample.output_text }}",
                "reference": "{{ item.answer }}",
                "operation": "eq",
            },
        },
    ],
    ids=lambda method: method["type"],
)
def test_what_is_sent_is_what_the_published_schema_takes(fake, connected, method):
    made_with(connected("azure", training_type="Standard"), method=method, seed=3, suffix="a")
    (sent,) = fake.sent("POST", JOBS)
    body = {key: value for key, value in sent.body.items() if key != "trainingType"}
    wire_schemas.check_schema("CreateFineTuningJobRequest", body)
