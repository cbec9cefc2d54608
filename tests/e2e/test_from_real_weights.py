"""`from:` with weights that were really trained: the copy is the original, byte for byte."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.server.tiny_model import save_tiny

NEEDED = ("torch", "transformers", "peft")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="the extra `local` is not installed",
    ),
    pytest.mark.timeout(900),  # each command starts cold, and torch with it
]

QUESTION = "Pytanie numer 3: gdzie jest żółw 21?"
SHORT = ("--temperature", "0", "--max-tokens", "24")
LEARNS = "{type: supervised, epochs: 3, batch_size: 4, learning_rate_multiplier: 20}"
KILLED = """
import os, signal
from tunectl.providers.wire.copying import CopiedJobs
made = CopiedJobs.copy
def copy(self, request, original):
    made(self, request, original)
    os.kill(os.getpid(), signal.SIGKILL)
CopiedJobs.copy = copy
from tunectl.cli.main import main

main(["apply", "--auto-approve", "--env", "prod"])
"""


@pytest.fixture
def two(site, tmp_path):
    """A project of a tiny model, and a server of its own for each of two environments."""
    save_tiny(site.folder / "modele" / "mały")
    site.edit("local: {trainer: simulated}", "local: {device: cpu, threads: 1}")
    site.edit("base_model: simulated-1", "base_model: ./modele/mały")
    site.edit("{type: supervised, epochs: 2}", LEARNS)
    site.edit(
        "    lifecycle: {keep_previous: 0}",
        "    lifecycle: {keep_previous: 0}\n    seed: 5\n    from: staging",
    )
    path = site.folder / "tunectl.yaml"
    text = path.read_text(encoding="utf-8").replace(", max_chars: 500", ", max_chars: 100")
    path.write_text(text + "environments: [staging, prod]\n", encoding="utf-8")
    site.rows.write_text(
        "".join(f"{line}\n" for line in site.rows.read_text(encoding="utf-8").splitlines()[:20]),
        encoding="utf-8",
    )
    there = Site(site.folder, tmp_path / "prod żółw")
    overlay = f"providers: {{local: {{root: {json.dumps(str(there.root))}}}}}\n"
    (site.folder / "tunectl.prod.yaml").write_text(overlay, encoding="utf-8")
    yield site, there
    there.stop_server()


def jobs(site: Site) -> list[Path]:
    return sorted(p for p in (site.root / "jobs").glob("ftjob-*") if p.is_dir())


def weights(job: Path) -> dict[str, bytes]:
    """Every file of a finished adapter; a hidden one and a form derived for a runtime are not."""
    folder = job / "adapter"
    found = {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith(".") and p.suffix != ".gguf"
    }
    assert found["adapter_model.safetensors"]
    return found


def asked(site: Site, env: str, whom: str = "endpoint.support") -> str:
    return site.run("ask", "--env", env, whom, QUESTION, *SHORT).out


def killed_after_the_copy(site: Site) -> None:
    died = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=site.folder,
        env=site.env,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        encoding="utf-8",
    )
    assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr


def test_trained_weights_are_copied_once_and_whole_or_not_at_all(two):
    site, there = two
    base = site.folder / "modele" / "mały"
    site.run("apply", "--auto-approve", "--env", "staging")
    [original] = jobs(site)
    plan = site.run("plan", "--env", "prod")
    assert f"tuning_job.support will be copied from `{original.name}`" in plan.out
    assert "nothing is trained" in plan.out

    # The same name, other weights: an adapter of one is worth nothing on the other.
    save_tiny(base, seed=4)
    refused = site.run("apply", "--auto-approve", "--env", "prod", code=7)
    assert "'mały' is another one here than the copy was trained from" in refused.err
    assert "remove `from:` to train here" in refused.err
    assert jobs(there) == []
    save_tiny(base)

    killed_after_the_copy(site)
    [copy] = jobs(there)
    site.run("apply", "--auto-approve", "--env", "prod")
    assert jobs(there) == [copy], "what was copied before the kill is taken, not copied again"
    assert site.run("plan", "--env", "prod").out.startswith("No changes.")
    assert weights(copy) == weights(original)
    assert not (copy / "train.jsonl").exists(), "no rows go with it"
    told, first = (
        json.loads((j / "job.json").read_text(encoding="utf-8")) for j in (copy, original)
    )
    assert told["copied_from"]["job"] == original.name
    assert told["base"]["sha256"] == first["base"]["sha256"]

    answer = asked(site, "prod")
    assert answer == asked(site, "staging")
    assert answer != asked(site, "prod", "mały"), "or the weights change nothing"

    site.run("destroy", "--auto-approve", "--env", "staging")
    assert asked(site, "prod") == answer, "the copy needs nothing of where it came from"
