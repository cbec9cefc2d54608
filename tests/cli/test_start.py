"""A plan of a project that is kept starts without what reads declarations and data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.making import project

TEXT = """
    project: helpdesk
    providers: {here: {type: local, trainer: simulated}}
    dataset: {support: {source: data/rows.jsonl}}
"""
# Each of these costs a sixth of such a plan or more, or belongs to one that does.
READERS = {
    "pydantic", "pydantic_core", "yaml", "ruamel", "jinja2", "rich", "numpy", "msgspec", "openai",
    "httpx2", "email", "zipfile", "importlib.metadata", "importlib.resources",
}  # fmt: skip
READING = {"tunectl.config.load", "tunectl.config.drafts", "tunectl.kinds", "tunectl.data.dataset"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return project(tmp_path / "project", TEXT)


def modules_of(*words: str, folder: Path) -> tuple[set[str], str]:
    code = (
        "import sys\nfrom tunectl.cli.main import run\n"
        f"code = run({list(words)!r})\nprint(*sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split()), done.stdout


def test_a_plan_without_changes_loads_nothing_that_reads_a_declaration(made: Path) -> None:
    _, said = modules_of("apply", "--auto-approve", folder=made)
    assert "Apply complete!" in said
    loaded, said = modules_of("plan", folder=made)
    assert "No changes." in said
    assert not loaded & (READERS | READING)


def test_what_is_kept_is_told_apart_from_what_must_be_read(made: Path) -> None:
    loaded, _ = modules_of("validate", folder=made)
    assert loaded >= READING
    (made / "tunectl.yaml").write_text("project: other\n", encoding="utf-8")
    loaded, _ = modules_of("validate", folder=made)
    assert "tunectl.config.load" in loaded
    assert not loaded & {"yaml", "pydantic"}, "a plain file needs neither"
    (made / "tunectl.yaml").write_text("project: &name other\n", encoding="utf-8")
    loaded, _ = modules_of("validate", folder=made)
    assert loaded >= {"tunectl.config.load", "yaml"}
