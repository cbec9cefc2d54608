"""The handlers keep the contract of every handler, through the real SDK."""

from __future__ import annotations

import pytest

from tests.contracts.handler_contract import HandlerContract, Subject
from tests.providers.bedrock.making import (
    TEXTS,
    base_request,
    endpoint_request,
    job_request,
    trained,
    upload_request,
    uploaded,
    uploaded_documents,
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


_INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/acme/index/manual"


def _other_documents(provider, request):
    texts = {**TEXTS, "docs/zwroty.md": "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni."}
    texts.pop("docs/gwarancja.html")
    return {**request.spec, **uploaded_documents(provider, texts)}


class TestManagedKnowledgeBasesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        return Subject(
            provider,
            "knowledge_base",
            lambda: base_request(provider),
            changed=lambda request: _other_documents(provider, request),
        )


class TestKnowledgeBasesOnS3VectorsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        kept = {
            "storage": {"type": "s3_vectors", "arn": _INDEX, "keep_vectors": False},
            "embedding": {"model": "amazon.titan-embed-text-v2:0"},
            "chunking": {"size": 400, "overlap": 40},
        }
        return Subject(
            provider,
            "knowledge_base",
            lambda: base_request(provider, **kept),
            changed=lambda request: _other_documents(provider, request),
        )
