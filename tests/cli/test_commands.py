"""The commands, one after the other, on a project that needs no provider."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run
from tests.cli.terminal import on_terminal
from tunectl.core.errors import Exit
from tunectl.stores.file import FileStore
from tunectl.views import json_events, json_plan

REFUSAL = "error: not interactive; pass --auto-approve or a saved plan\n"


def test_validate_says_success(tunectl: Run) -> None:
    assert "Success! The configuration is valid" in tunectl("validate").out
    assert tunectl("validate", "--format", "json").json["valid"] is True


def test_plan_tells_that_it_was_not_saved(tunectl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tunectl("plan")
    assert result.code == Exit.DONE
    assert "Plan: 2 to add, 0 to change, 0 to destroy." in result.out
    assert "You didn't use the -o option" in result.out
    monkeypatch.setenv("TUNECTL_IN_AUTOMATION", "1")
    assert "-o option" not in tunectl("plan").out


def test_detailed_exit_codes(tunectl: Run) -> None:
    assert tunectl("plan", "--detailed-exitcode").code == Exit.CHANGES
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    unchanged = tunectl("plan", "--detailed-exitcode")
    assert unchanged.code == Exit.DONE
    assert unchanged.out.startswith("No changes.")


def test_machine_plans_fit_their_schema(tunectl: Run) -> None:
    tree = tunectl("plan", "--format", "json").json
    jsonschema.validate(tree, json_plan.schema())
    assert tree["summary"]["add"] == 2


def test_markdown_plans_carry_the_marker(tunectl: Run) -> None:
    first = tunectl("plan", "--format", "markdown").out.splitlines()[0]
    assert first.startswith("<!-- tunectl:plan project=helpdesk env=default digest=sha256:")


def test_without_a_terminal_apply_wants_approval_beforehand(tunectl: Run, project: Path) -> None:
    result = tunectl("apply")
    assert (result.code, result.err) == (Exit.ERROR, REFUSAL)
    assert not (project / "state" / "default.json").exists()
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    assert tunectl("destroy").err == REFUSAL


def test_a_saved_plan_is_applied_without_asking(tunectl: Run, project: Path) -> None:
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    data = project / "data" / "support.jsonl"
    data.write_text(data.read_text("utf-8").replace("Tak.", "Nie.", 1), "utf-8")
    saved = tunectl("plan", "-o", "my.plan")
    assert 'tunectl apply "my.plan"' in saved.out
    shown = tunectl("show", "my.plan")
    assert "train 1 changed (data/support.jsonl:1)" in shown.out
    assert shown.out in saved.out
    applied = tunectl("apply", "my.plan")
    assert applied.code == Exit.DONE
    assert "Apply complete! Resources: 0 added, 2 changed, 0 destroyed." in applied.out
    assert tunectl("apply", "my.plan").code == Exit.STALE


def test_the_very_first_plan_can_be_saved_and_applied(tunectl: Run) -> None:
    assert tunectl("plan", "-o", "first.plan").code == Exit.DONE
    assert tunectl("apply", "first.plan").code == Exit.DONE


def test_a_held_lock_is_exit_4_and_names_the_holder(tunectl: Run, project: Path) -> None:
    store = FileStore(project / "state")
    with store.lock("default", "apply"):
        result = tunectl("apply", "--auto-approve", "--lock-timeout", "0.1")
    assert result.code == Exit.LOCK
    assert f"process {os.getpid()}" in result.err


def test_the_whole_life_of_a_project(tunectl: Run) -> None:
    applied = tunectl("apply", "--auto-approve")
    assert (
        "dataset.support: Creating...\ndataset.support: Creation complete after 0s" in applied.out
    )
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in applied.out
    assert 'path = ".tunectl/prompts/default/support.json"' in applied.out
    assert tunectl("state", "list").out.split() == ["dataset.support", "prompt_template.support"]
    assert "# prompt_template.support" in tunectl("state", "show", "prompt_template.support").out
    raw = tunectl("output", "path", "--raw").out
    assert raw == ".tunectl/prompts/default/support.json\n"
    assert tunectl("output", "path").out == f'"{raw.strip()}"\n'
    assert tunectl("output", "--format", "env").out == f"PATH={raw}"
    assert tunectl("output", "--format", "json").json == {"path": raw.strip()}
    assert tunectl("output", "nope").code == Exit.ERROR
    assert tunectl("show", "--format", "json").json["project"] == "helpdesk"
    assert "Outputs:" in tunectl("show").out
    assert tunectl("wait").out == "Nothing is running any more.\n"
    destroyed = tunectl("destroy", "--auto-approve")
    assert "Destroy complete! Resources: 2 destroyed." in destroyed.out
    assert tunectl("state", "list").out == ""
    assert tunectl("output").out == "No outputs.\n"


def test_the_event_stream_fits_its_schema(tunectl: Run) -> None:
    result = tunectl("apply", "--auto-approve", "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    for line in lines:
        jsonschema.validate(line, json_events.schema())
    types = [line["type"] for line in lines]
    assert types[0] == "version"
    assert types[-2:] == ["change_summary", "outputs"]
    assert types.count("planned_change") == 2
    assert types.count("apply_complete") == 2


def test_the_environment_and_variables_are_taken_on_either_side(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for args in (("--env", "prod", "plan"), ("plan", "--env", "prod")):
        assert tunectl(*args, "--format", "json").json["environment"] == "prod"
    monkeypatch.setenv("TUNECTL_ENV", "prod")
    assert tunectl("plan", "--format", "json").json["environment"] == "prod"
    assert tunectl("plan", "--env", "default", "--format", "json").json["environment"] == "default"


def test_a_folder_is_chosen_with_c(
    tunectl: Run, project: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tunectl("validate").code == Exit.ERROR
    assert tunectl("-C", str(project), "validate").code == Exit.DONE
    assert tunectl("validate", "-C", str(project)).code == Exit.DONE


@pytest.mark.parametrize("starter", ["local", "openai-compatible"])
def test_init_writes_a_project_that_is_valid(tunectl: Run, tmp_path: Path, starter: str) -> None:
    folder = str(tmp_path / "new")
    result = tunectl("-C", folder, "init", "--starter", starter)
    assert result.code == Exit.DONE
    assert "tunectl.yaml" in result.out
    assert tunectl("-C", folder, "validate").code == Exit.DONE
    assert tunectl("-C", folder, "fmt", "--check").code == Exit.DONE
    again = tunectl("-C", folder, "init", "--starter", starter)
    assert again.code == Exit.ERROR
    assert "tunectl.yaml` exist already" in again.err


@pytest.mark.parametrize(("name", "hint"), [("locl", "did you mean `local`?"), ("x", "there are ")])
def test_an_unknown_starter_is_told_with_the_nearest(
    tunectl: Run, tmp_path: Path, name: str, hint: str
) -> None:
    said = tunectl("-C", str(tmp_path / "new"), "init", "--starter", name)
    assert said.code == Exit.ERROR
    assert f"hint: {hint}" in said.err


def test_init_keeps_the_gitignore_of_a_repository_and_says_what_it_lacks(
    tunectl: Run, tmp_path: Path
) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc\n/state\n", "utf-8")
    said = tunectl("-C", str(tmp_path), "init").out
    assert (tmp_path / ".gitignore").read_text("utf-8") == "*.pyc\n/state\n"
    assert (tmp_path / "tunectl.yaml").exists()
    assert "add `.tunectl/` to it" in said
    again = tunectl("-C", str(tmp_path), "init")
    assert again.code == Exit.ERROR
    assert "tunectl.yaml` exist already" in again.err


def test_fmt_says_what_it_changed(tunectl: Run, project: Path) -> None:
    tunectl("fmt")
    assert tunectl("fmt", "--check").code == Exit.DONE
    file = project / "tunectl.yaml"
    styled = file.read_text("utf-8")
    file.write_text(styled.replace("dataset:", "dataset:   "), "utf-8")
    check = tunectl("fmt", "--check")
    assert check.code == Exit.REFUSED
    assert "tunectl.yaml" in check.out
    assert tunectl("fmt").code == Exit.DONE
    assert file.read_text("utf-8") == styled


def test_doctor_names_every_finding(tunectl: Run) -> None:
    result = tunectl("doctor")
    assert "  ok  project: helpdesk: 2 resources" in result.out
    assert result.code in {Exit.DONE, Exit.ERROR}


@pytest.mark.parametrize("name", ["config", "plan", "state", "events"])
def test_schemas_are_schemas(tunectl: Run, name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(tunectl("schema", name).json)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_tunectl(tunectl: Run, shell: str) -> None:
    result = tunectl("completion", shell)
    assert result.code == Exit.DONE
    assert f"_TUNECTL_COMPLETE={shell}_complete" in result.out


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (b"yes\n", 0, "Apply complete! Resources: 2 added, 0 changed, 0 destroyed."),
        (b"y\n", 1, "Apply cancelled."),
        (b"\x03", 130, "interrupted"),
        (b"\x04", 1, "not interactive"),
    ],
)
def test_only_a_typed_yes_approves(project: Path, answer: bytes, code: int, said: str) -> None:
    screen, ended = on_terminal(project, "apply", "--no-color", answer=answer)
    assert ended == code
    assert said in screen
    assert "Only 'yes' will be accepted to approve." in screen
    assert "perform these actions in helpdesk, environment default?" in screen
    assert (project / "state" / "default.json").exists() == (code == 0)


def test_destroying_is_asked_for_in_its_own_words(tunectl: Run, project: Path) -> None:
    tunectl("apply", "--auto-approve")
    screen, code = on_terminal(project, "destroy", answer=b"no\n")
    assert code == Exit.ERROR
    assert "There is no undo." in screen
    assert "destroy everything above in helpdesk, environment default?" in screen
    assert "Destroy cancelled." in screen


def test_colour_is_for_terminals_that_want_it(project: Path, tunectl: Run) -> None:
    assert "\x1b[" in on_terminal(project, "plan")[0]
    assert "\x1b[" not in on_terminal(project, "plan", environ={"NO_COLOR": "1"})[0]
    assert "\x1b[" not in on_terminal(project, "plan", "--no-color")[0]
    assert "\x1b[" not in on_terminal(project, "plan", environ={"TERM": "dumb"})[0]
    assert "\x1b[" not in tunectl("plan").out


def test_plan_reads_well(tunectl: Run, snapshot: SnapshotAssertion) -> None:
    assert tunectl("plan").out == snapshot
