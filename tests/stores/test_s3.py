"""S3 through boto3, on the loopback server."""

from __future__ import annotations

from functools import cache

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.stores.bucket_contract import PAUSES, PREFIX, TERMS, BucketContract
from tests.stores.objectserver import Refused, running
from tunectl.core.errors import Exit, StaleError, StateError
from tunectl.stores.objects import ObjectStore
from tunectl.stores.s3 import S3Bucket


def aws(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@cache
def session() -> boto3.session.Session:
    """One for all: each reads the SDK's large tables anew."""
    return boto3.session.Session()


class TestS3Store(BucketContract):
    def point(self, url, monkeypatch):
        aws(url, monkeypatch)

    def make(self, bucket="stan", terms=TERMS):
        return ObjectStore(S3Bucket(bucket, session()), PREFIX, terms=terms, pauses=PAUSES)

    def test_a_conditional_request_conflict_is_tried_again(self, a, b, server):
        """409: another conditional write to the key was under way; the docs say to try again."""
        old = a.write("default.json", b"1", expected=None)
        conflict = Refused(409, "ConditionalRequestConflict", "under way")
        fault = server.fail("status", answer=conflict)
        new = a.write("default.json", b"2", expected=old)
        assert fault.times == 0
        assert b.read("default.json").generation == new

    def test_a_service_that_passes_over_conditions_is_refused(self, a, server):
        server.buckets.enforces = False
        with (
            pytest.raises(StateError, match="does not enforce conditional writes"),
            a.lock("default", "apply"),
        ):
            pass
        server.buckets.enforces = True
        assert a.holder("default") is None
        assert not server.buckets.objects

    @pytest.mark.parametrize(
        ("refusal", "words"),
        [
            (Refused(501, "NotImplemented", "a header"), "NotImplemented"),
            (Refused(301, "PermanentRedirect", "elsewhere"), "AWS_REGION"),
            (Refused(400, "AuthorizationHeaderMalformed", "expecting eu"), "AWS_REGION"),
            (Refused(403, "RequestTimeTooSkewed", "skewed"), "clock"),
            (Refused(400, "ExpiredToken", "expired"), "AWS_PROFILE"),
            (Refused(400, "InvalidRequest", "a reason"), "a reason"),
        ],
        ids=lambda value: getattr(value, "code", ""),
    )
    def test_what_is_refused_for_good_is_not_tried_again(self, a, server, refusal, words):
        fault = server.fail("status", times=99, answer=refusal)
        with pytest.raises(StateError) as caught:
            a.write("default.json", b"1", expected=None)
        assert not isinstance(caught.value, StaleError)
        tries = (
            2 if refusal.code == "PermanentRedirect" else 1
        )  # boto3 asks where it is, goes there
        assert 99 - fault.times == tries
        shown = caught.value.diagnostics[0]
        assert words in shown.summary + shown.detail + shown.hint

    def test_an_unknown_key_is_told(self, a, monkeypatch, server):
        server.s3.access_keys = ("another",)
        with pytest.raises(StateError, match="was refused") as caught:
            a.read("default.json")
        assert caught.value.exit is Exit.CREDENTIALS
        assert "s3cret" not in caught.value.diagnostics[0].detail


def test_without_credentials_the_hint_says_what_to_set(monkeypatch):
    aws("http://127.0.0.1:9", monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = ObjectStore(S3Bucket("stan"), pauses=())
    with pytest.raises(StateError, match="was refused") as caught:
        store.read("default.json")
    assert caught.value.exit is Exit.CREDENTIALS
    assert "AWS_PROFILE" in caught.value.diagnostics[0].hint


def test_a_profile_that_is_not_there_is_told(monkeypatch):
    aws("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setenv("AWS_PROFILE", "nie-ma")
    with pytest.raises(StateError, match="was refused"):
        S3Bucket("stan")


def test_the_loopback_server_enforces_conditions_on_every_verb(monkeypatch):
    with running() as server:
        aws(server.url, monkeypatch)
        s3 = boto3.client("s3")
        place = {"Bucket": "stan", "Key": "a"}
        etag = s3.put_object(**place, Body=b"1", IfNoneMatch="*")["ETag"]
        stale = '"00000000000000000000000000000000"'
        for status, act in (
            (412, lambda: s3.put_object(**place, Body=b"2", IfNoneMatch="*")),
            (412, lambda: s3.put_object(**place, Body=b"2", IfMatch=stale)),
            (404, lambda: s3.put_object(Bucket="stan", Key="b", Body=b"2", IfMatch=stale)),
            (412, lambda: s3.get_object(**place, IfMatch=stale)),
            (412, lambda: s3.head_object(**place, IfMatch=stale)),
            (412, lambda: s3.delete_object(**place, IfMatch=stale)),
            (
                412,
                lambda: s3.copy_object(
                    Bucket="stan", Key="b", CopySource="stan/a", CopySourceIfMatch=stale
                ),
            ),
        ):
            with pytest.raises(ClientError) as caught:
                act()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert s3.get_object(**place, IfMatch=etag)["Body"].read() == b"1"
        s3.delete_object(**place, IfMatch=etag)
        s3.delete_object(**place)
