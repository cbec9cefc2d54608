"""Every folder of `examples/` is validated, planned, applied, planned again and destroyed.

With the simulated trainer, so without weights; `test_quickstart.py` trains for real.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.e2e.conftest import Site

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(p.parent.name for p in (ROOT / "examples").glob("*/tunectl.yaml"))


@pytest.fixture
def site(tmp_path):
    shutil.copytree(
        ROOT / "examples",
        tmp_path / "examples",
        ignore=shutil.ignore_patterns("state", ".tunectl", "deploy"),
    )
    found = Site(tmp_path / "examples", tmp_path / "local")
    yield found
    found.stop_server()


@pytest.fixture
def service(tmp_path):
    """A loopback service that speaks OpenAI's wire: the variables that point a project at it."""
    root = tmp_path / "service"
    command = [sys.executable, "-m", "tunectl.server", "--root", str(root)]
    process = subprocess.Popen(
        [*command, "--trainer", "simulated", "--foreground"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    said = orjson.loads((root / "server.json").read_bytes())
    yield said["url"], (root / "token").read_text().strip()
    process.terminate()
    process.communicate(timeout=30)


def whole_life(site, *options: str, **env: str) -> None:
    site.run("validate", *options, **env)
    assert "0 to destroy." in site.run("plan", *options, **env).out
    site.run("apply", "--auto-approve", *options, **env)
    assert site.run("plan", *options, **env).out.startswith("No changes.")
    site.run("destroy", "--auto-approve", *options, **env)
    assert site.state()["instances"] == []


def simulate(site) -> None:
    site.edit("local: {}", "local: {trainer: simulated}")


def test_01_helpdesk(site):
    site.folder /= "01-helpdesk"
    simulate(site)
    whole_life(site)


def test_02_openai_compatible(site, service):
    site.folder /= "02-openai-compatible"
    url, key = service
    options = ("--var", f"base_url={url}", "--var", "base_model=simulated-1")
    whole_life(site, *options, OPENAI_API_KEY=key)


def test_every_example_has_a_test():
    here = Path(__file__).read_text(encoding="utf-8")
    assert [n for n in EXAMPLES if f"def test_{n.replace('-', '_')}(" not in here] == []


@pytest.mark.slow
def test_the_local_starter(site):
    site.folder = site.folder / "nowy projekt"
    site.folder.mkdir()
    site.run("init")
    simulate(site)
    whole_life(site)


@pytest.mark.slow
def test_the_openai_compatible_starter(site, service):
    site.folder = site.folder / "nowy projekt"
    site.folder.mkdir()
    site.run("init", "--starter", "openai-compatible")
    url, key = service
    options = ("--var", f"base_url={url}", "--var", "base_model=simulated-1")
    whole_life(site, *options, OPENAI_API_KEY=key)


def test_the_vertex_starter_validates_and_says_that_it_can_do_no_more(site):
    site.folder = site.folder / "nowy projekt"
    site.folder.mkdir()
    site.run("init", "--starter", "vertex")
    assert "only validated" in site.run("validate").err
    assert "cannot connect to it yet" in site.run("plan", code=1).err


def test_a_readme_application_renders_the_prompt_that_apply_wrote(site):
    site.folder /= "01-helpdesk"
    simulate(site)
    site.run("apply", "--auto-approve")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = readme.partition("```python\n")[2].partition("```")[0]
    code = code.replace("examples/01-helpdesk", ".") + "\nprint(prompt.model, messages)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("helpdesk-support [{'role': 'user'")
