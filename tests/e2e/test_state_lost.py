"""A lost state is never read as "nothing there", and a rebuilt one has each object once."""

from __future__ import annotations

import orjson
import pytest

from tests.e2e.inprocess import cloud
from tunectl.core.errors import UnavailableError

__all__ = ["cloud"]


def recorded(cloud) -> dict[str, str]:
    return {
        i["address"]: i["id"] for i in orjson.loads(cloud.run("state", "pull").out)["instances"]
    }


def test_a_job_that_was_renamed_and_renamed_back_stays_one_job_at_its_declared_address(cloud):
    cloud.run("apply", "--auto-approve")
    before = recorded(cloud)
    cloud.run("state", "mv", "tuning_job.support", "tuning_job.x")
    cloud.run("state", "mv", "tuning_job.x", "tuning_job.support")
    (cloud.folder / "state" / "default.json").write_bytes(b"")
    cloud.run("state", "repair", "--write")
    assert recorded(cloud) == before
    assert cloud.run("plan").out.startswith("No changes.")


def test_a_job_that_moved_keeps_its_new_address_although_its_mark_says_the_old_one(cloud):
    cloud.run("apply", "--auto-approve")
    text = cloud.yaml.read_text("utf-8")
    text = text.replace("tuning_job:\n  support:", "tuning_job:\n  nowy:")
    text = text.replace("model: tuning_job.support", "model: tuning_job.nowy")
    text += "moved: [{from: tuning_job.support, to: tuning_job.nowy}]\n"
    cloud.yaml.write_text(text, "utf-8")
    for answer in ("jest w lesie", "jest w parku"):
        cloud.run("apply", "--auto-approve")
        cloud.edit("Jesteś pomocny", f"Jesteś pomocny: {answer}")
    before = recorded(cloud)
    assert "tuning_job.nowy" in before
    (cloud.folder / "state" / "default.json").write_bytes(b"")
    cloud.run("state", "repair", "--write")
    assert recorded(cloud) == before
    plan = cloud.run("plan").out
    assert "0 to destroy." in plan
    assert "# tuning_job" not in plan
    assert len(cloud.fake.jobs) == 1


def test_a_removed_state_is_not_read_as_nothing_and_the_hint_brings_it_back(cloud):
    cloud.run("apply", "--auto-approve")
    cloud.run("state", "rm", "prompt_template.support")
    (cloud.folder / "state" / "default.json").unlink()
    for command in (("plan",), ("apply", "--auto-approve")):
        refused = cloud.run(*command, code=1)
        assert "there is no state `default.json`, but there was one" in refused.err
    [_, command, *_] = refused.err.partition("hint: ")[2].split("`")
    cloud.run(*command.removeprefix("tunectl ").split())
    assert cloud.run("plan").out.startswith("No changes.")
    assert len(cloud.fake.jobs) == 1


def test_the_hint_buys_nothing_again_although_the_newest_generation_is_older_than_the_job(cloud):
    cloud.run("apply", "--auto-approve")
    (cloud.folder / "state" / "default.json").unlink()
    refused = cloud.run("plan", code=1)
    [_, command, *_] = refused.err.partition("hint: ")[2].split("`")
    cloud.run(*command.removeprefix("tunectl ").split())
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert len(cloud.fake.jobs) == 1


def test_a_generation_that_is_put_back_alone_says_what_it_lacks(cloud):
    cloud.run("apply", "--auto-approve")
    (cloud.folder / "state" / "default.json").unlink()
    generation = cloud.run("state", "history").out.splitlines()[-1].split()[0]
    shown = cloud.run("state", "repair", "--from", generation).out
    assert "with 0 recorded objects" in shown
    assert "What was made after it is not in it, and would be made again" in shown


def test_what_was_trained_after_a_generation_that_is_put_back_is_used_and_not_bought_again(cloud):
    cloud.run("apply", "--auto-approve")
    (cloud.folder / "state" / "default.json").unlink()
    generation = cloud.run("state", "history").out.splitlines()[-1].split()[0]
    cloud.run("state", "repair", "--from", generation, "--write")
    assert "tuning_job.support will reuse" in cloud.run("plan").out
    cloud.run("apply", "--auto-approve")
    assert cloud.run("plan").out.startswith("No changes.")
    assert len(cloud.fake.jobs) == 1


@pytest.fixture
def older(cloud):
    """A project whose state is that from before its job was trained."""
    cloud.run("apply", "--auto-approve")
    (cloud.folder / "state" / "default.json").unlink()
    generation = cloud.run("state", "history").out.splitlines()[-1].split()[0]
    cloud.run("state", "repair", "--from", generation, "--write")
    return cloud


def test_an_apply_of_something_else_does_not_make_the_store_forget_a_trained_job(older):
    older.run("apply", "--auto-approve", "--target", "dataset.support")
    older.run("apply", "--auto-approve")
    assert older.run("plan").out.startswith("No changes.")
    assert len(older.fake.jobs) == 1


def test_an_apply_that_fails_before_it_uses_a_trained_job_does_not_forget_it(older, monkeypatch):
    def unreachable(run, step):
        raise UnavailableError.of("no route")
        yield

    with monkeypatch.context() as patched:
        patched.setattr("tunectl.engine.act.adopt", unreachable)
        older.run("apply", "--auto-approve", code=7)
    older.run("apply", "--auto-approve")
    assert older.run("plan").out.startswith("No changes.")
    assert len(older.fake.jobs) == 1


def test_gc_spares_a_trained_job_until_an_apply_uses_it_or_lets_it_go(older):
    at_once = ("--older-than", "0s", "--keep", "file-*")
    spared = older.run("gc", *at_once).out
    assert "environment `default` is said to use it" in spared
    older.run("gc", "--delete", "--auto-approve", "--confirm", "pomoc", *at_once)
    assert older.models
    older.run("destroy", "--auto-approve")  # nothing is wanted any more
    assert "is said to use it" not in older.run("gc", *at_once).out
    older.run("gc", "--delete", "--auto-approve", "--confirm", "pomoc", *at_once)
    assert not older.models


def test_a_trained_job_that_was_let_go_is_not_offered_again(cloud):
    cloud.run("apply", "--auto-approve")
    cloud.run("state", "rm", "tuning_job.support")
    assert "tuning_job.support will be created" in cloud.run("plan").out


def test_where_the_generations_are_removed_too_everything_begins_anew_but_what_was_trained(cloud):
    cloud.run("apply", "--auto-approve")
    (cloud.folder / "state" / "default.json").unlink()
    cloud.run("plan", code=1)
    for path in (cloud.folder / "state" / "history").glob("default.json.*"):
        path.unlink()
    plan = cloud.run("plan").out
    assert "tuning_job.support will reuse" in plan
    assert "1 to import, 3 to add" in plan


def test_a_lost_list_of_what_is_shared_lets_no_environment_delete_the_model_of_another(cloud):
    with cloud.yaml.open("a", encoding="utf-8") as file:
        file.write("environments: [staging, prod]\n")
    for env in ("staging", "prod"):
        cloud.run("apply", "--auto-approve", "--env", env)
    (cloud.folder / "state" / "shared" / "objects.json").unlink()
    cloud.run("apply", "--auto-approve", "--env", "staging")
    gone = cloud.run("destroy", "--auto-approve", "--env", "staging").out
    assert "another environment uses it" in gone
    assert cloud.run("plan", "--env", "prod").out.startswith("No changes.")
    cloud.run("destroy", "--auto-approve", "--env", "prod")
    assert not cloud.models
