"""What goes wrong between the parts: another server or account, a fixed name, an old record."""

from __future__ import annotations

import json
import shutil

import orjson
import pytest

from tests.e2e.conftest import row
from tests.e2e.test_lifecycle import inventory, listed

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes


def aliases(root) -> dict[str, str]:
    found = [orjson.loads(p.read_bytes()) for p in (root / "aliases").glob("*.json")]
    return {alias["name"]: alias["model"] for alias in found}


def finished(site):
    assert site.run("plan").out.startswith("No changes.")


def test_a_move_to_another_server_makes_everything_there_and_leaves_nothing_behind(site, tmp_path):
    site.edit(
        "  local: {trainer: simulated}\n",
        f"  local: {{trainer: simulated}}\n  other: {{type: local, trainer: simulated, "
        f"root: {json.dumps(str(tmp_path / 'other'))}}}\n",
    )
    site.run("apply", "--auto-approve")
    site.edit("default_provider: local", "default_provider: other")
    moved = site.run("plan")
    assert "tuning_job.support must be replaced" in moved.out
    assert "+/- endpoint.support" in moved.out, "the name is free there: no gap"
    site.run("apply", "--auto-approve")
    finished(site)
    assert aliases(site.root) == {}
    there = site.root
    empty = inventory(site)
    assert (empty["files"], empty["tuned"]) == ([], [])
    site.root = tmp_path / "other"
    full = inventory(site)
    site.root = there
    assert [len(full[k]) for k in ("files", "tuned", "aliases")] == [2, 1, 1]
    # The first provider is no longer declared; the second alone is left.
    site.edit("  local: {trainer: simulated}\n", "")
    site.run("destroy", "--auto-approve")
    assert aliases(tmp_path / "other") == {}
    assert listed(site) == []


def test_objects_of_a_provider_that_is_no_longer_declared_are_deleted_with_what_was_recorded(
    site, tmp_path
):
    first = tmp_path / "first"
    site.edit(
        "  local: {trainer: simulated}\n",
        f"  local: {{trainer: simulated, root: {json.dumps(str(first))}}}\n",
    )
    site.run("apply", "--auto-approve")
    site.edit(
        f"  local: {{trainer: simulated, root: {json.dumps(str(first))}}}\n",
        "  other: {type: local, trainer: simulated}\n",
    )
    site.edit("default_provider: local", "default_provider: other")
    site.run("apply", "--auto-approve")
    finished(site)
    assert aliases(first) == {}
    assert len(aliases(site.root)) == 1
    assert list((first / "files").glob("file-*.json")) == []


@pytest.mark.parametrize("address", ["endpoint.support", "prompt_template.support"])
def test_what_has_a_fixed_name_can_be_made_anew(site, address):
    site.run("apply", "--auto-approve")
    replan = site.run("plan", "--replace", address)
    assert "-/+" in replan.out
    site.run("apply", "--auto-approve", "--replace", address)
    finished(site)
    assert len(aliases(site.root)) == 1
    assert site.run("ask", "prompt_template.support", "Gdzie jest żółw?").out.strip()


def test_protection_counts_as_soon_as_it_is_written(site):
    site.run("apply", "--auto-approve")
    site.edit("    lifecycle: {keep_previous: 0}", "    lifecycle: {protect: true}")
    refused = site.run("destroy", "--auto-approve", code=3)
    assert "protected" in refused.err
    site.run("apply", "--auto-approve")
    # Recorded too: the block itself may be gone when it matters.
    [job] = [i for i in site.state()["instances"] if i["address"] == "tuning_job.support"]
    assert job["lifecycle"]["protect"] is True
    site.edit("    lifecycle: {protect: true}", "    lifecycle: {keep_previous: 0}")
    site.run("destroy", "--auto-approve")
    assert listed(site) == []


def test_an_upload_of_data_edited_after_a_crash_is_not_taken_for_the_new_data(site):
    """The journal ends after the upload's intent; its file exists, and the rows are edited."""
    site.run("plan", "-o", "first.plan")  # binds the state: a snapshot to append to
    site.run("apply", "first.plan")
    site.run("destroy", "--auto-approve")
    assert inventory(site)["files"] == []
    _crash_after_upload(site)
    lines = [row(n, f"Zupełnie inna odpowiedź {n}.") for n in range(60)]
    site.rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    site.run("apply", "--auto-approve")
    finished(site)
    trained = list((site.root / "jobs").glob("ftjob-*/train.jsonl"))
    newest = max(trained, key=lambda p: p.stat().st_ctime_ns)
    assert "Zupełnie inna odpowiedź" in newest.read_text(encoding="utf-8")
    assert len(inventory(site)["files"]) == 2


def _crash_after_upload(site):
    """Leave what a kill leaves between an upload's arrival and the record of it."""
    import subprocess
    import sys

    code = """
import os, sys
from tunectl.providers.wire.upload import Uploads
made = Uploads.create
def create(self, request):
    made(self, request)
    if request.spec["split"] == "train":
        os._exit(9)
    return made
Uploads.create = create
from tunectl.cli.main import main
main(["apply", "--auto-approve", "--parallelism", "1"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site.folder,
        env=site.env,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        encoding="utf-8",
    )
    assert done.returncode == 9, done.stdout + done.stderr


def test_an_output_file_that_is_missing_is_written_again_although_nothing_changes(site):
    site.run("apply", "--auto-approve")
    file = site.folder / "deploy" / "model.json"
    said = file.read_bytes()
    file.unlink()
    site.run("apply", "--auto-approve")
    assert file.read_bytes() == said


def test_what_is_recorded_can_be_read_without_data_and_with_a_broken_declaration(site):
    site.run("apply", "--auto-approve")
    known = listed(site)
    values = site.run("output", "--format", "json").out
    shutil.rmtree(site.folder / "data")
    site.edit("base_model: simulated-1", "base_modell: simulated-1")
    site.run("plan", code=1)
    assert listed(site) == known
    assert site.run("output", "--format", "json").out == values
    assert "ftjob-" in site.run("state", "show", "tuning_job.support").out


def test_a_folder_that_is_gone_for_ever_is_refused_and_can_be_forgotten(site):
    site.run("apply", "--auto-approve")
    site.stop_server()
    shutil.rmtree(site.root)
    refused = site.run("plan", code=3)
    assert "lives in account" in refused.err
    assert "tunectl state rm" in refused.err
    site.run("destroy", "--auto-approve", code=3)
    site.run("state", "rm", *(a for a in listed(site) if not a.startswith("dataset.")))
    assert "5 to add" in site.run("plan").out
    site.run("apply", "--auto-approve")
    finished(site)


def test_an_alias_that_somebody_else_made_meanwhile_is_left_alone(site):
    site.run("apply", "--auto-approve")
    [alias] = (site.root / "aliases").glob("*.json")
    said = orjson.loads(alias.read_bytes())
    said["metadata"]["tunectl-op"] = "0" * 32
    said["metadata"]["tunectl-lineage"] = "another"
    alias.write_bytes(orjson.dumps(said))
    site.run("destroy", "--auto-approve")
    assert orjson.loads(alias.read_bytes()) == said


def test_two_projects_with_one_name_on_one_server_do_not_take_each_others_alias(site, tmp_path):
    site.run("apply", "--auto-approve")
    twin = tmp_path / "twin"
    shutil.copytree(site.folder, twin, ignore=shutil.ignore_patterns("state", ".tunectl"))
    first, site.folder = site.folder, twin
    blocked = site.run("apply", "--auto-approve", code=1)
    assert "bought already by another history" in blocked.err
    clash = site.run("apply", "--auto-approve", "--replace", "tuning_job.support", code=7)
    assert "exists already" in clash.err
    site.run("destroy", "--auto-approve")
    site.folder = first
    finished(site)


def test_an_address_that_moved_keeps_its_objects_and_its_prompt_file_follows(site):
    site.run("apply", "--auto-approve")
    before = inventory(site)
    site.edit("tuning_job:\n  support:", "tuning_job:\n  desk:")
    site.edit("model: tuning_job.support", "model: tuning_job.desk")
    site.edit("prompt_template:\n  support:", "prompt_template:\n  desk:")
    with (site.folder / "tunectl.yaml").open("a", encoding="utf-8") as stream:
        stream.write(
            "moved:\n"
            "  - {from: tuning_job.support, to: tuning_job.desk}\n"
            "  - {from: prompt_template.support, to: prompt_template.desk}\n"
        )
    assert "0 to add" in site.run("plan").out or "1 to add" in site.run("plan").out
    site.run("apply", "--auto-approve")
    site.run("apply", "--auto-approve")
    finished(site)
    assert inventory(site)["jobs"] == before["jobs"]
    folder = site.folder / ".tunectl" / "prompts" / "default"
    assert [p.name for p in folder.glob("*.json")] == ["desk.json"]
