"""The same provider against moto, as far as moto 5.2.5 is right.

Right: STS; S3 with conditional puts; jobs and models that are created, listed and tagged. Wrong
or missing, so tested against our own server: jobs and models by their ARN, a job's states,
provisioned throughput, deployments, foundation models, Converse, idempotency tokens.
"""

from __future__ import annotations

from functools import cache

import boto3
import pytest
from moto import mock_aws

from tests.contracts.handler_contract import HandlerContract, Subject, settled
from tests.providers.bedrock.making import job_request, upload_request
from tunectl.core.errors import ConflictError, InvalidRequestError
from tunectl.providers.bedrock import connect

BUCKET = "acme-moto"


@cache
def session():
    """Return one session for all: it keeps the service models, which take long to read."""
    return boto3.session.Session()


@pytest.fixture
def provider(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        session().client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        made = connect(
            name="aws",
            region="us-east-1",
            staging=f"s3://{BUCKET}/tunectl",
            role_arn="arn:aws:iam::123456789012:role/tuning",
        )
        made.cloud._sessions[None] = session()
        yield made


class TestUploadsKeepTheContractOnMoto(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        return Subject(provider, "upload", upload_request)


def test_the_account_is_the_one_of_sts(provider):
    assert provider.account() == "123456789012/us-east-1"


def test_a_key_that_exists_is_never_overwritten(provider):
    handler = provider.handlers["upload"]
    request = upload_request()
    made = handler.create(request)
    key = made.id.removeprefix(f"s3://{BUCKET}/")
    client = session().client("s3", region_name="us-east-1")
    client.put_object(Bucket=BUCKET, Key=key, Body=b"somebody else's")
    assert handler.create(request).id == made.id
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert body == b"somebody else's"


def test_a_bucket_that_is_missing_is_no_missing_object(provider):
    handler = provider.handlers["upload"]
    made = handler.create(upload_request())
    client = session().client("s3", region_name="us-east-1")
    client.delete_object(Bucket=BUCKET, Key=made.id.removeprefix(f"s3://{BUCKET}/"))
    assert handler.read(made) is None
    client.delete_bucket(Bucket=BUCKET)
    with pytest.raises(InvalidRequestError):
        handler.read(made)


def test_a_job_is_created_found_listed_and_carries_its_mark(provider):
    handler = provider.handlers["tuning_job"]
    up = provider.handlers["upload"]
    file = settled(up, up.create(upload_request())).outputs["file_id"]
    request = job_request(provider, file)
    made = handler.create(request)
    assert [one.id for one in handler.find(request.mark)] == [made.id]
    assert [one.instance.op for one in handler.list()] == [request.mark.op]
    assert handler.mark(made) == request.mark
    other = job_request(provider, file)
    handler.create(other)
    assert [one.id for one in handler.find(request.mark)] == [made.id]


def test_a_name_that_is_taken_is_no_second_job(provider):
    handler = provider.handlers["tuning_job"]
    request = job_request(provider, f"s3://{BUCKET}/tunectl/a.jsonl")
    handler.create(request)
    with pytest.raises((ConflictError, InvalidRequestError)):
        handler.create(request)
    assert len(list(handler.find(request.mark))) == 1
