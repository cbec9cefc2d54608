"""A lost state is rebuilt from what the server holds, and no job is bought again."""

from __future__ import annotations

import base64
import re
import shlex
import shutil

import orjson
import pytest

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

KEY = base64.b64encode(bytes(range(32))).decode()


def kept(state: dict) -> set[tuple[str, ...]]:
    """What the provider has, as recorded; what is built in is made again for nothing."""
    return {
        (i["address"], i["id"], i["op"], i["account"], i["status"], i.get("fingerprint", ""))
        for i in state["instances"]
        if i["provider"] != "builtin"
    }


def jobs(site) -> list[str]:
    return sorted(path.name for path in (site.root / "jobs").glob("ftjob-*"))


def test_a_state_lost_with_its_history_is_rebuilt_from_the_marks(site):
    site.run("apply", "--auto-approve")
    before = site.state()
    [job] = jobs(site)
    shutil.rmtree(site.folder / "state")

    dry = site.run("state", "repair")
    assert f"tuning_job.support [id={job}]" in dry.out
    assert 'upload.support["train/local/chat"]' in dry.out
    assert "Nothing was written." in dry.out
    assert not (site.folder / "state" / "default.json").exists()

    site.run("state", "repair", "--write")
    assert kept(site.state()) == kept(before)
    assert site.state()["lineage"] == before["lineage"]
    plan = site.run("plan")
    assert "tuning_job.support" not in plan.out
    assert "Plan: 2 to add, 0 to change, 0 to destroy." in plan.out  # dataset and prompt: free
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert jobs(site) == [job]
    site.run("destroy", "--auto-approve")
    assert not list((site.root / "aliases").glob("*.json"))
    assert not list((site.root / "files").glob("*.jsonl"))


def test_a_torn_sealed_state_is_rebuilt_with_what_its_history_knows(site):
    env = {"TUNECTL_STATE_KEY": KEY}
    site.run("apply", "--auto-approve", **env)
    state = site.folder / "state" / "default.json"
    before = orjson.loads(site.run("state", "pull", **env).out)
    state.write_bytes(state.read_bytes()[:300])
    refused = site.run("apply", "--auto-approve", code=1, **env)
    assert "`default.json` is sealed, and truncated or damaged" in refused.err
    site.run("state", "repair", "--write", **env)
    after = orjson.loads(site.run("state", "pull", **env).out)
    assert after["serial"] > before["serial"]
    assert kept(after) == kept(before)
    site.run("apply", "--auto-approve", **env)
    assert site.run("plan", **env).out.startswith("No changes.")
    assert len(jobs(site)) == 1


def test_rows_edited_since_are_told_and_nothing_is_trained_unasked(site):
    site.run("apply", "--auto-approve")
    shutil.rmtree(site.folder / "state")
    text = site.rows.read_text("utf-8")
    site.rows.write_text(text.replace("jest w domu", "jest w lesie"), "utf-8")
    done = site.run("state", "repair", "--write")
    assert "Trained on other rows than those declared now" in done.out
    site.run("apply", "--auto-approve")
    assert len(jobs(site)) == 1


def test_where_nothing_carries_the_mark_nothing_is_written(site):
    refused = site.run("state", "repair", "--write", code=3)
    assert "no object carries this project's mark" in refused.err
    assert not (site.folder / "state" / "default.json").exists()


def test_an_alias_that_is_in_the_way_is_taken_over_as_the_hint_says(site):
    site.run("apply", "--auto-approve")
    site.run("state", "rm", "endpoint.support")
    refused = site.run("apply", "--auto-approve", code=None)
    assert refused.code
    [command] = re.findall(r"hint: .*?`(tunectl import [^`]*)`", refused.err)
    assert command == "tunectl import endpoint.support pomoc-support"
    site.run(*shlex.split(command)[1:])
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
