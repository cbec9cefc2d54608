"""What kind of plan is wanted: flags that exclude each other, and renderings written to files."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Run

PLAN = [
    (("--target", "a", "--exclude", "b"), "`--target` and `--exclude` exclude each other"),
    (("--destroy", "--replace", "a"), "`--destroy` and `--replace` exclude each other"),
    (("--refresh-only", "--destroy"), "`--refresh-only` and `--destroy` exclude each other"),
    (("--refresh-only", "--replace", "a"), "`--refresh-only` and `--replace` exclude each other"),
    (("--refresh-only", "--no-refresh"), "`--refresh-only` and `--no-refresh` exclude each other"),
    (("--target", ""), "`--target` is empty"),
    (("--allow-irreplaceable", " "), "`--allow-irreplaceable` is empty"),
]
WRITE = [
    ("jsn=x", "there is no format `jsn`", "did you mean `json=x`?"),
    ("pdf=x", "there is no format `pdf`", "formats are `human`, `json`, `markdown`"),
    ("json=-", "`--write` writes files", "print with `--format json`"),
    ("json", "`--write json` is not of the form `FORMAT=FILE`", "formats are"),
    ("json=", "`--write json=` is not of the form `FORMAT=FILE`", "formats are"),
    ("json=none/plan.json", "there is no folder `none`", "make it first"),
    ("json=data", "`data` is a folder", "name a file in it"),
]


@pytest.mark.parametrize(("args", "said"), PLAN, ids=lambda a: " ".join(a) if a else None)
def test_flags_that_exclude_each_other_are_a_usage_error(tunectl: Run, args, said):
    result = tunectl("plan", *args)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"error: {said}\n")


@pytest.mark.parametrize("flag", ["--target", "--exclude", "--replace", "--allow-irreplaceable"])
def test_a_saved_plan_takes_no_flag_that_would_change_it(tunectl: Run, project, flag):
    assert tunectl("plan", "-o", "p.plan").code == 0
    result = tunectl("apply", "p.plan", flag, "dataset.support")
    assert result.code == 1
    assert f"`{flag}` belongs to `plan` when a saved plan is applied" in result.err
    assert tunectl("apply", "p.plan", "--force").code == 1
    assert tunectl("apply", "p.plan").code == 0


@pytest.mark.parametrize(("value", "said", "hint"), WRITE)
def test_a_rendering_that_cannot_be_written_is_told_before_anything_is_planned(
    tunectl: Run, project, value, said, hint
):
    before = sorted(project.rglob("*"))
    result = tunectl("plan", "--write", value)
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert hint in result.err
    assert sorted(project.rglob("*")) == before


def test_one_file_takes_one_rendering(tunectl: Run):
    twice = tunectl("plan", "--write", "json=a", "--write", "human=a")
    assert "`--write` names `a` twice" in twice.err
    both = tunectl("plan", "-o", "a", "--write", "human=a")
    assert "`-o` and `--write` both name `a`" in both.err


def test_one_run_gives_every_rendering_and_each_is_what_format_prints(tunectl: Run, project):
    (project / "raporty").mkdir()
    done = tunectl(
        "plan", "--write", "json=raporty/plan.json", "--write", "markdown=plan.md",
        "--write", "human=plan żółw.txt",
    )  # fmt: skip
    assert done.code == 0
    assert "Plan: 2 to add" in done.out
    written = json.loads((project / "raporty" / "plan.json").read_text(encoding="utf-8"))
    printed = tunectl("plan", "--format", "json").json
    assert written["resource_changes"] == printed["resource_changes"]
    markdown = tunectl("plan", "--format", "markdown").out
    assert (project / "plan.md").read_text(encoding="utf-8") == markdown
    human = (project / "plan żółw.txt").read_text(encoding="utf-8")
    assert human in done.out
    assert "\x1b" not in human


def test_a_target_takes_what_it_needs_along_and_leaves_the_rest(tunectl: Run):
    data = tunectl("plan", "--target", "dataset.support", "--format", "json").json
    assert [c["address"] for c in data["resource_changes"]] == ["dataset.support"]
    assert tunectl("plan", "--target", "prompt_template.*").out.count("will be created") == 2
    none = tunectl("plan", "--exclude", "dataset.support", "--detailed-exitcode")
    assert "will be created" not in none.out
    wrong = tunectl("plan", "--target", "dataset.suport")
    assert wrong.code == 1
    assert "did you mean `dataset.support`?" in wrong.err


@pytest.mark.parametrize("command", ["drift", "gc", "rehearse"])
def test_json_is_another_name_of_the_format_of_a_document(tunectl: Run, command: str):
    asked, other = (tunectl(command, *way) for way in (("--format", "json"), ("--json",)))
    assert other.json["exit"] == asked.json["exit"]
    assert other.json.keys() == asked.json.keys()
    assert tunectl(command, "--format", "human", "--json").json.keys() == asked.json.keys()
    assert "--json" not in tunectl(command, "--help").out


def test_a_refresh_only_apply_makes_nothing(tunectl: Run):
    assert tunectl("apply", "--refresh-only", "--auto-approve").code == 0
    assert "Plan: 2 to add" in tunectl("plan").out


def test_destroy_takes_targets(tunectl: Run):
    assert tunectl("apply", "--auto-approve").code == 0
    assert tunectl("destroy", "--target", "prompt_template.support", "--auto-approve").code == 0
    assert tunectl("state", "list").out == "dataset.support\n"
