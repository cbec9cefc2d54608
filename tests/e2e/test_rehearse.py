"""`tunectl rehearse` as people run it: every example, beside secrets that it must not use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.e2e.conftest import Done
from tunectl.core.errors import Exit

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(p.parent.name for p in (ROOT / "examples").glob("*/tunectl.yaml"))
CANARY = "canary-7f3a9c51"
SECRETS = {
    name: f"{CANARY}-{name}"
    for name in (
        "OPENAI_API_KEY", "AZURE_OPENAI_KEY", "ANTHROPIC_API_KEY", "NEBIUS_API_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TUNECTL_GPU_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS", "GITHUB_TOKEN",
    )
}  # fmt: skip


@pytest.fixture
def examples(tmp_path):
    target = tmp_path / "examples"
    ignored = shutil.ignore_patterns("state", ".tunectl", "deploy")
    shutil.copytree(ROOT / "examples", target, ignore=ignored)
    return target


def rehearse(folder: Path, *arguments: str, code: int | None = 0, **env: str) -> Done:
    home = folder.parents[1] / "home"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TUNECTL", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tunectl", "-C", str(folder), "rehearse", *arguments],
        env={**kept, "HOME": str(home), "COLUMNS": "100", "NO_COLOR": "1", **env},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    found = Done(done.returncode, done.stdout, done.stderr)
    assert code is None or found.code == code, str(found)
    assert not home.exists()
    return found


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


ENVIRONMENTS = [
    (name, env)
    for name in EXAMPLES
    for env in ("", *(p.name.split(".")[1] for p in (ROOT / "examples" / name).glob("*.*.yaml")))
]


@pytest.mark.parametrize(("name", "env"), ENVIRONMENTS)
def test_every_example_keeps_its_promises_and_leaves_nothing(examples, name, env):
    before = tree(examples.parent)
    chosen = ("--env", env) if env else ()
    done = rehearse(examples / name, *chosen, "--json", **SECRETS)
    told = orjson.loads(done.out)
    assert told["passed"], str(done)
    assert [check["verdict"] for check in told["checks"]] == ["passed"] * len(told["checks"])
    assert [one for one in told["left"] if not one["record"]] == []
    assert CANARY not in done.out + done.err
    assert tree(examples.parent) == before


def test_it_needs_no_variable_at_all(examples):
    folder = examples / "01-helpdesk"
    done = subprocess.run(
        [sys.executable, "-m", "tunectl", "-C", str(folder), "rehearse"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Rehearsal passed: 6 of 6 promises kept." in done.stdout


def test_the_report_is_written_for_a_pull_request(examples, tmp_path):
    comment = tmp_path / "comment.md"
    done = rehearse(examples / "01-helpdesk", "--write", f"markdown={comment}", CI="true")
    text = comment.read_text(encoding="utf-8")
    assert text.startswith("<!-- tunectl:rehearse project=helpdesk env=default -->\n")
    assert "6 of 6 promises kept" in text
    assert "| local |" in text
    assert str(tmp_path) not in text + done.out


def test_a_fault_is_named_and_survived(examples):
    done = rehearse(examples / "01-helpdesk", "--fault", "lost-reply")
    assert "ok      the fault struck" in done.out
    assert "kept in spite of `lost-reply`." in done.out


def test_a_fault_there_is_none_of_is_refused(examples):
    done = rehearse(examples / "01-helpdesk", "--fault", "flood", code=Exit.ERROR)
    assert "lost-reply" in done.err
