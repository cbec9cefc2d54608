"""Nebius: a tuned model answers when its checkpoint is registered."""

import json
from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    endpoint_resource,
    request_for,
    settled,
)
from tests.providers.fake_openai import Fault
from tests.providers.test_wire_jobs import started
from tunectl.core.errors import InvalidRequestError, UnknownOutcomeError
from tunectl.core.resource import Status

MODELS = "/v0/models"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture
def nebius(fake, connected):
    fake.path = ("running", "succeeded")
    fake.models[LLAMA] = {**next(iter(fake.models.values())), "id": LLAMA}
    return connected("nebius")


@pytest.fixture
def tuned(nebius):
    """The id under which a job's last checkpoint can be registered."""
    handler, made = started(nebius, base_model=LLAMA)
    return settled(handler, made).outputs["model_id"]


def asked(model, name="support"):
    return request_for(*endpoint_resource("openai_eu", model, name))


class TestRegisteredModelsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, nebius, tuned):
        return Subject(nebius, "endpoint", lambda: asked(tuned))


class TestRecordsOfBaseModelsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, nebius):
        return Subject(
            nebius,
            "endpoint",
            lambda: asked(LLAMA),
            changed=lambda _: {"model": "openai/gpt-oss-20b"},
            marked=False,
            vanishes=False,
        )

    def test_what_carries_a_mark_can_be_listed(self, subject):
        """The handler lists registered models; records of base models are not among them."""
        assert list(subject.handler.list()) == []


def test_a_checkpoint_is_registered_under_the_name_its_base_is_served_by(fake, nebius, tuned):
    request = asked(tuned, "obsługa")
    made = nebius.handlers["endpoint"].create(request)
    (sent,) = fake.sent("POST", MODELS)
    assert sent.body["source"] == tuned
    assert sent.body["base_model"] == "meta-llama/Meta-Llama-3.1-8B-Instruct"
    assert sent.body["name"] == f"helpdesk-obsluga-{request.mark.op[:8]}"
    assert json.loads(sent.body["description"])["tunectl-op"] == request.mark.op
    assert made.status is Status.PENDING
    assert made.progress == "validating"
    ready = settled(nebius.handlers["endpoint"], made)
    assert ready.outputs["model_id"].startswith("meta-llama/Meta-Llama-3.1-8B-Instruct-LoRa:")
    assert ready.id == ready.outputs["model_id"]
    assert ready.outputs["base_url"] == fake.url


def test_a_model_that_is_not_accepted_fails_with_the_reason(fake, nebius, tuned):
    fake.registry.path, fake.registry.reason = ("validating", "error"), "adapter jest uszkodzony"
    handler = nebius.handlers["endpoint"]
    now = handler.poll(handler.create(asked(tuned)))
    assert now.status is Status.FAILED
    assert now.reason == "adapter jest uszkodzony"


@pytest.mark.parametrize("keeps_description", [True, False])
def test_a_lost_reply_is_found_again_by_the_mark_or_by_the_name(
    fake, nebius, tuned, keeps_description
):
    fake.faults.append(Fault("POST", MODELS, "reset", after=True))
    handler, request = nebius.handlers["endpoint"], asked(tuned)
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    if not keeps_description:
        for model in fake.registry.models.values():
            model["description"] = ""
    (found,) = handler.find(request.mark)
    assert list(fake.registry.models) == [found.id]
    assert found.spec == {"model": tuned}
    assert len(fake.sent("POST", MODELS)) == 1


def test_what_somebody_else_registered_is_listed_without_a_mark(fake, nebius, tuned):
    handler = nebius.handlers["endpoint"]
    made = handler.create(asked(tuned))
    fake.registry.models[made.id]["description"] = "Fine tuned model"
    (found,) = handler.list()
    assert found.mark is None
    assert found.instance.spec == {"model": tuned}


def test_a_registered_model_is_never_changed_in_place(nebius, tuned):
    handler, request = nebius.handlers["endpoint"], asked(tuned)
    prior = handler.create(request)
    with pytest.raises(InvalidRequestError):
        handler.update(replace(request, prior=prior))


def test_an_unknown_source_is_refused_with_the_service_s_words(fake, nebius, tuned):
    job_id = tuned.partition(":")[0]
    with pytest.raises(InvalidRequestError, match="invalid source"):
        nebius.handlers["endpoint"].create(asked(f"{job_id}:"))
