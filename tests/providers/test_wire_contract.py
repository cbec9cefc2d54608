"""The handlers over the wire keep the contract of every handler."""

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)


def uploaded(provider):
    resource, spec = upload_resource("openai_eu")
    handler = provider.handlers["upload"]
    return settled(handler, handler.create(request_for(resource, spec))).outputs["file_id"]


class TestUploadsKeepTheContract(HandlerContract):
    @pytest.fixture(params=["openai", "azure", None])
    def subject(self, connected, request):
        provider = connected(request.param)
        return Subject(provider, "upload", lambda: request_for(*upload_resource("openai_eu")))


class TestTuningJobsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, openai):
        file = uploaded(openai)
        return Subject(
            openai,
            "tuning_job",
            lambda: request_for(*job_resource("openai_eu", "gpt-4o-mini", file)),
        )


class TestTuningJobsKeepTheContractWhereModelsAreNotListed(HandlerContract):
    """Of such a service nobody can tell that a finished job's model is gone."""

    @pytest.fixture(params=["azure", "bedrock-mantle", None])
    def subject(self, connected, request):
        provider = connected(request.param)
        grader = {"type": "lambda" if request.param == "bedrock-mantle" else "string_check"}
        methods = {
            "bedrock-mantle": {"type": "reinforcement", "grader": grader},
            "azure": {"type": "dpo", "beta": 0.1},
        }
        file = uploaded(provider)
        more = {
            "method": methods.get(request.param, {"type": "supervised", "epochs": 2}),
            "data": {"training": {"rows": 120, "sha256": "a1b2" * 16}},
        }
        return Subject(
            provider,
            "tuning_job",
            lambda: request_for(*job_resource("openai_eu", "gpt-4o-mini", file, **more)),
            vanishes=False,
        )

    def test_what_was_deleted_is_not_listed_as_ready(self, subject, made):
        """What is known is what is done: the model is deleted, and its record stays as it was."""
        _, instance = made
        left = subject.handler.delete(instance)
        assert left.reason.endswith("bills nothing")
        assert left.outputs == {"job_id": instance.id}


class TestRecordedEndpointsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, openai):
        return Subject(
            openai,
            "endpoint",
            lambda: request_for(*endpoint_resource("openai_eu", "ft:x:acme::1")),
            changed=lambda _: {"model": "ft:x:acme::2"},
            marked=False,
            vanishes=False,
        )
