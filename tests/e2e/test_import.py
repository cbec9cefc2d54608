"""`import`: what exists is taken over, nothing is made, and what cannot be known is not guessed."""

from __future__ import annotations

import json

import pytest

from tests.e2e.inprocess import cloud

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

__all__ = ["cloud"]

JOB = """\
tuning_job:
  support:
    base_model: gpt-4o-mini-2024-07-18
    data: dataset.support
    method: {type: supervised, epochs: 2}
    lifecycle: {keep_previous: 0}

"""
ENDPOINT = """\
endpoint:
  support:
    model: tuning_job.support

"""
RECORD = "an endpoint is only a record"


@pytest.fixture
def job(cloud):
    """A job that was made, and is forgotten by the state and by nobody else."""
    cloud.run("apply", "--auto-approve")
    (job_id,) = cloud.fake.jobs
    cloud.run("state", "rm", "tuning_job.support")
    return job_id


def creates(cloud) -> int:
    return len(cloud.fake.sent("POST", "/fine_tuning/jobs"))


def generated(cloud) -> str:
    return (cloud.folder / "imported.tunectl.yaml").read_text(encoding="utf-8")


def taken_over(cloud, job_id):
    planned = cloud.run("plan").out
    assert f"# tuning_job.support will be imported from `{job_id}`" in planned
    assert "Plan: 1 to import, 0 to add, " in planned
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert creates(cloud) == 1
    cloud.run("destroy", "--auto-approve")
    assert cloud.models == []


def test_a_declared_job_is_taken_over_by_one_line_more_and_comments_survive(cloud, job):
    cloud.edit("project: pomoc\n", "project: pomoc  # żółw\n")
    before = cloud.yaml.read_text(encoding="utf-8")
    done = cloud.run("import", "tuning_job.support", job)
    assert done.out.startswith("Wrote an `import:` entry to tunectl.yaml.\n")
    after = cloud.yaml.read_text(encoding="utf-8")
    entry = f"\nimport:\n  - {{address: tuning_job.support, id: {job}}}\n"
    assert after == before + entry
    taken_over(cloud, job)


def test_a_job_nobody_declared_gets_a_declaration_that_plans_no_replacement(cloud, job):
    cloud.edit(JOB, "")
    cloud.edit(ENDPOINT, "")
    cloud.edit("model: endpoint.support", "model: some-model")
    cloud.edit("${endpoint.support.model_id}", "fixed")
    done = cloud.run("import", "tuning_job.support", job)
    assert (
        "Wrote `tuning_job.support` and its `import:` entry to imported.tunectl.yaml." in done.out
    )
    text = generated(cloud)
    assert "base_model: gpt-4o-mini-2024-07-18" in text
    assert "epochs: 2" in text
    assert "data: dataset.support" in text  # its files are ours still
    taken_over(cloud, job)


def test_what_the_provider_cannot_tell_is_a_comment_and_exits_1(cloud, job):
    cloud.edit(JOB, "")
    cloud.edit(ENDPOINT, "")
    cloud.edit("model: endpoint.support", "model: some-model")
    cloud.edit("${endpoint.support.model_id}", "fixed")
    uploads = [a for a in cloud.run("state", "list").out.splitlines() if a.startswith("upload")]
    cloud.run("state", "rm", *uploads)
    done = cloud.run("import", "tuning_job.support", job, code=1)
    assert "`data:` must be filled in" in done.err
    text = generated(cloud)
    training = cloud.fake.jobs[job]["training_file"]
    assert f"    # data: dataset.NAME    # fill in: it was trained on `{training}`" in text
    refused = cloud.run("plan", code=1)
    assert "`tuning_job.support` needs `data:`" in refused.err
    path = cloud.folder / "imported.tunectl.yaml"
    path.write_text(text.replace("    # data: dataset.NAME", "    data: dataset.support"), "utf-8")
    taken_over(cloud, job)


def test_a_dry_run_prints_and_writes_nothing(cloud, job):
    before = cloud.yaml.read_bytes()
    printed = cloud.run("import", "tuning_job.support", job, "--dry-run").out
    assert f"  - {{address: tuning_job.support, id: {job}}}" in printed
    assert cloud.yaml.read_bytes() == before
    data = cloud.run("import", "tuning_job.support", job, "--dry-run", "--format", "json").json
    assert (data["declared"], data["written"], data["file"]) == (True, False, "tunectl.yaml")
    assert data["status"] == "ready"


def test_with_an_environment_the_entry_goes_into_its_overlay(cloud, job):
    cloud.edit("project: pomoc\n", "project: pomoc\nenvironments: [prod]\n")
    cloud.run("import", "tuning_job.support", job, "--env", "prod", "--force")
    overlay = (cloud.folder / "tunectl.prod.yaml").read_text(encoding="utf-8")
    assert job in overlay
    assert job not in cloud.yaml.read_text(encoding="utf-8")


def test_a_snapshot_and_resolved_numbers_are_no_difference(cloud, job):
    cloud.edit("gpt-4o-mini-2024-07-18", "gpt-4o-mini")
    cloud.edit("method: {type: supervised, epochs: 2}", "method: supervised")
    cloud.run("import", "tuning_job.support", job)
    taken_over(cloud, job)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("epochs: 2", "epochs: 7", "method"),
        ("gpt-4o-mini-2024-07-18", "gpt-4.1-2025-04-14", "base_model"),
    ],
)
def test_another_job_than_the_declared_one_is_refused(cloud, job, before, after, field):
    cloud.edit(before, after)
    text = cloud.yaml.read_bytes()
    refused = cloud.run("import", "tuning_job.support", job, code=1)
    assert f"is not what `tuning_job.support` declares: `{field}` differs" in refused.err
    assert cloud.yaml.read_bytes() == text


def test_what_is_not_there_cannot_be_imported(cloud, job):
    refused = cloud.run("import", "tuning_job.support", "ftjob-nope", code=1)
    assert "there is no `ftjob-nope` to import as `tuning_job.support`" in refused.err
    assert "account `" in refused.err


def test_a_failed_job_has_nothing_to_take_over(cloud, job):
    cloud.fake.jobs[job]["status"] = "failed"
    refused = cloud.run("import", "tuning_job.support", job, code=1)
    assert "it is failed" in refused.err


def test_what_is_managed_already_is_refused_with_what_to_do(cloud):
    cloud.run("apply", "--auto-approve")
    (job_id,) = cloud.fake.jobs
    same = cloud.run("import", "tuning_job.support", job_id, code=1)
    assert "`tuning_job.support` is managed already" in same.err
    other = cloud.run("import", "tuning_job.second", job_id, code=1)
    assert f"`{job_id}` is managed already, as `tuning_job.support`" in other.err
    assert "moved: [{from: tuning_job.support, to: tuning_job.second}]" in other.err
    another = cloud.run("import", "tuning_job.support", "ftjob-2", code=1)
    assert "tunectl state rm 'tuning_job.support'" in another.err


def test_an_entry_is_not_written_twice(cloud, job):
    cloud.run("import", "tuning_job.support", job)
    again = cloud.run("import", "tuning_job.support", job, code=1)
    assert "is under `import:` already" in again.err


def test_what_a_move_speaks_of_is_not_imported_too(cloud, job):
    move = "moved: [{from: tuning_job.old, to: tuning_job.support}]\n"
    cloud.yaml.write_text(cloud.yaml.read_text(encoding="utf-8") + move, encoding="utf-8")
    refused = cloud.run("import", "tuning_job.support", job, code=1)
    assert "`moved` says that `tuning_job.support` is what was `tuning_job.old`" in refused.err
    assert "import:" not in cloud.yaml.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "said", "hint"),
    [
        (("dataset.support", "x"), "a `dataset` cannot be imported", "lives in your files"),
        (("tuning_jb.support", "x"), "there is no kind `tuning_jb`", "did you mean `tuning_job`?"),
        (("support", "x"), "`support` is not an address", ""),
        (("tuning_job.support", " "), "the id is empty", ""),
        (("endpoint.other", "x"), RECORD, "declare `endpoint.other` and apply"),
        (("tuning_job.x", "x", "--provider", "clod"), "there is no provider `clod`", "`cloud`"),
        (
            ("tuning_job.x", "ftjob", "-o", "x.yaml"),
            "there is no `ftjob` to import",
            "check the id",
        ),
        (('tuning_job.support["pl"]', "x"), 'there is no `tuning_job.support["pl"]`', ""),
        (("tuning_job.shop.main", "x"), "there is no `tuning_job.shop.main`", "in its module"),
    ],
)
def test_what_cannot_be_imported_is_explained(cloud, args, said, hint):
    before = sorted(cloud.folder.rglob("*"))
    refused = cloud.run("import", *args, code=1)
    assert said in refused.err
    assert hint in refused.err
    assert [p for p in sorted(cloud.folder.rglob("*")) if "state" not in p.parts] == before


def test_a_file_that_would_not_be_read_is_refused(cloud, job):
    refused = cloud.run("import", "tuning_job.support", job, "-o", "x.yaml", code=1)
    assert "`x.yaml` would not be read" in refused.err
    assert not (cloud.folder / "x.yaml").exists()


def test_another_account_than_the_recorded_one_is_refused(cloud, job):
    cloud.edit("profile: openai,", "profile: openai, project: other,")
    refused = cloud.run("import", "tuning_job.support", job, code=1)
    assert "in the state" in refused.err


def test_a_local_job_and_its_alias_are_taken_over_served_and_destroyed(site):
    site.run("apply", "--auto-approve")
    ids = {i["address"]: i["id"] for i in site.state()["instances"]}
    job_id, alias = ids["tuning_job.support"], ids["endpoint.support"]
    site.run("state", "rm", "tuning_job.support", "endpoint.support")
    site.edit(ENDPOINT, "")
    site.edit("model: endpoint.support", "model: tuning_job.support")
    site.edit("${endpoint.support.model_id}", "${tuning_job.support.model_id}")
    site.run("import", "tuning_job.support", job_id)
    site.run("import", "endpoint.support", alias)
    text = (site.folder / "imported.tunectl.yaml").read_text(encoding="utf-8")
    assert "    model: tuning_job.support\n" in text
    assert "Plan: 2 to import, 0 to add, " in site.run("plan").out
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    site.run("destroy", "--auto-approve")
    assert list((site.root / "aliases").glob("*.json")) == []


def foreign(cloud, job, **other):
    """Let a job carry the mark of another history."""
    marked = {"tunectl-lineage": "another-lineage", "tunectl-project": "obsługa", **other}
    cloud.fake.jobs[job]["metadata"].update(marked)


def test_what_carries_another_history_s_mark_is_reported_and_imported_only_by_force(cloud, job):
    foreign(cloud, job)
    before = cloud.yaml.read_text(encoding="utf-8")
    refused = cloud.run("import", "tuning_job.support", job, code=3)
    for told in ("another-lineage", "obsługa", "default", "tuning_job.support", "--force"):
        assert told in refused.err
    assert cloud.yaml.read_text(encoding="utf-8") == before
    forced = cloud.run("import", "tuning_job.support", job, "--force")
    assert "another history's mark" in forced.err
    planned = cloud.run("plan")
    assert "another history's mark" in planned.err
    cloud.run("apply", "--auto-approve")
    done = cloud.run("plan")
    assert done.out.startswith("No changes.")
    assert "another history's mark" not in done.err, "it is recorded: it is ours now"
    assert creates(cloud) == 1


def test_what_another_environment_made_is_better_used_by_from_than_imported(cloud, job):
    foreign(cloud, job, **{"tunectl-project": "pomoc", "tunectl-env": "staging"})
    refused = cloud.run("import", "tuning_job.support", job, code=3)
    assert "`from: {env: staging, address: tuning_job.support}`" in refused.err


def test_what_carries_no_mark_or_our_own_is_imported_without_a_word(cloud, job):
    done = cloud.run("import", "tuning_job.support", job)
    assert done.err == ""
    assert "mark" not in cloud.run("plan").err


def test_an_alias_of_another_project_is_imported_only_by_force(site, tmp_path):
    site.run("apply", "--auto-approve")
    [alias] = (site.root / "aliases").glob("*.json")
    said = json.loads(alias.read_bytes())
    site.run("state", "rm", "endpoint.support")
    said["metadata"]["tunectl-lineage"] = "another-lineage"
    alias.write_text(json.dumps(said), encoding="utf-8")
    refused = site.run("import", "endpoint.support", said["name"], code=3)
    assert "another-lineage" in refused.err
    data = site.run("import", "endpoint.support", said["name"], "--force", "--format", "json")
    assert json.loads(data.out)["warnings"][0]["code"] == "foreign-mark"
