"""A remote service that loses answers, forgets marks, or is another account: no second job."""

from __future__ import annotations

import pytest

from tests.providers import fake_openai
from tests.providers.fake_openai import KEY, Fault

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

ENV = {"OPENAI_API_KEY": KEY}


@pytest.fixture
def cloud(site):
    with fake_openai.running() as fake:
        site.edit("default_provider: local", "default_provider: cloud")
        site.edit(
            "  local: {trainer: simulated}\n",
            "  cloud: {type: openai, profile: openai, key_env: OPENAI_API_KEY, "
            f"base_url: '{fake.url}'}}\n",
        )
        site.edit("base_model: simulated-1", "base_model: gpt-4o-mini-2024-07-18")
        yield fake


def test_a_job_whose_answer_was_lost_is_found_by_its_mark(site, cloud):
    cloud.faults.append(Fault("POST", "/fine_tuning/jobs", how="reset", after=True))
    site.run("apply", "--auto-approve", **ENV)
    assert site.run("plan", **ENV).out.startswith("No changes.")
    assert len(cloud.jobs) == 1
    site.run("destroy", "--auto-approve", **ENV)
    assert (cloud.files, [m for m in cloud.models if m.startswith("ft:")]) == ({}, [])


def test_a_step_begun_in_another_account_is_refused_until_it_can_be_settled_there(site, cloud):
    cloud.faults.append(Fault("POST", "/files", how="reset", after=True, times=9))
    cloud.faults.append(Fault("GET", "/files", status=500, times=99))
    site.run("apply", "--auto-approve", code=None, **ENV)
    cloud.faults.clear()
    began = len(cloud.files)
    site.edit("profile: openai,", "profile: openai, project: other,")
    refused = site.run("apply", "--auto-approve", code=3, **ENV)
    assert "was begun in account" in refused.err
    assert len(cloud.files) == began
    site.edit("profile: openai, project: other,", "profile: openai,")
    site.run("apply", "--auto-approve", **ENV)
    assert len(cloud.files) == 2
    assert len(cloud.jobs) == 1


def test_where_nothing_tells_whether_a_job_exists_another_is_made_only_when_allowed(site, cloud):
    site.edit("profile: openai, ", "")  # an unknown service
    cloud.keeps_metadata = False
    cloud.faults.append(Fault("POST", "/fine_tuning/jobs", how="reset", after=True))
    site.run("apply", "--auto-approve", code=None, **ENV)
    assert len(cloud.jobs) == 1
    unsure = site.run("apply", "--auto-approve", code=1, **ENV)
    assert "--retry-unknown tuning_job.support" in unsure.err
    assert len(cloud.jobs) == 1
    site.run("apply", "--auto-approve", "--retry-unknown", "tuning_job.support", **ENV)
    assert len(cloud.jobs) == 2
    assert site.run("plan", **ENV).out.startswith("No changes.")
