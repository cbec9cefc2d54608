"""The outline of a project: enough to find its state and providers, whatever else is broken."""

from __future__ import annotations

import os
from pathlib import Path

from tunectl.config.outline import outline

BROKEN = "dataset:\n  x: {source: missing.jsonl}\ntuning_job:\n  y: {base_modell: nope}\n"


def of(folder: Path, text: str, env: str = "default"):
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    return outline(folder, environ={"TOKEN": "s3cr3t-value"}, env=env)


def test_sound_providers_are_read_beside_broken_resources(tmp_path):
    text = "project: p\nproviders:\n  cloud: {type: openai, key_env: KEY}\n" + BROKEN
    found = of(tmp_path, text)
    assert (found.name, found.resources) == ("p", ())
    assert found.providers["cloud"].settings == {"key_env": "KEY"}


def test_a_provider_that_cannot_be_used_is_left_out(tmp_path):
    text = (
        "project: p\nproviders:\n  good: {type: openai}\n  bad: {type: openai, nonsense: 1}\n"
        "  foreign: {type: no-such-type}\n"
    )
    assert set(of(tmp_path, text).providers) == {"good"}


def test_without_any_there_is_the_local_one(tmp_path):
    assert set(of(tmp_path, "project: p\n").providers) == {"local"}


def test_an_overlay_counts(tmp_path):
    (tmp_path / "tunectl.prod.yaml").write_text("providers:\n  cloud: {key_env: PROD}\n")
    text = "project: p\nproviders:\n  cloud: {type: openai, key_env: KEY}\n"
    assert of(tmp_path, text, "prod").providers["cloud"].settings == {"key_env": "PROD"}


def test_settings_from_the_environment_are_known_as_secret(tmp_path):
    text = (
        "project: p\nenv: [TOKEN]\nproviders:\n"
        "  cloud: {type: openai, key_env: K, base_url: 'https://h/${env.TOKEN}'}\n"
    )
    assert of(tmp_path, text).providers["cloud"].secret == {"base_url"}


def test_variables_from_a_pipe_are_known_to_every_reading_of_one_command(tmp_path):
    text = 'project: p\nstate: "${var.dir}/"\nvariables: {dir: {type: string, default: wrong}}\n'
    (tmp_path / "tunectl.yaml").write_text(text, encoding="utf-8")
    reading, writing = os.pipe()
    try:
        os.write(writing, b"dir: right\n")
        os.close(writing)
        piped = (Path(f"/dev/fd/{reading}"),)
        found = [outline(tmp_path, environ={}, var_files=piped).state for _ in range(2)]
    finally:
        os.close(reading)
    assert found == ["right/", "right/"]
