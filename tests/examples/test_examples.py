"""Every folder of `examples/` is validated, planned, applied, planned again and destroyed.

With the simulated trainer, so without weights; `test_quickstart.py` trains for real.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from tests.e2e.conftest import Site
from tests.e2e.tls import certificates
from tunectl.server.clouds.bedrock import Bedrock
from tunectl.server.clouds.objects import S3, Buckets, CloudStorage
from tunectl.server.clouds.serving import serving as on_loopback
from tunectl.server.clouds.vertex.cloud import Vertex
from tunectl.server.clouds.world import World

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

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
    """A loopback service that speaks OpenAI's wire: its address and key."""
    with serving(tmp_path / "service") as found:
        yield found


@contextmanager
def serving(root: Path, *options: str) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "tunectl.server", "--root", str(root), *options]
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


PINNED = """
import datetime as module

_REAL = module.datetime
_OFF = _REAL({day}, tzinfo=module.UTC) - _REAL.now(module.UTC)


class _Sort(type):
    def __instancecheck__(cls, one):
        return isinstance(one, _REAL)


class datetime(_REAL, metaclass=_Sort):
    @classmethod
    def now(cls, tz=None):
        return _REAL.now(tz) + _OFF


module.datetime = datetime
"""


@pytest.fixture
def november(tmp_path, monkeypatch):
    """Every process takes it for a day on which the models of the examples can still be tuned."""
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "sitecustomize.py").write_text(
        PINNED.replace("{day}", "2026, 11, 22, 12"), encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "day"))


@pytest.mark.usefixtures("november")
def test_02_openai(site, tmp_path):
    site.folder /= "02-openai"
    with serving(tmp_path / "service", "--profile", "openai") as (url, key):
        site.edit("openai: {}", f"openai: {{profile: openai, base_url: '{url}', key_env: KEY}}")
        whole_life(site, KEY=key)


def test_05_azure(site, tmp_path):
    site.folder /= "05-azure"
    with serving(tmp_path / "service", "--profile", "azure") as (url, key):
        whole_life(site, "--var", f"resource={url}", AZURE_OPENAI_API_KEY=key)


@contextmanager
def google(site):
    """Vertex AI and Cloud Storage on loopback, in the place of the project's own."""
    world = World(job_seconds=4.0, operation_seconds=0.5, step=1.0)
    buckets = Buckets(world, names=("my-project-tuning",), location="EUROPE-WEST4")
    vertex = Vertex(world, buckets, project="my-project", location="europe-west4")
    storage = CloudStorage(world, buckets)
    with on_loopback(vertex, world) as url, on_loopback(storage, world) as storage_url:
        path = site.folder / "tunectl.yaml"
        text, here = (
            path.read_text(encoding="utf-8"),
            "\n    endpoint: {}\n    storage_endpoint: {}",
        )
        path.write_text(
            re.sub(r"(\n    staging: .*)", rf"\1{here.format(url, storage_url)}", text, count=1),
            encoding="utf-8",
        )
        yield
        assert [one for one in (*vertex.left(), *storage.left()) if not one.record] == []


def test_03_vertex_gemini(site):
    site.folder /= "03-vertex-gemini"
    with google(site):
        whole_life(site)


def test_03_vertex_with_open_models(site):
    site.folder /= "03-vertex-gemini"
    with google(site):
        site.run("apply", "--auto-approve", "--env", "open")
        assert site.run("plan", "--env", "open").out.startswith("No changes.")
        assert site.run("ask", "--env", "open", "endpoint.gemma", "Cześć").out.strip()
        site.run("destroy", "--auto-approve", "--env", "open")


@contextmanager
def amazon(site):
    """Bedrock, STS and S3 on loopback, in the place of the project's own."""
    world = World(job_seconds=4.0, operation_seconds=0.5, step=1.0)
    buckets = Buckets(world, names=("my-tuning-bucket",), location="us-east-1")
    bedrock, s3 = Bedrock(world, buckets), S3(world, buckets)
    with on_loopback(bedrock, world) as url, on_loopback(s3, world) as s3_url:
        region = '    region: "${var.region}"\n'
        site.edit(region, f"{region}    endpoint_url: {url}\n    s3_endpoint_url: {s3_url}\n")
        yield
        assert [one for one in bedrock.left() if not one.record] == []
        assert buckets.objects == {}


def test_04_bedrock(site):
    site.folder /= "04-bedrock"
    with amazon(site):
        whole_life(site)


def test_06_claude_xml_rag(site):
    site.folder /= "06-claude-xml-rag"
    whole_life(site)


def test_07_personal_assistant(site):
    site.folder /= "07-personal-assistant"
    simulate(site)
    whole_life(site, "--var", "model=simulated-1")


@pytest.mark.parametrize("env", ["anthropic", "vertex"])
def test_07_personal_assistant_for_clouds_needs_no_account(site, env):
    site.folder /= "07-personal-assistant"
    site.run("validate", "--env", env)
    site.run("apply", "--auto-approve", "--env", env)
    assert site.run("plan", "--env", env).out.startswith("No changes.")
    site.run("destroy", "--auto-approve", "--env", env)


@pytest.fixture
def box(tmp_path):
    """Our own server as on another host: its address, token and authority."""
    authority, chain, key = certificates(tmp_path)
    root, token = tmp_path / "box", "t" * 32
    command = [sys.executable, "-m", "tunectl", "serve", "--root", str(root)]
    command += ["--trainer", "simulated", "--token-env", "SERVE_TOKEN"]
    command += ["--listen", "127.0.0.1:0", "--tls-cert", str(chain), "--tls-key", str(key)]
    env = {**os.environ, "SERVE_TOKEN": token}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=env)
    assert process.stdout is not None
    process.stdout.readline()
    yield orjson.loads((root / "server.json").read_bytes())["url"], token, authority
    process.terminate()
    process.communicate(timeout=30)


def test_08_gpu_box(site, box):
    site.folder /= "08-gpu-box"
    url, token, authority = box
    (site.folder / "certs").mkdir()
    shutil.copy(authority, site.folder / "certs" / "ca.pem")
    site.edit("type: tunectl", "type: tunectl\n    trainer: simulated")
    options = ("--var", f"server={url}", "--var", "base_model=simulated-1")
    whole_life(site, *options, GPU_TOKEN=token)


@pytest.mark.parametrize("file", ["tunectl-serve.service", "Containerfile"])
def test_08_gpu_box_starts_a_server_with_options_that_there_are(file):
    from tunectl.cli.serve_command import command

    known = {option for parameter in command.params for option in parameter.opts}
    text = (ROOT / "examples" / "08-gpu-box" / file).read_text(encoding="utf-8")
    start = "ExecStart=" if file.endswith("service") else "ENTRYPOINT"
    used = set(re.findall(r"--[a-z-]+", text[text.index(f"\n{start}") :].split("\n#")[0]))
    assert {"--listen", "--tls-cert", "--tls-key", "--token-env"} <= used <= known


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


@pytest.mark.slow
def test_the_vertex_starter(site):
    site.folder = site.folder / "nowy projekt"
    site.folder.mkdir()
    site.run("init", "--starter", "vertex")
    with google(site):
        whole_life(site)


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
