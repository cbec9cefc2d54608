"""A refused plan is shown; what only the record takes in is a change; failures name resources."""

from __future__ import annotations

import json

import jsonschema
import orjson
import pytest

from tests.e2e.inprocess import Cloud, cloud
from tests.providers.fake_openai import Fault
from tunectl.core.plan import Plan
from tunectl.core.value import Address
from tunectl.views import json_events, json_plan

__all__ = ["cloud"]

JOB = "tuning_job.support"
PLAIN = "lifecycle: {keep_previous: 0}"
PROTECTED = "lifecycle: {keep_previous: 0, protect: true}"
SUMMARY = "Plan: 0 to add, 0 to change, 0 to destroy."
SECOND = """
  drugi:
    base_model: gpt-4o-mini-2024-07-18
    data: dataset.support
    method: {type: supervised, epochs: 3}

endpoint:
"""


def recorded(cloud: Cloud, address: str = JOB) -> dict:
    state = orjson.loads((cloud.folder / "state" / "default.json").read_bytes())
    return next(i for i in state["instances"] if i["address"] == address)


@pytest.fixture
def refused(cloud: Cloud) -> Cloud:
    """A protected job whose next plan would replace it."""
    cloud.edit(PLAIN, PROTECTED)
    cloud.run("apply", "--auto-approve")
    cloud.edit("epochs: 2", "epochs: 3")
    return cloud


def test_a_refused_plan_is_shown_before_the_refusal(refused: Cloud):
    shown = refused.run("plan", code=3)
    assert f"{JOB} must be replaced" in shown.out
    assert "Plan: " in shown.out
    assert "\nDigest: sha256:" in shown.out
    assert "is protected and would be replaced" in shown.err
    for verb in ("apply", "destroy"):
        done = refused.run(verb, "--auto-approve", code=3)
        assert "helpdesk" not in done.out
        assert "pomoc, environment default\n" in done.out
        assert "# tuning_job.support " in done.out
        assert "is protected" in done.err
    assert recorded(refused)["spec"]["method"]["epochs"] == 2


def test_a_refused_plan_is_one_document_with_its_refusals(refused: Cloud):
    shown = refused.run("plan", "--format", "json", code=3)
    jsonschema.validate(shown.json, json_plan.schema())
    assert shown.json["applyable"] is False
    errors = [d for d in shown.json["diagnostics"] if d["severity"] == "error"]
    assert [d["code"] for d in errors] == ["protected"]
    assert any(c["address"] == JOB for c in shown.json["resource_changes"])
    human, comment = refused.folder / "plan.txt", refused.folder / "plan.md"
    refused.run(
        "plan", "-o", str(refused.folder / "p.plan"), "--write", f"human={human}",
        "--write", f"markdown={comment}", code=3,
    )  # fmt: skip
    assert not (refused.folder / "p.plan").exists()
    assert "must be replaced" in human.read_text("utf-8")
    assert "is protected" in human.read_text("utf-8")
    assert "This plan is **refused**" in comment.read_text("utf-8")


def test_protecting_is_a_change_that_only_the_record_takes_in(cloud: Cloud):
    cloud.run("apply", "--auto-approve")
    sent = len(cloud.fake.sent("POST", ""))
    cloud.edit(PLAIN, PROTECTED)
    shown = cloud.run("plan", "--detailed-exitcode", code=2)
    assert "Recorded only: nothing changes at the provider" in shown.out
    assert f"  {JOB}: `lifecycle.protect` false -> true" in shown.out
    assert SUMMARY in shown.out
    applied = cloud.run("apply", "--auto-approve")
    assert "Apply complete! Resources: 0 added, 0 changed, 0 destroyed." in applied.out
    assert recorded(cloud)["lifecycle"]["protect"] is True
    assert cloud.run("plan", "--detailed-exitcode").out.startswith("No changes.")
    assert len(cloud.fake.sent("POST", "")) == sent


def test_lifting_a_protection_is_reviewed_saved_and_applied(cloud: Cloud):
    cloud.edit(PLAIN, PROTECTED)
    cloud.run("apply", "--auto-approve")
    cloud.edit(PROTECTED, "lifecycle: {keep_previous: 2}\n    labels: {dział: wsparcie}")
    saved = str(cloud.folder / "p.plan")
    digest = cloud.run("plan", "-o", saved).out.partition("Digest: ")[2].split()[0]
    shown = cloud.run("show", saved).out
    assert f"{JOB}: `lifecycle.protect` true -> false" in shown
    assert f"{JOB}: `lifecycle.keep_previous` 0 -> 2" in shown
    assert f'{JOB}: `labels.dział` unset -> "wsparcie"' in shown
    tree = cloud.run("plan", "--format", "json").json
    assert tree["applyable"] is True
    assert {"address": JOB, "message": "`lifecycle.protect` true -> false"} in tree["recorded_only"]
    cloud.edit("dział: wsparcie", "dział: sprzedaż")
    stale = cloud.run("apply", "--expect-digest", digest, code=5)
    assert "only in the reviewed plan: recorded only: tuning_job.support" in stale.err
    cloud.edit("dział: sprzedaż", "dział: wsparcie")
    cloud.run("apply", saved)
    assert recorded(cloud)["lifecycle"]["protect"] is False
    assert cloud.run("plan", "--detailed-exitcode").out.startswith("No changes.")


def test_the_digest_binds_what_is_only_recorded():
    plan = Plan(lineage="l", serial=1, project="p", env="e")
    job = Address.parse(JOB)
    on, off = ((job, "`lifecycle.protect` false -> true"),), ((job, "`labels.a` unset -> 1"),)
    made = [Plan(lineage="l", serial=1, project="p", env="e", noted=n).digest for n in (on, off)]
    assert len({plan.digest, *made}) == 3
    assert plan.empty


def test_a_job_that_finished_is_no_word_of_the_user(cloud: Cloud):
    cloud.fake.path = ("queued", "running")
    cloud.run("apply", "--auto-approve", "--no-wait", code=8)
    cloud.fake.path = ("queued", "succeeded")
    tree = cloud.run("plan", "--format", "json").json
    assert tree["recorded_only"] == []


def test_a_refresh_only_apply_takes_in_nothing_that_is_declared(cloud: Cloud):
    cloud.run("apply", "--auto-approve")
    cloud.edit(PLAIN, PROTECTED)
    assert cloud.run("plan", "--refresh-only", "--detailed-exitcode").out.count("protect") == 0
    cloud.run("apply", "--refresh-only", "--auto-approve")
    assert "lifecycle" not in recorded(cloud)


@pytest.fixture
def failing(cloud: Cloud) -> Cloud:
    """Two jobs that the provider refuses, each in the same words."""
    cloud.edit("\nendpoint:\n", SECOND)
    words = "The base model is not available to you."
    cloud.fake.faults.append(
        Fault("POST", "/fine_tuning/jobs", status=400, code="model_not_available",
              message=words, times=9)
    )  # fmt: skip
    return cloud


def test_every_failure_names_its_resource_and_the_end_lists_by_address(failing: Cloud):
    done = failing.run("apply", "--auto-approve", code=7)
    errors = sorted(line for line in done.err.splitlines() if line.startswith("error: "))
    assert len(errors) == 2
    assert errors[0].startswith("error: `tuning_job.drugi`: ")
    assert errors[1].startswith(f"error: `{JOB}`: ")
    assert errors[0].replace("drugi", "support") == errors[1]
    end = done.out.partition("Apply incomplete.")[2]
    assert "2 failed" in end
    assert "Failed (2):\n  tuning_job.drugi\n  tuning_job.support\n" in end
    assert "\n  dataset.support\n" in end.partition("Done (")[2].partition("Failed")[0]
    assert "\n  endpoint.support\n" in end.partition("Not started (")[2]


def test_the_event_stream_names_them_too(failing: Cloud):
    done = failing.run("apply", "--auto-approve", "--json", code=7)
    lines = [json.loads(line) for line in done.out.splitlines()]
    for line in lines:
        jsonschema.validate(line, json_events.schema())
    told = [x["diagnostic"] for x in lines if x["type"] == "diagnostic" and x["@level"] == "error"]
    assert sorted(d["address"] for d in told) == ["tuning_job.drugi", JOB]
    errored = [x["diagnostic"]["address"] for x in lines if x["type"] == "apply_errored"]
    assert sorted(errored) == ["tuning_job.drugi", JOB]
    (end,) = [x for x in lines if x["type"] == "change_summary" and "ended" in x]
    assert end["ended"]["failed"] == {"count": 2, "addresses": ["tuning_job.drugi", JOB]}
    assert "endpoint.support" in end["ended"]["not_started"]["addresses"]


def test_what_still_runs_is_listed_with_its_id(cloud: Cloud):
    cloud.fake.path = ("queued", "running")
    done = cloud.run("apply", "--auto-approve", "--no-wait", code=8)
    assert f"Still running (1):\n  {JOB} [id=ftjob-" in done.out
    assert "Not started (" in done.out


def test_an_apply_with_something_blocked_is_not_complete(cloud: Cloud):
    cloud.fake.path = ("queued", "failed")
    cloud.run("apply", "--auto-approve", code=7)
    again = cloud.run("apply", "--auto-approve", code=1)
    assert "Apply complete!" not in again.out
    assert "Apply incomplete. Resources: 0 added, 0 changed, 0 destroyed; " in again.out
    assert " blocked.\n" in again.out
    assert f"\n  {JOB}" in again.out.partition("Blocked (")[2]


def test_no_changes_of_a_part_says_nothing_of_the_rest(cloud: Cloud):
    cloud.run("apply", "--auto-approve")
    whole = cloud.run("plan").out
    assert (
        whole == "No changes. Your models match the configuration (pomoc, environment default).\n"
    )
    cloud.edit("epochs: 2", "epochs: 3")
    part = cloud.run("plan", "--target", "dataset.support").out
    assert part.startswith("No changes. What was chosen matches")
    assert "Your models match" not in part


def test_a_refresh_does_not_call_what_is_gone_or_edited_a_match(cloud: Cloud):
    cloud.run("apply", "--auto-approve")
    assert "No changes. Everything is still as it is" in cloud.run("plan", "--refresh-only").out
    for model in cloud.models:
        del cloud.fake.models[model]
    cloud.edit("epochs: 2", "epochs: 3")
    for command in (("plan",), ("apply", "--auto-approve")):
        found = cloud.run(*command, "--refresh-only").out
        assert "tuning_job.support: was deleted remotely; it stays recorded" in found
        assert "No changes. 1 object was deleted remotely and stays recorded (pomoc, " in found
        assert "match" not in found


def test_a_new_end_is_recorded_and_a_renewal_names_no_instant(cloud: Cloud):
    cloud.run("apply", "--auto-approve")
    cloud.edit(PLAIN, PLAIN + "\n    expires_after: 30d")
    cloud.edit(
        "    model: tuning_job.support", "    model: tuning_job.support\n    expires_after: 30d"
    )
    shown = cloud.run("plan", "--detailed-exitcode", code=2).out
    assert f"{JOB}: `expires` never -> 20" in shown
    cloud.run("apply", "--auto-approve")
    assert recorded(cloud)["deadline"]
    assert cloud.run("plan", "--detailed-exitcode").out.startswith("No changes.")
    saved = str(cloud.folder / "p.plan")
    again = cloud.run("plan", "--renew", JOB, "--detailed-exitcode", "-o", saved, code=2).out
    assert f"{JOB}: its time to live begins anew" in again
    cloud.run("apply", saved)
    assert recorded(cloud)["renewed_at"]
