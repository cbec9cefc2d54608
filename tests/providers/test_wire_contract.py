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
