"""Settings are checked, credentials are the SDK's own, and nothing is imported too early."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.providers.bedrock.cloud import ACCOUNT, connected, running
from tests.providers.bedrock.making import trained
from tunectl.core.errors import ConfigError, ConflictError, CredentialsError
from tunectl.providers.bedrock import connect

GOOD = {
    "region": "us-east-1",
    "staging": "s3://acme/rows",
    "role_arn": "arn:aws:iam::123456789012:role/tuning",
}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"region": None}, "needs `region:`"),
        ({"region": "Frankfurt"}, "`region` of provider"),
        ({"staging": None}, "needs `staging:`"),
        ({"staging": "gs://acme"}, "no place in S3"),
        ({"staging": "s3://acme/wiersze ż"}, "no place in S3"),
        ({"role_arn": None}, "needs `role_arn:`"),
        ({"role_arn": "tuning"}, "`role_arn` of provider"),
        ({"kms_key": "klucz ż"}, "`kms_key` of provider"),
        ({"subnet_ids": ["subnet-1"]}, "no `security_group_ids:`"),
        ({"security_group_ids": ["sg-1"]}, "no `subnet_ids:`"),
        ({"subnet_ids": "subnet-1", "security_group_ids": ["sg-1"]}, "must be a list"),
        ({"subnet_ids": ["x"] * 17, "security_group_ids": ["sg-1"]}, "at most 16 ids"),
        ({"regon": "us-east-1"}, "unknown setting `regon`"),
        ({"timeout": 0}, "number of seconds"),
        ({"endpoint_url": "127.0.0.1:1"}, "is not a URL"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "needs `s3_endpoint_url:`"),
    ],
)
def test_a_senseless_setting_is_refused_before_anything_is_sent(wrong, words):
    with pytest.raises(ConfigError) as caught:
        connect(name="aws", **{**GOOD, **wrong})
    assert words in str(caught.value)
    assert "`aws`" in str(caught.value)


def test_connecting_imports_no_sdk_and_sends_nothing():
    code = (
        "import sys; from tunectl.providers.bedrock import connect;"
        f"connect(**{GOOD!r}).handlers;"
        "assert not {'boto3', 'botocore', 'urllib3'} & set(sys.modules), 'too early'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_credentials_it_says_how_to_log_in(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialsError) as caught:
        connect(name="aws", **GOOD).account()
    assert "aws sso login" in caught.value.diagnostics[0].hint
    with pytest.raises(CredentialsError) as caught:
        connect(name="aws", aws_profile="nobody", **GOOD).account()
    assert "nobody" in str(caught.value)


def test_the_account_is_what_sts_says_and_is_asked_once(amazon, provider):
    assert provider.account() == provider.account() == f"{ACCOUNT}/us-east-1"
    assert len(amazon.calls("POST", "^/$")) == 1


def test_no_key_of_the_environment_goes_to_this_machine(amazon, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    seen = []
    answer = amazon.bedrock.answer
    amazon.bedrock.answer = lambda asked: seen.append(asked.headers) or answer(asked)
    connected(amazon).account()
    assert seen
    assert all("AKIAREAL" not in str(headers) for headers in seen)


def test_we_say_who_we_are(amazon):
    seen = []
    answer = amazon.bedrock.answer
    amazon.bedrock.answer = lambda asked: seen.append(asked.headers["user-agent"]) or answer(asked)
    list(connected(amazon).models())
    assert all(" tunectl/" in agent for agent in seen)


def test_an_object_of_another_region_is_an_error_and_nothing_is_asked(amazon, provider):
    made = trained(provider)
    with running(region="us-west-2") as far:
        there = connected(far)
        for kind in ("tuning_job", "endpoint"):
            handler = there.handlers[kind]
            for do in (handler.read, handler.poll, handler.delete, handler.mark):
                with pytest.raises(ConflictError) as caught:
                    do(made)
                assert "us-east-1" in str(caught.value)
        assert [call.path for call in far.world.calls] == ["/"]


def test_a_refused_key_is_a_matter_of_credentials():
    with running(refused_keys=["none"]) as amazon, pytest.raises(CredentialsError):
        connected(amazon).account()


def test_the_models_tell_when_the_region_ends_them(amazon, provider):
    model = trained(provider).outputs["model_id"]
    listed = {one.id: one for one in provider.models()}
    assert listed[model].owned_by == ACCOUNT
    assert listed["amazon.nova-lite-v1:0:300k"].shutdown_date is None
    with running(region="us-west-2") as far:
        haiku = [one for one in connected(far).models() if "claude-3-haiku" in one.id]
        assert {one.shutdown_date for one in haiku} == {"2026-09-10"}


def test_everything_else_of_the_account_can_be_elsewhere():
    cloud = connect(
        name="aws",
        **GOOD,
        endpoint_url="https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com/",
    ).cloud
    assert cloud.url_of("bedrock") == "https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com"
    assert cloud.url_of("bedrock-runtime") == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert not cloud.rehearsed
