"""Accounts of AWS are never mistaken for one another."""

import pytest

from tests.contracts.account_contract import AccountContract, Accounts
from tests.providers.bedrock.cloud import BUCKET, ROLE, connected
from tests.providers.bedrock.making import job_request, upload_request, uploaded
from tunectl.providers.bedrock import connect

VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_BEARER_TOKEN_BEDROCK",
)  # fmt: skip


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine without credentials of AWS."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def real():
    return connect(name="aws", region="us-east-1", staging=f"s3://{BUCKET}/tunectl", role_arn=ROLE)


class TestBedrockAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, amazon, provider, nowhere):
        def things(_):
            return [
                ("upload", upload_request()),
                ("tuning_job", job_request(provider, uploaded(provider))),
            ]

        def theirs():
            amazon.bedrock.shelf.account = "999999999999"
            return connected(amazon)

        return Accounts(provider, things, theirs, real)


def test_the_variables_of_a_key_are_told_and_not_the_key(nowhere, amazon, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    said = real().credentials()
    assert "`AWS_ACCESS_KEY_ID`" in said
    assert "CANARY" not in said.upper().replace("`AWS_ACCESS_KEY_ID`", "")
    assert connected(amazon).credentials().startswith("none needed")
