"""Accounts of Google Cloud are never mistaken for one another."""

import pytest

from tests.contracts.account_contract import AccountContract, Accounts
from tests.contracts.handler_contract import request_for, upload_resource
from tests.providers.vertex.conftest import BUCKET, NAME, gemini_rows
from tunectl.providers.vertex import connect

VARIABLES = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")


class TestVertexAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, clouds, provider, job_request, monkeypatch, tmp_path):
        def things(_):
            upload = request_for(*upload_resource(NAME), reader=gemini_rows())
            return [("upload", upload), ("tuning_job", job_request())]

        def keyless():
            for name in VARIABLES:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("NO_GCE_CHECK", "true")
            monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
            monkeypatch.setenv("HOME", str(tmp_path))
            return connect(
                name=NAME, project="acme-ml", location="europe-west4", staging=f"gs://{BUCKET}"
            )

        return Accounts(provider, things, lambda: clouds.connect(project="acme-other"), keyless)


def test_the_file_that_a_variable_names_is_told(clouds, monkeypatch, tmp_path):
    import json

    key = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    file = tmp_path / "adc.json"
    file.write_text(json.dumps(key), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    provider = connect(
        name=NAME, project="acme-ml", location="europe-west4", staging=f"gs://{BUCKET}"
    )
    assert "`GOOGLE_APPLICATION_CREDENTIALS`" in provider.credentials()
    assert clouds.connect().credentials().startswith("none needed")
    assert clouds.world.calls == []
