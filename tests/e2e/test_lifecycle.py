"""Plan, apply, edit, replace, destroy: what a user does in a first hour."""

from __future__ import annotations

import json
import re

import orjson
import pytest

from tests.e2e.conftest import row

ADDRESSES = [
    "dataset.support",
    "endpoint.support",
    "prompt_template.support",
    "tuning_job.support",
    'upload.support["train/local/chat"]',
    'upload.support["validation/local/chat"]',
]


def listed(site) -> list[str]:
    return [line.split()[0] for line in site.run("state", "list").out.splitlines() if line]


def inventory(site) -> dict[str, list[str]]:
    """What the server holds, asked through the real SDK."""
    from openai import OpenAI

    said = orjson.loads((site.root / "server.json").read_bytes())
    token = (site.root / "token").read_text().strip()
    client = OpenAI(base_url=said["url"].rstrip("/").removesuffix("/v1") + "/v1", api_key=token)
    purposes = [(f.id, f.purpose) for f in client.files.list()]
    models = [(m.id, m.owned_by) for m in client.models.list()]
    return {
        "files": [i for i, purpose in purposes if purpose == "fine-tune"],
        "tuned": [i for i, _ in models if i.startswith("ft:") and "ckpt" not in i],
        "aliases": [i for i, owner in models if owner == "tunectl-alias"],
        "jobs": [j.id for j in client.fine_tuning.jobs.list()],
    }


def test_the_first_hour(site):
    site.fresh = True
    plan = site.run("plan")
    assert "Plan: 6 to add, 0 to change, 0 to destroy." in plan.out
    assert not (site.folder / "state" / "default.json").exists()

    applied = site.run("apply", "--auto-approve")
    assert "Apply complete! Resources: 6 added, 0 changed, 0 destroyed." in applied.out
    assert listed(site) == ADDRESSES
    assert site.run("plan").out.startswith("No changes.")
    assert site.run("plan", "--detailed-exitcode").code == 0
    model = orjson.loads((site.folder / "deploy" / "model.json").read_bytes())
    assert site.run("output", "--format", "json").out.strip()
    assert json.loads(site.run("output", "--format", "json").out)["chain"] == f"id={model}"

    answer = site.run("ask", "endpoint.support", "Pytanie numer 3: gdzie jest żółw 21?")
    assert answer.out.strip()
    assert site.run("ask", "prompt_template.support", "Gdzie jest żółw?").out.strip()

    before = inventory(site)
    assert [len(before[k]) for k in ("files", "tuned", "aliases", "jobs")] == [2, 1, 1, 1]

    lines = site.rows.read_text(encoding="utf-8").splitlines()
    train = next(n for n, line in enumerate(lines) if in_split(site, n, "train"))
    lines[train] = row(train, "Zupełnie nowa odpowiedź.")
    site.rows.write_text("\n".join(lines) + "\n", encoding="utf-8")
    replan = site.run("plan", "--detailed-exitcode", code=2)
    assert "tuning_job.support must be replaced" in replan.out
    assert f"rows.jsonl:{train + 1}" in replan.out
    assert "1 changed" in replan.out
    assert "+/-" in replan.out

    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    after = inventory(site)
    assert [len(after[k]) for k in ("files", "tuned", "aliases", "jobs")] == [2, 1, 1, 2]
    assert set(after["tuned"]).isdisjoint(before["tuned"])

    gone = site.run("destroy", "--auto-approve")
    assert re.search(r"Destroy complete! Resources: \d+ destroyed\.", gone.out)
    assert "bills nothing" in gone.out
    empty = inventory(site)
    assert (empty["files"], empty["tuned"], empty["aliases"]) == ([], [], [])
    assert site.state()["instances"] == []
    assert listed(site) == []


def in_split(site, number: int, split: str) -> bool:
    """Ask the recorded row hashes which split a line is in."""
    state = site.state()
    [dataset] = [i for i in state["instances"] if i["address"] == "dataset.support"]
    from tunectl.data.diff import marks_from_bytes

    content = (site.folder / "state" / "rows" / dataset["spec"]["rows"]).read_bytes()
    return marks_from_bytes(content)[number].split == split


def test_key_order_white_space_and_blank_lines_change_nothing(site):
    site.run("apply", "--auto-approve")
    rows = [json.loads(line) for line in site.rows.read_text(encoding="utf-8").splitlines()]
    turned = [{"messages": [dict(reversed(m.items())) for m in r["messages"]]} for r in rows]
    text = "\n\n".join(json.dumps(r, ensure_ascii=True, indent=None) for r in turned)
    site.rows.write_text(text + "\n\n", encoding="utf-8")
    assert site.run("plan").out.startswith("No changes.")


def test_a_changed_suffix_waits_for_the_next_training(site):
    site.run("apply", "--auto-approve")
    site.edit("    lifecycle:", "    suffix: nowy\n    lifecycle:")
    plan = site.run("plan")
    assert "takes effect at the next training" in plan.out
    assert "No changes." in plan.out


@pytest.mark.slow
def test_a_changed_prompt_is_a_new_version_and_trains_nothing(site):
    site.run("apply", "--auto-approve")
    site.edit("Jesteś pomocny.", "Отвечай кратко.")
    plan = site.run("plan")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in plan.out
    site.run("apply", "--auto-approve")
    artefact = site.folder / ".tunectl" / "prompts" / "default" / "support.json"
    assert "Отвечай кратко." in artefact.read_text(encoding="utf-8")


def test_a_saved_plan_applies_once_and_is_then_stale(site):
    site.run("plan", "-o", "plan.bin")
    assert "Plan: 6 to add" in site.run("show", "plan.bin").out
    site.run("apply", "plan.bin")
    stale = site.run("apply", "plan.bin", code=5)
    assert "stale" in stale.err


def test_a_saved_plan_is_stale_when_the_data_moved(site):
    site.run("plan", "-o", "plan.bin")
    site.rows.write_text(site.rows.read_text(encoding="utf-8") + row(99) + "\n", encoding="utf-8")
    site.run("apply", "plan.bin", code=5)
    assert listed(site) == []


@pytest.mark.slow
def test_no_wait_leaves_the_job_running_and_the_next_apply_goes_on(site):
    site.run("apply", "--auto-approve", "--no-wait", code=None)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert len(inventory(site)["jobs"]) == 1


@pytest.mark.slow
def test_something_deleted_by_hand_is_made_again_when_it_costs_nothing(site):
    site.run("apply", "--auto-approve")
    for alias in (site.root / "aliases").glob("*.json"):
        alias.unlink()
    plan = site.run("plan")
    assert "endpoint.support" in plan.out
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")


@pytest.mark.slow
def test_a_model_deleted_by_hand_is_not_bought_again_unasked(site):
    site.run("apply", "--auto-approve")
    from openai import OpenAI

    said = orjson.loads((site.root / "server.json").read_bytes())
    token = (site.root / "token").read_text().strip()
    client = OpenAI(base_url=said["url"].rstrip("/").removesuffix("/v1") + "/v1", api_key=token)
    [tuned] = inventory(site)["tuned"]
    client.models.delete(tuned)
    plan = site.run("plan", code=1)
    assert "deleted remotely" in plan.out + plan.err
    assert "--replace tuning_job.support" in plan.out + plan.err
    site.run("apply", "--auto-approve", "--replace", "tuning_job.support")
    assert site.run("plan").out.startswith("No changes.")


def test_a_second_apply_is_refused_while_the_first_holds_the_lock(site):
    from tunectl.stores.file import FileStore

    with FileStore(site.folder / "state").lock("default", "apply"):
        refused = site.run("apply", "--auto-approve", code=4)
    assert "locked by" in refused.err


def test_without_a_terminal_apply_wants_auto_approve(site):
    refused = site.run("apply", code=1)
    assert "--auto-approve" in refused.err
    assert listed(site) == []


@pytest.mark.parametrize("content", ["", "{", '{"terraform_version": "1.11"}'])
def test_a_broken_state_is_never_read_as_nothing(site, content):
    (site.folder / "state").mkdir()
    (site.folder / "state" / "default.json").write_text(content)
    refused = site.run("plan", code=1)
    assert "default.json" in refused.err
    assert "6 to add" not in refused.out


@pytest.mark.slow
def test_a_job_is_logged_waited_for_and_shown(site):
    site.run("apply", "--auto-approve")
    assert "loss" in site.run("logs", "tuning_job.support").out
    site.run("wait", "tuning_job.support")
    assert "ftjob-" in site.run("state", "show", "tuning_job.support").out
    assert "ft:simulated-1" in site.run("show").out
    assert "simulated-1" in site.run("model", "list").out
    assert site.run("doctor", code=None).out
