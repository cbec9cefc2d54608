"""`ask` and its like before and beside an apply: what is missing, and what to do."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import CONFIG, row
from tests.e2e.inprocess import command

OTHER = "  openai: {type: openai}\n"


@pytest.fixture
def project(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    monkeypatch.setenv("TUNECTL_LOCAL_ROOT", str(tmp_path / "root"))
    folder = tmp_path / "projekt żółw"
    (folder / "data").mkdir(parents=True)
    text = CONFIG.replace(
        "  local: {trainer: simulated}\n", "  local: {trainer: simulated}\n" + OTHER
    )
    path = folder / "tunectl.yaml"
    path.write_text(text + "environments: [prod]\n", encoding="utf-8")
    rows = "".join(row(number) + "\n" for number in range(60))
    (folder / "data" / "rows.jsonl").write_text(rows, encoding="utf-8")

    def run(*words):
        done = command(folder, capsys, *words, code=None)
        assert done.code in {1, 6}
        return done.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "endpoint.support", "Gdzie jest żółw?"),
        ("ask", "prompt_template.support", "Gdzie jest żółw?"),
        ("logs", "endpoint.support"),
        ("cancel", "endpoint.support"),
        ("wait", "endpoint.support"),
    ],
    ids=" ".join,
)
def test_what_is_declared_and_not_applied_yet_is_told_with_the_command(project, words):
    said = project(*words)
    assert f"error: `{words[1]}` is declared and not applied yet" in said
    assert "hint: run `tunectl apply`" in said


def test_the_command_names_the_environment(project):
    said = project("--env", "prod", "ask", "endpoint.support", "Cześć")
    assert "hint: run `tunectl apply --env prod`" in said


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("endpoint.suport", "did you mean `endpoint.support`?"),
        ("endpoint.zupełnie_inny", "run `tunectl apply`"),
    ],
)
def test_what_is_not_declared_is_told_apart(project, address, advice):
    said = project("ask", address, "Cześć")
    assert f"error: there is no `{address}`, and nothing is applied yet" in said
    assert f"hint: {advice}" in said


def test_a_model_id_is_asked_where_a_resource_names_it(project, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = tmp_path / "projekt żółw" / "tunectl.yaml"
    text = path.read_text(encoding="utf-8")
    bought = "endpoint:\n  bought: {model: gpt-4.1-mini, provider: openai}\n"
    path.write_text(text.replace("endpoint:\n", bought), encoding="utf-8")
    said = project("ask", "gpt-4.1-mini", "Cześć")
    assert "provider `openai` has no key" in said
    assert "which provider has `gpt-4.1`?" in project("ask", "gpt-4.1", "Cześć")
