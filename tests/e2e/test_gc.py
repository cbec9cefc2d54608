"""`gc`: tells whose everything is, and deletes only what was made from here and is in no state."""

from __future__ import annotations

import shutil

import orjson
import pytest

from tests.cli.terminal import on_terminal
from tests.e2e.inprocess import cloud
from tests.providers.fake_openai import KEY, Fault
from tunectl.app.applying import Asked, apply
from tunectl.app.options import Aim, Options
from tunectl.app.planning import Planned
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Cause

__all__ = ["cloud"]

NOW = ("--older-than", "0s", "--forgotten")
YES = ("--delete", "--auto-approve", "--confirm", "pomoc", *NOW)
MARK = {
    "tunectl": "1",
    "tunectl-project": "inny",
    "tunectl-env": "prod",
    "tunectl-address": "tuning_job.inny",
    "tunectl-op": "9" * 32,
}


@pytest.fixture
def applied(cloud):
    cloud.run("apply", "--auto-approve")
    return cloud


@pytest.fixture
def littered(applied):
    """The tuning job and its files were taken out of the state; the model and files exist."""
    files = [line for line in applied.run("state", "list").out.splitlines() if "upload" in line]
    applied.run("state", "rm", "tuning_job.support", "endpoint.support", *files)
    applied.run("state", "rm", "prompt_template.support")
    return applied


def orphans(cloud, *args):
    tree = cloud.run("gc", "--json", *(args or NOW)).json
    return {o["id"]: o["action"] for o in tree["orphans"]}


def foreign_job(fake, **metadata):
    file = fake.post_files({"file": ("rows.jsonl", b"{}\n"), "purpose": "fine-tune"})
    body = {"model": "gpt-4o-mini", "training_file": file["id"]}
    return fake.post_jobs({**body, "metadata": metadata or None})["id"]


def test_what_a_state_holds_is_left_alone(applied):
    result = applied.run("gc", *NOW)
    assert result.out == "Nothing to delete. 3 objects managed by environment default.\n"
    applied.run("gc", *YES)
    assert (len(applied.fake.files), len(applied.models)) == (2, 2)
    applied.run("drift")


def test_a_dry_run_lists_and_deletes_nothing(littered):
    before = littered.stored()
    result = littered.run("gc", *NOW)
    [job] = littered.fake.jobs
    assert "Orphans: made from this store, and in no state" in result.out
    assert f"- job {job} at cloud (tuning_job.support, default)" in result.out
    assert "3 orphans to delete, 0 objects managed by environment default." in result.out
    assert "Nothing was deleted." in result.out
    assert littered.stored() == before
    assert {s.method for s in littered.fake.seen[-6:]} == {"GET"}
    assert (len(littered.fake.files), len(littered.models)) == (2, 2)


def test_delete_removes_orphans_and_the_next_run_finds_only_the_record(littered):
    [job] = littered.fake.jobs
    result = littered.run("gc", *YES)
    assert "Orphans: 3 deleted, 0 kept, 0 failed." in result.out
    assert f"job record {job} stays at the provider and bills nothing" in result.out
    assert (littered.fake.files, littered.models) == ({}, [])
    again = littered.run("gc", *NOW)
    assert "1 record of an ended job stays: no provider deletes it" in again.out
    assert "Nothing to delete." in again.out
    nothing = littered.run("gc", *YES).out
    assert nothing.count("Nothing to delete.") == 1
    assert "Orphans:" not in nothing


def test_what_is_young_is_left(littered):
    assert set(orphans(littered, "--older-than", "1h", "--forgotten").values()) == {"too_young"}
    littered.run("gc", "--delete", "--auto-approve", "--confirm", "pomoc", "--forgotten")
    assert len(littered.models) == 2


def test_what_others_made_is_told_of_and_never_deleted(applied):
    theirs = foreign_job(applied.fake, **MARK, **{"tunectl-lineage": "another"})
    plain = foreign_job(applied.fake)
    applied.fake.post_files(
        {"file": (f"tunectl.{'8' * 32}.x.train.a.jsonl", b"{}\n"), "purpose": "fine-tune"}
    )
    result = applied.run("gc", *NOW)
    assert f"job {theirs} at cloud (tuning_job.inny, prod): of project inny" in result.out
    assert "carries an operation, and nothing tells whose" in result.out
    assert "1 other job, 2 other files: not tunectl's." in result.out
    applied.run("gc", *YES)
    assert {theirs, plain} <= set(applied.fake.jobs)
    assert len(applied.fake.files) == 5


def test_another_environment_of_the_store_holds_what_it_holds(littered):
    littered.edit("project: pomoc", "project: pomoc\nenvironments: [prod]")
    littered.run("apply", "--env", "prod", "--auto-approve")
    held = set(littered.fake.jobs)
    littered.run("gc", *YES)
    tree = littered.run("gc", "--json", *NOW).json
    assert tree["environments"] == ["default", "prod"]
    littered.run("drift", "--env", "prod")
    assert set(littered.fake.jobs) == held
    assert len(littered.models) == 2


def test_a_state_that_cannot_be_read_forbids_every_deletion(littered):
    state = littered.folder / "state"
    shutil.copy(state / "default.json", state / "prod.json")
    refused = littered.run("gc", *YES, code=3)
    assert "not every state of this store can be read" in refused.err
    assert len(littered.models) == 2
    assert "prod.json" in littered.run("gc", *NOW, code=1).err
    (state / "prod.json").write_bytes(b"")
    littered.run("gc", *YES, code=3)
    (state / "prod.json").unlink()
    (state / "prod.journal").write_bytes(b"{}\n")
    littered.run("gc", *YES, code=3)
    assert len(littered.models) == 2


def test_a_lost_state_is_told_of_and_nothing_of_it_is_an_orphan(applied):
    (applied.folder / "state" / "default.json").unlink()
    found = applied.run("gc", *NOW, code=1)
    assert "there is no state `default.json`, but there was one" in found.err
    assert "`tunectl state repair --write` rebuilds it" in found.err
    assert "Nothing to delete as far as can be told." in found.out
    assert "Orphans" not in found.out
    tree = applied.run("gc", "--json", *NOW, code=1).json
    assert (tree["complete"], tree["orphans"]) == (False, [])
    refused = applied.run("gc", *YES, code=3)
    assert "nothing is deleted" in refused.err
    assert (len(applied.fake.files), len(applied.models)) == (2, 2)
    applied.run("state", "repair", "--write")
    assert "Nothing to delete. " in applied.run("gc", *NOW).out


def test_objects_with_our_mark_and_no_state_here_are_told_of_and_spared(applied):
    shutil.rmtree(applied.folder / "state")
    found = applied.run("gc", *NOW, code=1)
    assert (
        "no state of environment `default` is stored here, but 1 object carries its mark"
        in found.err
    )
    assert "`tunectl state repair`" in found.err
    assert "(tuning_job.support, default): of project pomoc" in found.out
    assert "of which no state is stored here" in found.out
    assert "Orphans" not in found.out
    applied.run("gc", *YES, code=3)
    assert (len(applied.fake.files), len(applied.models)) == (2, 2)


def test_another_environment_is_cleaned_although_one_has_no_state_here(littered):
    littered.edit("project: pomoc", "project: pomoc\nenvironments: [prod]")
    littered.edit("project: pomoc", "project: pomoc\nstate: new/")
    littered.run("apply", "--env", "prod", "--auto-approve")
    littered.run("gc", *NOW, code=1)
    littered.run("gc", "--env", "prod", *YES)
    littered.run("drift", "--env", "prod")


def test_the_records_of_what_was_destroyed_ask_for_no_state(applied):
    applied.run("destroy", "--auto-approve")
    shutil.rmtree(applied.folder / "state")
    assert applied.fake.jobs
    assert "this store holds no state" in applied.run("gc", *NOW).out


def test_an_apply_under_way_elsewhere_forbids_every_deletion(littered):
    from tunectl.stores.file import FileStore

    with FileStore(littered.folder / "state").lock("default", "apply"):
        littered.run("gc", *YES, code=4)
        littered.run("gc", *NOW)
    assert len(littered.models) == 2


def test_a_running_orphan_is_cancelled_and_its_files_go(cloud):
    cloud.fake.path = ("queued", *("running",) * 500)
    cloud.run("apply", "--auto-approve", "--no-wait", code=8)
    files = [line for line in cloud.run("state", "list").out.splitlines() if "upload" in line]
    cloud.run("state", "rm", "tuning_job.support", *files)
    [job] = cloud.fake.jobs
    assert orphans(cloud)[job] == "cancel_and_delete"
    cloud.run("gc", *YES)
    assert cloud.fake.jobs[job]["status"] == "cancelled"
    assert cloud.fake.files == {}


def test_a_file_that_a_running_job_of_others_uses_stays(littered):
    [file, *_] = littered.fake.files
    body = {"model": "gpt-4o-mini", "training_file": file}
    job = littered.fake.post_jobs({**body, "metadata": None})["id"]
    assert orphans(littered)[file] == "in_use"
    littered.run("gc", *YES)
    assert list(littered.fake.files) == [file]
    littered.fake.act(job, "cancel")
    littered.run("gc", *YES)
    assert littered.fake.files == {}


def test_a_model_that_a_recorded_endpoint_serves_stays(applied):
    applied.run("state", "rm", "tuning_job.support")
    [job] = applied.fake.jobs
    assert orphans(applied)[job] == "in_use"
    applied.run("gc", *YES)
    assert len(applied.models) == 2


def test_what_was_kept_on_purpose_stays(cloud):
    cloud.edit("keep_previous: 0", "keep_previous: 0, keep_on_destroy: true")
    cloud.run("apply", "--auto-approve")
    cloud.run("destroy", "--auto-approve")
    [job] = cloud.fake.jobs
    assert orphans(cloud)[job] == "kept_on_purpose"
    cloud.run("gc", *YES)
    assert len(cloud.models) == 2


def test_what_was_forgotten_on_purpose_goes_only_when_asked(littered):
    found = littered.run("gc", "--older-than", "0s").out
    assert "forgotten on purpose" in found
    littered.run("gc", "--delete", "--auto-approve", "--confirm", "pomoc", "--older-than", "0s")
    assert len(littered.fake.files) == 2
    littered.run("gc", *YES)
    assert not littered.fake.files


def test_what_the_user_names_stays(littered):
    [file, other] = littered.fake.files
    keep = ("--keep", "tuning_job.*", "--keep", file)
    assert "kept: `--keep tuning_job.*`; made " in littered.run("gc", *NOW, *keep).out
    littered.run("gc", *YES, *keep)
    assert (list(littered.fake.files), len(littered.models)) == ([file], 2)
    assert other not in littered.fake.files


def test_what_cannot_be_deleted_is_told_of_and_the_rest_goes(littered):
    littered.fake.faults.append(
        Fault("DELETE", "/models/.*", status=403, message="You need the role Owner.", times=9)
    )
    result = littered.run("gc", *YES, code=6)
    assert "You need the role Owner." in result.out
    assert "2 deleted, 0 kept, 1 failed." in result.out
    littered.fake.faults.clear()
    littered.fake.faults.append(Fault("DELETE", "/models/.*", status=409, times=9))
    littered.run("gc", *YES, code=1)
    littered.fake.faults.clear()
    littered.run("gc", *YES)
    assert littered.models == []


def test_what_came_into_a_state_meanwhile_is_kept(littered, monkeypatch):
    """The question is asked under the locks; the state may still be pushed by other means."""
    import tunectl.app.collecting as collecting

    [job] = littered.fake.jobs
    state = littered.folder / "state" / "default.json"
    older = sorted((littered.folder / "state" / "history").glob("default.json.*"))
    with_everything = next(
        path
        for path in reversed(older)
        if any(i["id"] == job for i in orjson.loads(path.read_bytes())["instances"])
    )
    surveyed = collecting._surveyed

    def slow(*args):
        found = surveyed(*args)
        shutil.copy(with_everything, state)
        return found

    monkeypatch.setattr(collecting, "_surveyed", slow)
    result = littered.run("gc", *YES)
    assert "it is managed by now" in result.out
    assert (len(littered.fake.files), len(littered.models)) == (2, 2)


def test_an_environment_that_appears_meanwhile_stops_everything(littered, monkeypatch):
    import tunectl.app.collecting as collecting

    surveyed = collecting._surveyed

    def slow(*args):
        found = surveyed(*args)
        (littered.folder / "state" / "new.journal").write_bytes(b"{}\n")
        return found

    monkeypatch.setattr(collecting, "_surveyed", slow)
    assert "another environment appeared" in littered.run("gc", *YES, code=5).err
    assert len(littered.models) == 2


def test_more_than_allowed_is_refused_before_anything_goes(littered):
    refused = littered.run("gc", *YES, "--max-deletes", "2", code=3)
    assert "3 objects would be deleted" in refused.err
    assert len(littered.models) == 2
    littered.run("gc", *YES, "--max-deletes", "3")


def test_deleting_needs_the_project_s_name(littered):
    assert "not interactive" in littered.run("gc", "--delete", *NOW, code=1).err
    wrong = ("--delete", "--auto-approve", "--confirm", "inny", *NOW)
    assert "the project is `pomoc`" in littered.run("gc", *wrong, code=1).err
    for half in (("--delete", "--auto-approve"), ("--confirm", "pomoc")):
        assert "belong together" in littered.run("gc", *half, code=1).err
    assert "belongs to `--delete`" in (
        littered.run("gc", "--auto-approve", "--confirm", "pomoc", code=1).err
    )
    assert "not a length of time" in littered.run("gc", "--older-than", "soon", code=1).err
    assert len(littered.models) == 2


def test_json_of_a_deletion_says_what_became_of_each(littered):
    tree = littered.run("gc", "--json", *YES).json
    assert tree["dry_run"] is False
    assert tree["exit"] == {"code": 0, "reason": "done"}
    assert {o["outcome"] for o in tree["orphans"]} == {"deleted"}
    assert tree["summary"]["deleted"] == 3
    by_type = [o["type"] for o in tree["orphans"]]
    assert by_type == ["tuning_job", "upload", "upload"]


def test_a_broken_declaration_and_missing_data_stop_nothing(littered):
    (littered.folder / "data" / "rows.jsonl").unlink()
    littered.edit("gpt-4o-mini-2024-07-18", "nope")
    littered.run("gc", *YES)
    assert littered.models == []


def test_a_refused_key_is_exit_6_where_something_lives_there(applied, monkeypatch):
    monkeypatch.delenv("FAKE_KEY")
    tree = applied.run("gc", "--json", code=6).json
    assert tree["exit"]["reason"] == "credentials"
    assert tree["complete"] is False


def test_what_was_deleted_is_not_offered_again_where_no_list_tells_that_it_is_gone(cloud):
    cloud.edit("profile: openai, ", "")  # a service that nothing is known of
    cloud.run("apply", "--auto-approve")
    cloud.run("state", "rm", "tuning_job.support", "endpoint.support", "prompt_template.support")
    [job] = cloud.fake.jobs
    assert orphans(cloud)[job] == "delete"
    cloud.run("gc", *YES)
    assert orphans(cloud)[job] == "record_stays"
    said = cloud.run("gc", *YES).out
    assert f"job {job}" not in said
    assert cloud.fake.jobs[job]["status"] == "succeeded", "the service still says it is there"


def test_a_damaged_memory_of_what_was_deleted_is_refused_by_name(littered):
    littered.run("gc", *YES)
    memory = littered.folder / "state" / "shared" / "deleted.json"
    assert "ftjob-" in memory.read_text(encoding="utf-8")
    memory.write_text("{", encoding="utf-8")
    assert "`shared/deleted.json` cannot be understood" in littered.run("gc", *NOW, code=1).err


def test_a_state_that_cannot_be_read_is_not_called_none(littered):
    (littered.folder / "state" / "default.json").write_bytes(b"")
    result = littered.run("gc", *NOW, code=1)
    assert "state `default.json` is empty" in result.err
    assert "managed by no environment whose state can be read" in result.out
    assert littered.run("gc", *YES, code=3).err.startswith("error: nothing is deleted")


def test_an_account_that_cannot_be_reached_hides_no_orphan_at_another(littered):
    littered.edit(
        "providers:\n",
        "providers:\n  away: {type: openai, profile: openai, key_env: FAKE_KEY, "
        "base_url: 'http://127.0.0.1:9/v1'}\n",
    )
    tree = littered.run("gc", "--json", *NOW).json
    assert len(tree["orphans"]) == 3
    assert [d["severity"] for d in tree["diagnostics"]] == ["warning"]
    assert tree["complete"] is True, "nothing of ours was ever there"


def test_an_account_that_was_never_used_may_have_no_key(applied):
    applied.edit(
        "providers:\n",
        "providers:\n  azure: {type: openai, profile: azure, key_env: NO_SUCH_KEY, "
        "base_url: 'https://acme.invalid/openai/v1'}\n",
    )
    result = applied.run("gc")
    assert "`NO_SUCH_KEY` is not set" in result.err


def test_a_model_that_was_deleted_is_offered_to_no_environment(littered):
    littered.run("gc", *YES)
    littered.edit("project: pomoc", "project: pomoc\nenvironments: [prod]")
    littered.run("apply", "--env", "prod", "--auto-approve")
    assert len(littered.fake.jobs) == 2


def test_a_person_types_the_project_s_name(littered):
    args = (littered.folder, "gc", "--delete", *NOW)
    shown, code = on_terminal(*args, answer=b"yes\n", environ={"FAKE_KEY": KEY})
    assert code == 1
    assert "Cancelled. 3 orphans left as they are." in shown
    assert len(littered.models) == 2
    shown, code = on_terminal(*args, answer=b"pomoc\n", environ={"FAKE_KEY": KEY})
    assert code == 0
    assert littered.models == []


def test_what_two_environments_let_go_at_once_is_told_and_is_an_orphan(cloud):
    """Each plan leaves the model to the other environment; the guards never spoke of its end."""
    with cloud.yaml.open("a", encoding="utf-8") as file:
        file.write("environments: [staging, prod]\n")
    for env in ("staging", "prod"):
        cloud.run("apply", "--auto-approve", "--env", env)
    said: list[Event] = []

    def meanwhile(planned: Planned) -> None:
        [job] = [c for c in planned.plan.changes if c.address.kind == "tuning_job"]
        assert job.cause is Cause.SHARED
        cloud.run("destroy", "--auto-approve", "--env", "prod")

    options = Options(root=cloud.folder, env="staging")
    apply(options, Asked(approve=meanwhile, on_event=said.append, aim=Aim(destroy=True)))
    [job] = cloud.fake.jobs
    [left] = [e.message for e in said if e.phase is Phase.REMAINS and e.id == job]
    assert "its other environment let it go too meanwhile; `tunectl gc --delete`" in left
    only = ("--older-than", "0s", "--env", "prod")
    assert orphans(cloud, *only)[job] == "delete"
    cloud.run("gc", "--delete", "--auto-approve", "--confirm", "pomoc", *only)
    assert not any(name.startswith("ft:") for name in cloud.models)


def test_what_one_environment_leaves_to_another_is_no_orphan_and_goes_with_the_last(cloud):
    with cloud.yaml.open("a", encoding="utf-8") as file:
        file.write("environments: [staging, prod]\n")
    for env in ("staging", "prod"):
        cloud.run("apply", "--auto-approve", "--env", env)
    done = cloud.run("destroy", "--auto-approve", "--env", "staging").out
    assert "let it go too" not in done
    [job] = cloud.fake.jobs
    assert job not in orphans(cloud, "--older-than", "0s", "--env", "prod")
    cloud.run("destroy", "--auto-approve", "--env", "prod")
    assert not cloud.models
