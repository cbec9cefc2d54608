"""The wheel carries what it needs, and starting the command loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "openai", "pydantic", "jinja2", "yaml", "rich", "starlette")


def test_the_extras_are_declared():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert {"local", "vertex", "anthropic", "bedrock", "s3", "postgres", "all"} <= set(extras)


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_the_command_line_starts_without_heavy_imports(argument):
    code = (
        "import sys; from tunectl.__main__ import main\n"
        f"sys.argv = ['tunectl', '{argument}']\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        f"print('loaded:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def wheel(folder: Path) -> Path:
    """Built by the backend itself from a copy: no network, and the checkout stays clean."""
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "tunectl", "pyproject.toml", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    source = folder / "source"
    for name in filter(None, tracked):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_has_every_module_and_data_file_and_runs_from_a_folder_of_its_own(tmp_path):
    with zipfile.ZipFile(wheel(tmp_path)) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    wanted = {
        str(p.relative_to(ROOT))
        for p in (ROOT / "tunectl").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert wanted - names == set()
    done = subprocess.run(
        [sys.executable, "-m", "tunectl", "--version"],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("tunectl")
