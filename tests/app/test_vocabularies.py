"""A base model that was pulled to this machine is counted with its own vocabulary."""

from __future__ import annotations

import json

import pytest

from tunectl.app.vocabularies import located
from tunectl.data.targets import Target

SHA = "ab" * 32
NAME = "smollm2-135m-instruct"
FACTS = {
    "name": NAME,
    "source": "a test",
    "sha256": SHA,
    "importer": 1,
    "imported_at": 1,
    "context_length": 8192,
}


@pytest.fixture
def pulled(tmp_path, monkeypatch):
    folder = tmp_path / "models" / SHA
    folder.mkdir(parents=True)
    (folder / "tunectl.json").write_text(json.dumps(FACTS), encoding="utf-8")
    bases = {NAME: {"sha256": SHA, "source": "a test"}}
    (tmp_path / "bases.json").write_text(json.dumps(bases), encoding="utf-8")
    monkeypatch.setenv("TUNECTL_LOCAL_ROOT", str(tmp_path))
    return folder


def test_what_was_pulled_is_found_and_everything_else_stays(tmp_path, pulled):
    local, other = Target("local", NAME), Target("local", "another/model")
    openai, bare = Target("openai", NAME), Target("local")
    found = located([local, other, openai, bare], tmp_path)
    assert [one.vocabulary for one in found] == [str(pulled), "", "", ""]
    assert found[1:] == (other, openai, bare)


def test_without_a_local_server_there_is_nothing_to_find(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNECTL_LOCAL_ROOT", str(tmp_path / "none"))
    assert located([Target("local", NAME)], tmp_path) == (Target("local", NAME),)
    assert not (tmp_path / "none").exists()
