"""A whole project whose jobs go to a cluster: as with processes, and nothing is trained twice."""

from __future__ import annotations

import sys

import pytest

from tests.server.ray_jobs import JobsApi

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = pytest.mark.slow  # a whole project through many processes


@pytest.fixture
def api():
    serving = JobsApi(runs=True)
    yield serving
    serving.close()


def test_a_project_lives_on_a_cluster_from_apply_to_destroy(site, api):
    cluster = f"ray: {{address: '{api.address}', python: '{sys.executable}', cpus: 1}}"
    site.edit(
        "local: {trainer: simulated}", f"local: {{trainer: simulated, executor: ray, {cluster}}}"
    )
    assert (
        f"ok  executor of local: reached, Ray 2.60.0 at {api.address}"
        in site.run("doctor", code=None).out
    )
    site.run("apply", "--auto-approve")
    assert len(api.jobs) == 1
    assert site.run("plan").out.startswith("No changes.")
    site.edit("cpus: 1", "cpus: 2")  # where a job runs is no part of what it is
    assert site.run("plan").out.startswith("No changes.")
    site.edit(f", executor: ray, {cluster.replace('cpus: 1', 'cpus: 2')}", "")
    assert site.run("plan").out.startswith("No changes.")
    site.run("destroy", "--auto-approve")
    assert len(api.jobs) == 1
    assert not list((site.root / "jobs").glob("ftjob-*/adapter"))


def test_an_apply_without_the_cluster_says_so_and_a_later_one_goes_on(site, api):
    gone = "ray: {address: 'http://127.0.0.1:1'}"
    site.edit(
        "local: {trainer: simulated}", f"local: {{trainer: simulated, executor: ray, {gone}}}"
    )
    told = (
        "provider `local`: cannot reach the Ray cluster at http://127.0.0.1:1: Connection refused"
    )
    said = site.run("doctor", code=None).out
    assert f"FAIL  executor of local: {told}" in said
    assert "ok  credentials of local: none needed" in said
    failed = site.run("apply", "--auto-approve", code=None)
    assert failed.code == 7
    assert told in failed.out + failed.err
    assert "refused" not in (failed.out + failed.err).replace("Connection refused", "")
    assert "see `ray status` on the head node" in failed.out + failed.err
    site.edit(gone, f"ray: {{address: '{api.address}', python: '{sys.executable}'}}")
    site.run("apply", "--auto-approve")
    assert len(api.jobs) == 1
