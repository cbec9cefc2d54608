"""Every way a command can end badly: said once, with a hint, and the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run
from tunectl.app import loading
from tunectl.core.errors import Exit, LockError


@pytest.mark.parametrize(
    "args",
    [
        ["plann"],
        ["state", "lst"],
        ["plan", "--fromat", "json"],
        ["plan", "--format", "yaml"],
        ["ask"],
        ["--var", "x", "plan"],
        ["-C", "nowhere", "plan"],
        ["apply", "missing.plan"],
        ["output", "--raw"],
        ["show", "--format", "markdown"],
        ["schema"],
        ["ask", "endpoint.support", " "],
        ["plan", "--destroy", "--replace", "tuning_job.support"],
        ["taint", "tuning_job.support"],
        ["force-unlock", "1"],
        ["plan", "--json"],
        ["apply", "--yes"],
    ],
    ids=" ".join,
)
def test_a_usage_error_is_exit_1_with_a_hint(
    args: list[str], tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl(*args)
    assert result.code == Exit.ERROR
    assert result.out == ""
    assert result.err == snapshot
    assert result.err.startswith("error: ")


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["plan", "-out=x.plan"], "--out"),
        (["plan", "-out", "x.plan"], "--out"),
        (["plan", "-json"], "--format json"),
        (["apply", "-auto-approve"], "--auto-approve"),
        (["plan", "-target=endpoint.support"], "--target"),
        (["plan", "-var", "x=1"], "--var"),
        (["-var-file=x.yaml", "plan"], "--var-file"),
    ],
)
def test_long_options_with_one_hyphen_are_refused_and_nothing_is_written(
    args: list[str], meant: str, tunectl: Run, project: Path
) -> None:
    """`-out=x` would else be `-o` with the value `ut=x`."""
    before = sorted(project.iterdir())
    result = tunectl(*args)
    assert result.code == Exit.ERROR
    assert f"long options have two hyphens: `{meant}`" in result.err
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("typed", ["[pl]", "['pl']", "[„pl”]"])
@pytest.mark.parametrize(
    "command", [["plan", "--replace"], ["state", "show"], ["state", "rm"], ["wait"], ["ask"]]
)
def test_an_address_whose_quotes_the_shell_took_is_shown_with_them(
    command: list[str], typed: str, tunectl: Run
) -> None:
    more = ["hej"] if command == ["ask"] else []
    result = tunectl(*command, f"endpoint.support{typed}", *more)
    assert result.code == Exit.ERROR
    assert """'endpoint.support["pl"]'""" in result.err


def test_a_short_option_may_stand_right_before_its_value(tunectl: Run, project: Path) -> None:
    assert tunectl("plan", "-ox.plan").code == Exit.DONE
    assert (project / "x.plan").is_file()


@pytest.mark.parametrize("args", [[], ["state"], ["model"]], ids=" ".join)
def test_without_a_command_the_help_is_shown_as_it_is(args: list[str], tunectl: Run) -> None:
    result = tunectl(*args)
    assert result.code == Exit.ERROR
    assert result.err == tunectl(*args, "--help").out


def test_every_problem_of_the_configuration_is_shown_with_its_place(
    project: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    text = (project / "tunectl.yaml").read_text("utf-8")
    broken = text.replace("model: some-model", "modle: some-model").replace("max: 2", "max: 0")
    (project / "tunectl.yaml").write_text(broken, "utf-8")
    result = tunectl("validate")
    assert result.code == Exit.ERROR
    assert result.err == snapshot
    machine = tunectl("validate", "--format", "json")
    assert machine.code == Exit.ERROR
    assert machine.json["valid"] is False
    assert machine.json["error_count"] == len(machine.json["diagnostics"])
    assert machine.json["exit"] == {"code": 1, "reason": "error"}


def test_a_bug_is_one_line_and_the_traceback_only_on_request(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(options: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(loading, "validate", broken)
    result = tunectl("validate")
    assert result.code == Exit.ERROR
    assert "a bug of its own: KeyError: 'surprise'" in result.err
    assert "please report it" in result.err
    assert "Traceback" not in result.err
    monkeypatch.setenv("TUNECTL_DEBUG", "1")
    assert "Traceback" in tunectl("validate").err


def test_an_error_keeps_its_exit_code_in_every_format(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(options: object) -> None:
        raise LockError.of("the lock is held by anna", hint="wait")

    monkeypatch.setattr(loading, "validate", locked)
    assert tunectl("validate").code == Exit.LOCK
    result = tunectl("validate", "--format", "json")
    assert result.code == Exit.LOCK
    assert result.json["exit"] == {"code": 4, "reason": "lock"}


def test_ctrl_c_is_exit_130(tunectl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "validate", interrupted)
    result = tunectl("validate")
    assert result.code == Exit.INTERRUPTED
    assert "interrupted" in result.err


def test_secrets_are_taken_out_of_everything(
    project: Path, tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (project / "tunectl.yaml").open("a", encoding="utf-8") as file:
        file.write("providers:\n  eu: {type: openai, key_env: EU_KEY}\n")
    monkeypatch.setenv("EU_KEY", "sk-very-secret-1")
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret-2")
    monkeypatch.setenv("DEPLOY_TOKEN", "sk-very-secret-3")
    for number in (1, 2, 3):
        result = tunectl("plan", "--env", f"sk-very-secret-{number}")
        assert result.code == Exit.ERROR
        assert "sk-very-secret" not in result.out + result.err
        assert "(secret)" in result.err


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    assert reader.stdin is not None
    reader.wait()
    done = subprocess.run(
        [sys.executable, "-m", "tunectl", "apply", "--auto-approve"],
        stdout=reader.stdin,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (project / "state" / "default.json").exists()


def test_errors_of_an_event_stream_are_on_the_stream_too(tunectl: Run) -> None:
    result = tunectl("apply", "--json")
    assert result.code == Exit.ERROR
    last = json.loads(result.out.splitlines()[-1])
    assert last["type"] == "diagnostic"
    assert "not interactive" in last["@message"]
    assert "not interactive" in result.err
