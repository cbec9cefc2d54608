"""A job that is declared twice is told before it is bought twice; a renamed one is not bought."""

from __future__ import annotations

import pytest

from tests.e2e.inprocess import Cloud, cloud

__all__ = ["cloud"]

ONE = """\
tuning_job:
  support:
    base_model"""
EACH = """\
tuning_job:
  support:
    for_each: [pl, ru]
    suffix: "${each.key}"
    base_model"""
WARNING = "are the same job, and each is trained for itself"


@pytest.fixture
def two(cloud: Cloud) -> Cloud:
    cloud.edit(ONE, EACH)
    cloud.edit("    model: tuning_job.support\n", '    model: tuning_job.support["pl"]\n')
    return cloud


def renamed(project: Cloud, before: str, after: str) -> None:
    project.edit(f"tuning_job:\n  {before}:", f"tuning_job:\n  {after}:")
    project.edit(f"model: tuning_job.{before}[", f"model: tuning_job.{after}[")


def test_two_equal_jobs_are_told_before_both_are_bought_and_not_after(two):
    told = two.run("plan").err
    assert f'`tuning_job.support["pl"]`, `tuning_job.support["ru"]` {WARNING}' in told
    two.run("apply", "--auto-approve")
    assert len(two.fake.jobs) == 2
    assert WARNING not in two.run("plan").err
    two.edit("[pl, ru]", "[pl, ru, de]")
    assert WARNING in two.run("plan").err


def test_a_job_beside_an_equal_one_that_is_reused_is_told_before_it_is_bought(cloud):
    with cloud.yaml.open("a", encoding="utf-8") as file:
        file.write("environments: [staging, prod]\n")
    cloud.run("apply", "--auto-approve", "--env", "staging")
    cloud.edit(ONE, EACH)
    cloud.edit("    model: tuning_job.support\n", '    model: tuning_job.support["pl"]\n')
    plan = cloud.run("plan", "--env", "prod")
    assert 'tuning_job.support["pl"] will reuse' in plan.out
    assert f'`tuning_job.support["pl"]`, `tuning_job.support["ru"]` {WARNING}' in plan.err


def test_jobs_that_differ_in_their_seed_are_two(two):
    two.edit('suffix: "${each.key}"', "seed: \"${{'pl': 1, 'ru': 2}[each.key]}\"")
    assert WARNING not in two.run("plan").err


def test_equal_jobs_that_are_all_renamed_stay_the_jobs_they_are_key_by_key(two):
    two.run("apply", "--auto-approve")
    renamed(two, "support", "pomoc")
    plan = two.run("plan").out
    for key in ("pl", "ru"):
        assert f'tuning_job.support["{key}"] has moved to tuning_job.pomoc["{key}"]' in plan
    two.run("apply", "--auto-approve")
    assert two.run("plan").out.startswith("No changes.")
    assert len(two.fake.jobs) == 2


def test_a_moved_block_that_is_done_does_not_keep_a_renamed_key_from_being_the_same_job(two):
    two.run("apply", "--auto-approve")
    renamed(two, "support", "pomoc")
    with two.yaml.open("a", encoding="utf-8") as file:
        file.write("moved: [{from: tuning_job.support, to: tuning_job.pomoc}]\n")
    two.run("apply", "--auto-approve")
    two.edit("[pl, ru]", "[pl, uk]")
    assert 'tuning_job.pomoc["ru"] has moved to tuning_job.pomoc["uk"]' in two.run("plan").out
    two.run("apply", "--auto-approve")
    assert len(two.fake.jobs) == 2
