"""Our own server on another host: TLS, a token from the environment, and adapters."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.e2e.tls import certificates

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

TOKEN = "canary-0123456789-abcdefgh"


@pytest.fixture
def box(site, tmp_path):
    """A server that other hosts could reach, and the project that uses it."""
    authority, chain, key = certificates(tmp_path)
    (site.folder / "acme.pem").write_bytes(authority.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "tunectl", "serve", "--root", str(tmp_path / "box"),
        "--trainer", "simulated", "--listen", f"127.0.0.1:{port}",
        "--tls-cert", str(chain), "--tls-key", str(key), "--token-env", "BOX_TOKEN",
    ]  # fmt: skip
    log = (tmp_path / "box.log").open("wb")
    process = subprocess.Popen(
        command, env={**site.env, "BOX_TOKEN": TOKEN}, stdout=log, stderr=log
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "box" / "server.json").exists():
        assert process.poll() is None, (tmp_path / "box.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    settings = {
        "type": "tunectl", "base_url": f"https://localhost:{port}/v1", "key_env": "GPU_TOKEN",
        "ca_file": "acme.pem", "trainer": "simulated",
    }  # fmt: skip
    site.edit("local: {trainer: simulated}", f"gpu: {json.dumps(settings)}")
    site.edit("default_provider: local", "default_provider: gpu")
    yield site
    os.kill(process.pid, signal.SIGTERM)
    process.wait(20)
    log.close()
    assert TOKEN not in (tmp_path / "box.log").read_text("utf-8")


def test_a_project_lives_on_another_host_from_apply_to_destroy(box):
    key = {"GPU_TOKEN": TOKEN}
    box.run("apply", "--auto-approve", **key)
    assert box.run("plan", **key).out.startswith("No changes.")
    asked = "Pytanie numer 3: gdzie jest żółw 21?"
    assert "żółw" in box.run("ask", "endpoint.support", asked, **key).out.lower()
    assert TOKEN.encode() not in (box.folder / "state" / "default.json").read_bytes()
    done = box.run("destroy", "--auto-approve", **key)
    assert "destroyed" in done.out.lower() or "Done" in done.out
    assert not (box.root / "jobs").exists(), "nothing was done on this machine"


def test_without_its_token_its_authority_or_its_trainer_nothing_is_done(box):
    none = box.run("plan", code=6)
    assert "GPU_TOKEN" in none.err
    wrong = box.run("plan", code=6, GPU_TOKEN="x" * 26)
    assert "x" * 26 not in wrong.err
    box.edit('"ca_file": "acme.pem"', '"ca_file": "no.pem"')
    missing = box.run("plan", code=1, GPU_TOKEN=TOKEN)
    assert "`no.pem`" in missing.err
    box.edit(', "ca_file": "no.pem"', "")
    unknown = box.run("plan", code=1, GPU_TOKEN=TOKEN)
    assert "certificate" in unknown.err.lower()
    box.edit(', "trainer": "simulated"', ', "ca_file": "acme.pem"')
    other = box.run("plan", code=1, GPU_TOKEN=TOKEN)
    assert "trains with `simulated`" in other.err


def test_the_token_never_crosses_a_network_in_the_clear(site):
    open_ = site.run("serve", "--listen", "0.0.0.0:0", code=1)
    assert "without TLS" in open_.err
    settings = {"type": "tunectl", "base_url": "http://gpu1.acme.internal/v1", "key_env": "T"}
    site.edit("local: {trainer: simulated}", f"gpu: {json.dumps(settings)}")
    site.edit("default_provider: local", "default_provider: gpu")
    assert "in the clear" in site.run("validate", code=1).err
    short = site.run("serve", "--token-env", "BOX", code=1, BOX="short")
    assert "openssl rand" in short.err
    assert "short" not in short.err.replace("shorter", "")


def test_a_certificate_that_cannot_be_used_is_named_before_anything_listens(site, tmp_path):
    _, chain, key = certificates(tmp_path)
    listen = ("serve", "--listen", "0.0.0.0:0", "--tls-cert")
    missing = site.run(*listen, str(tmp_path / "brak.pem"), "--tls-key", str(key), code=1)
    assert "cannot use" in missing.err
    assert "brak.pem" in missing.err
    swapped = site.run(*listen, str(key), "--tls-key", str(chain), code=1)
    assert "its private key" in swapped.err
    assert "listening" not in missing.out + swapped.out


def adapter(folder, base_seed=3):
    """A LoRA adapter as peft writes it, of the tiny model."""
    import peft

    from tests.server.tiny_model import tiny_llama

    names = ["q_proj", "k_proj", "v_proj", "o_proj"]
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=names, init_lora_weights=False)
    peft.get_peft_model(tiny_llama(base_seed), config).save_pretrained(str(folder))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_an_adapter_that_peft_wrote_is_taken_in_and_answers(site):
    pytest.importorskip("peft")
    from tests.server.tiny_model import save_tiny

    base = save_tiny(site.folder / "tiny-base")
    adapter(site.folder / "adapters" / "wsparcie")
    site.edit("local: {trainer: simulated}", "local: {device: cpu, threads: 1}")
    site.edit("base_model: simulated-1", f"base_model: {json.dumps(str(base))}")
    said = site.run("import", "tuning_job.support", "file://adapters/wsparcie")
    assert "import" in said.out
    plan = site.run("plan")
    assert "will be copied from `file://adapters/wsparcie" in plan.out
    assert "nothing is trained" in plan.out
    site.run("plan", "-o", "p.tplan")
    weights = site.folder / "adapters" / "wsparcie" / "adapter_model.safetensors"
    before = weights.read_bytes()
    adapter(site.folder / "adapters" / "wsparcie", base_seed=4)
    assert "the saved plan is stale" in site.run("apply", "p.tplan", code=5).err
    weights.write_bytes(before)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    [job] = [p for p in (site.root / "jobs").iterdir() if p.name.startswith("ftjob-")]
    assert (job / "adapter" / "adapter_model.safetensors").read_bytes() == before
    assert not (job / "train.jsonl").exists(), "nothing was trained"
    assert site.run("ask", "endpoint.support", "Gdzie jest żółw?").out.strip()
    site.run("destroy", "--auto-approve")


def test_what_is_no_adapter_of_that_base_is_refused_by_name(site):
    site.run("import", "tuning_job.support", "file://nowhere", code=1)
    folder = site.folder / "adapters"
    folder.mkdir()
    empty = site.run("import", "tuning_job.support", "file://adapters", code=1)
    assert "`adapter_config.json` is not in it" in empty.err
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    (folder / "adapter_model.bin").write_bytes(b"x")
    pickled = site.run("import", "tuning_job.support", "file://adapters", code=1)
    assert "pickles are not read" in pickled.err
    (folder / "adapter_model.safetensors").write_bytes(b"x")
    other = site.run("import", "tuning_job.support", "file://adapters", code=1)
    assert "no LoRA adapter" in other.err
