"""The handlers keep the contract of every handler, through the real SDK."""

from __future__ import annotations

import pytest

from tests.contracts.handler_contract import HandlerContract, Subject
from tests.providers.bedrock.making import (
    endpoint_request,
    job_request,
    trained,
    upload_request,
    uploaded,
)


class TestUploadsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        return Subject(provider, "upload", upload_request)


class TestTuningJobsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        file = uploaded(provider)
        return Subject(provider, "tuning_job", lambda: job_request(provider, file))


class TestDeploymentsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        one, two = (trained(provider).outputs["model_id"] for _ in range(2))
        return Subject(
            provider,
            "endpoint",
            lambda: endpoint_request(one),
            changed=lambda request: {**request.spec, "model": two},
        )


class TestThroughputKeepsTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        one, two = (trained(provider).outputs["model_id"] for _ in range(2))
        bought = {"serving": "provisioned", "model_units": 1}
        return Subject(
            provider,
            "endpoint",
            lambda: endpoint_request(one, **bought),
            changed=lambda request: {**request.spec, "model": two},
        )
