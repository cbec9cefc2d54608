"""Where a service may drop metadata, jobs are told by their files: nothing is bought twice."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.handler_contract import job_resource, request_for
from tests.e2e.inprocess import made as project
from tests.providers.fake_openai import Fault
from tests.providers.test_wire_contract import uploaded
from tunectl.core.errors import UnknownOutcomeError

JOBS = "/fine_tuning/jobs"
PROFILES = ("azure", "nebius")
_numbers = itertools.count()


@pytest.fixture
def forgetful(fake):
    fake.keeps_metadata = False
    return fake


@pytest.fixture(params=PROFILES)
def provider(connected, forgetful, request):
    return connected(request.param)


def job(provider, file=None, op=None, **more):
    name = f"support{next(_numbers)}"
    made = job_resource("openai_eu", "gpt-4o-mini", file or uploaded(provider), name, **more)
    return request_for(*made, op=op)


def alike(provider, request, since=None):
    handler = provider.handlers["tuning_job"]
    since = since or datetime.now(UTC)
    return [one.id for one in handler.alike(request.mark, request.spec, since)]


def lost(forgetful, provider, request, *, after):
    forgetful.faults.append(Fault("POST", JOBS, "reset", after=after))
    handler = provider.handlers["tuning_job"]
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)


def test_a_job_whose_reply_was_lost_is_told_by_its_file(forgetful, provider):
    request, handler = job(provider), provider.handlers["tuning_job"]
    handler.create(job(provider))  # of another file
    lost(forgetful, provider, request, after=True)
    with pytest.raises(UnknownOutcomeError):
        list(handler.find(request.mark))
    assert alike(provider, request) == [list(forgetful.jobs)[-1]]


def test_a_job_that_was_never_made_is_known_not_to_be_there(forgetful, provider):
    request = job(provider)
    provider.handlers["tuning_job"].create(job(provider))
    lost(forgetful, provider, request, after=False)
    assert alike(provider, request) == []


def test_a_job_of_the_same_file_that_says_other_numbers_is_another_one(forgetful, connected):
    provider = connected("azure")
    file = uploaded(provider)
    other = {"type": "supervised", "epochs": 3}
    request = job(provider, file, method={"type": "supervised", "epochs": 4})
    provider.handlers["tuning_job"].create(job(provider, file, method=other))
    assert alike(provider, request) == []
    lost(forgetful, provider, request, after=True)
    assert alike(provider, request) == [list(forgetful.jobs)[-1]]


def test_two_that_could_be_it_are_both_told(provider):
    file = uploaded(provider)
    request = job(provider, file)
    for _ in range(2):
        provider.handlers["tuning_job"].create(job(provider, file))
    assert len(alike(provider, request)) == 2


def test_a_validation_file_or_a_seed_of_its_own_makes_it_another_one(provider):
    file, other = uploaded(provider), uploaded(provider)
    provider.handlers["tuning_job"].create(job(provider, file, validation_file=other, seed=7))
    assert alike(provider, job(provider, file)) == []
    assert alike(provider, job(provider, file, validation_file=file, seed=7)) == []
    assert alike(provider, job(provider, file, validation_file=other, seed=8)) == []
    assert len(alike(provider, job(provider, file, validation_file=other, seed=7))) == 1


def test_where_jobs_call_files_by_other_names_nothing_is_concluded(forgetful, provider):
    """A gateway may: then no job would ever seem to be ours, and each run would buy another."""
    request = job(provider)
    lost(forgetful, provider, request, after=True)
    [made] = forgetful.jobs.values()
    for name in ("s3://acme/rows.jsonl", None):
        made["training_file"] = name
        with pytest.raises(UnknownOutcomeError, match="names no file that is listed") as caught:
            alike(provider, request)
        assert "--retry-unknown" in caught.value.diagnostics[0].hint


def test_a_job_from_long_before_is_not_it_and_one_from_before_is_doubtful(forgetful, provider):
    request = job(provider)
    lost(forgetful, provider, request, after=True)
    [made] = forgetful.jobs.values()
    made["created_at"] = int(time.time()) - 3600
    with pytest.raises(UnknownOutcomeError, match="a job was made from its file before"):
        alike(provider, request)
    made["created_at"] = None
    with pytest.raises(UnknownOutcomeError, match="a job was made from its file before"):
        alike(provider, request)
    made["created_at"] = int(time.time()) - 2 * 86400
    assert alike(provider, request) == []
    made["created_at"] = int(time.time())
    assert alike(provider, request, datetime.now(UTC) + timedelta(minutes=9)) == [made["id"]]


def test_a_service_that_puts_words_of_its_own_in_place_of_ours_makes_it_doubtful(
    forgetful, provider
):
    request = job(provider)
    lost(forgetful, provider, request, after=True)
    [made] = forgetful.jobs.values()
    made["metadata"] = {"billed_to": "acme"}
    with pytest.raises(UnknownOutcomeError, match="carry no mark"):
        list(provider.handlers["tuning_job"].find(request.mark))
    with pytest.raises(UnknownOutcomeError, match="carries other words"):
        alike(provider, request)


def test_without_the_file_nothing_is_concluded(provider):
    request = job(provider)
    with pytest.raises(UnknownOutcomeError, match="is not known"):
        provider.handlers["tuning_job"].alike(request.mark, {}, datetime.now(UTC))


def test_of_an_unknown_service_nothing_is_concluded(connected, forgetful):
    provider = connected(None)
    request = job(provider)
    lost(forgetful, provider, request, after=True)
    with pytest.raises(UnknownOutcomeError, match="carry no mark"):
        alike(provider, request)


@pytest.mark.parametrize("after", [True, False], ids=["committed", "not-committed"])
def test_an_apply_goes_on_by_itself_after_a_lost_reply(
    tmp_path, monkeypatch, capsys, forgetful, key, after
):
    """The whole way: one job in the end, although nothing carries a mark."""
    monkeypatch.setattr("tunectl.providers.wire.tuning_job.TuningJobs.lag", 0.0)
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    forgetful.path = ("running", "succeeded")
    cloud = project(tmp_path, capsys, forgetful)
    cloud.edit("profile: openai", "profile: azure")
    cloud.edit("model: tuning_job.support", "model: tuning_job.support\n    deployment: d")
    forgetful.faults.append(Fault("POST", JOBS, "reset", after=after))
    cloud.run("apply", "--auto-approve", code=None)
    assert len(forgetful.jobs) == int(after)
    cloud.run("apply", "--auto-approve")
    assert len(forgetful.jobs) == 1
    assert cloud.run("plan").out.startswith("No changes.")
