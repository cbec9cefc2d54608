"""A project on the loopback OpenAI, and commands run in this process: quick enough to run many."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CONFIG, row
from tests.providers import fake_openai
from tests.providers.fake_openai import KEY, FakeOpenAI
from tunectl.cli.main import run


@dataclass(frozen=True)
class Result:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(
    folder: Path, capsys: pytest.CaptureFixture[str], *args: str, code: int | None = 0
) -> Result:
    """Run a command in a project's folder; `code` is the exit code that is expected."""
    capsys.readouterr()
    exit_code = run(["-C", str(folder), *args])
    shown = capsys.readouterr()
    result = Result(exit_code, shown.out, shown.err)
    assert code is None or exit_code == code, result
    return result


@dataclass
class Cloud:
    """A project's folder, the service it uses, and a way to run commands in it."""

    folder: Path
    fake: FakeOpenAI
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    @property
    def yaml(self) -> Path:
        return self.folder / "tunectl.yaml"

    def edit(self, before: str, after: str) -> None:
        text = self.yaml.read_text(encoding="utf-8")
        assert before in text
        self.yaml.write_text(text.replace(before, after), encoding="utf-8")

    def stored(self) -> dict[str, tuple[int, bytes]]:
        """Every file of the store with when it was last written."""
        state = self.folder / "state"
        files = [p for p in state.rglob("*") if p.is_file()]
        return {str(p.relative_to(state)): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}

    @property
    def models(self) -> list[str]:
        return [name for name in self.fake.models if name.startswith("ft:")]


def made(tmp_path: Path, capsys: pytest.CaptureFixture[str], fake: FakeOpenAI) -> Cloud:
    folder = tmp_path / "projekt żółw"
    (folder / "data").mkdir(parents=True)
    text = CONFIG.replace("default_provider: local", "default_provider: cloud")
    text = text.replace(
        "  local: {trainer: simulated}\n",
        f"  cloud: {{type: openai, profile: openai, key_env: FAKE_KEY, base_url: '{fake.url}'}}\n",
    )
    text = text.replace("base_model: simulated-1", "base_model: gpt-4o-mini-2024-07-18")
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    rows = "".join(row(number) + "\n" for number in range(40))
    (folder / "data" / "rows.jsonl").write_text(rows, encoding="utf-8")
    return Cloud(folder, fake, capsys)


Made = Callable[[], Cloud]


@pytest.fixture
def cloud(tmp_path, capsys, monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TUNECTL_ENV", "TUNECTL_IN_AUTOMATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAKE_KEY", KEY)
    with fake_openai.running() as fake:
        fake.path = ("running", "succeeded")
        yield made(tmp_path, capsys, fake)
