"""The handlers of Vertex AI keep the contract of every handler, through Google's own clients."""

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    endpoint_resource,
    request_for,
    upload_resource,
)
from tests.providers.vertex.conftest import NAME, gemini_rows
from tests.providers.vertex.corpora import TEXTS, base_request, uploaded_documents
from tests.providers.vertex.dedicated import dedicated_request, open_request, registered


class TestUploadsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        return Subject(
            provider,
            "upload",
            lambda: request_for(*upload_resource(NAME), reader=gemini_rows()),
        )


class TestTuningJobsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider, job_request):
        return Subject(provider, "tuning_job", job_request)


class TestPreferenceJobsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider, preference_request):
        return Subject(provider, "tuning_job", preference_request)


class TestRecordedEndpointsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider, tuned):
        model = tuned.outputs["model_id"]
        other = tuned.outputs["checkpoints"]["1"]["endpoint"]
        return Subject(
            provider,
            "endpoint",
            lambda: request_for(*endpoint_resource(NAME, model)),
            changed=lambda _: {"model": other},
            marked=False,
            vanishes=False,
        )

    def test_what_carries_a_mark_can_be_listed(self, subject, made):
        """A record carries none: the list shows endpoints with machines, and no record."""
        _, instance = made
        assert instance.id not in [found.instance.id for found in subject.handler.list()]


class TestDedicatedEndpointsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, clouds, provider):
        one, two = registered(clouds, "mistral-pl"), registered(clouds, "mistral-ru")
        return Subject(
            provider,
            "endpoint",
            lambda: dedicated_request(one),
            changed=lambda request: {**request.spec, "model": two},
        )


class TestOpenModelsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        return Subject(
            provider,
            "endpoint",
            open_request,
            changed=lambda request: {**request.spec, "replicas": {"min": 2, "max": 3}},
        )


class TestKnowledgeBasesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        texts = {**TEXTS, "docs/zwroty.md": "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni."}
        texts.pop("docs/gwarancja.html")
        return Subject(
            provider,
            "knowledge_base",
            lambda: base_request(provider),
            changed=lambda request: {**request.spec, **uploaded_documents(provider, texts)},
        )
