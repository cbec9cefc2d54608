"""Buckets and role are looked at when planning: once, and without making anything."""

from __future__ import annotations

import pytest

from tests.contracts.handler_contract import upload_resource
from tests.providers.bedrock.cloud import BUCKET, connected, running
from tunectl.core.errors import Severity, UnavailableError
from tunectl.server.clouds.world import Fault


def problems(provider):
    resource, _ = upload_resource("aws")
    found = list(provider.handlers["upload"].check(resource))
    return [(d.severity, d.summary, d.hint) for d in found]


def test_what_can_be_used_is_looked_at_once_and_nothing_is_made(amazon, provider):
    assert problems(provider) == []
    assert problems(provider) == []
    assert amazon.buckets.objects == {}
    seen = [(c.method, c.path) for c in amazon.world.calls if c.path.startswith(f"/{BUCKET}")]
    assert seen == [("HEAD", f"/{BUCKET}"), ("PUT", f"/{BUCKET}/tunectl/tunectl.may-i-write")]


def test_a_service_that_passes_over_conditions_keeps_nothing_of_the_question(amazon, provider):
    amazon.buckets.enforces = False
    assert problems(provider) == []
    assert amazon.buckets.objects == {}


def test_a_missing_bucket_is_an_error_with_the_command_that_makes_it(amazon):
    provider = connected(amazon, staging="s3://nobody-has-this/x", output="s3://nor-this")
    (first, one, hint), (second, other, _) = problems(provider)
    assert first is second is Severity.ERROR
    assert one == "the bucket `nobody-has-this` of `staging` does not exist"
    assert other == "the bucket `nor-this` of `output` does not exist"
    assert "aws s3 mb s3://nobody-has-this --region us-east-1" in hint


def test_a_bucket_of_somebody_else_is_an_error(amazon, provider):
    amazon.buckets.denied.add("s3:ListBucket")
    [(severity, summary, hint)] = problems(provider)
    assert severity is Severity.ERROR
    assert f"may not see the bucket `{BUCKET}`" in summary
    assert "s3:ListBucket" in hint


def test_whoever_only_plans_needs_not_write_and_is_told(amazon, provider):
    amazon.buckets.denied.add("s3:PutObject")
    [(severity, summary, hint)] = problems(provider)
    assert severity is Severity.WARNING
    assert "may not write" in summary
    assert "enough for `plan`" in hint


def test_a_bucket_of_another_region_is_told():
    with running(region="us-west-2") as amazon:
        amazon.buckets.places[BUCKET] = "eu-west-1"
        [(severity, summary, _)] = problems(connected(amazon))
    assert severity is Severity.WARNING
    assert "is in `eu-west-1`, and jobs run in `us-west-2`" in summary


def test_a_role_of_another_account_is_an_error(amazon):
    role = "arn:aws:iam::999999999999:role/tuning"
    [(severity, summary, _)] = problems(connected(amazon, role_arn=role))
    assert severity is Severity.ERROR
    assert "is a role of account `999999999999`, and jobs run in `123456789012`" in summary


@pytest.mark.parametrize(
    "fault",
    [
        Fault("lost", "POST", times=9),
        Fault("lost", "HEAD", times=9),
        Fault("status", "PUT", status=500, times=9),
    ],
    ids=lambda fault: fault.method,
)
def test_what_cannot_be_told_is_neither_right_nor_wrong(amazon, provider, monkeypatch, fault):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    amazon.world.faults.append(fault)
    with pytest.raises(UnavailableError):
        problems(provider)
    amazon.world.faults.clear()
    assert problems(provider) == []


def test_it_is_the_setting_of_the_provider_that_is_wrong_and_no_dataset(amazon):
    role = "arn:aws:iam::999999999999:role/tuning"
    provider = connected(amazon, "chmura", staging="s3://nobody-has-this/x", role_arn=role)
    resource, _ = upload_resource("chmura")
    told = list(provider.handlers["upload"].check(resource))
    assert {(d.address, d.source) for d in told} == {("providers.chmura", None)}
    named = {word for d in told for word in ("`staging`", "`role_arn`") if word in d.summary}
    assert named == {"`staging`", "`role_arn`"}
