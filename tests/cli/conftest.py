"""A project that needs no provider, and commands run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunectl.cli.main import run

CONFIG = """\
project: helpdesk
state: state/

dataset:
  support:
    source: data/support.jsonl

prompt_template:
  support:
    model: some-model
    inputs:
      question: {type: string}
    sections:
      - {id: system, role: system, template: "Odpowiadaj krótko."}
      - {id: shots, role: examples, examples: dataset.support.train, max: 2}
      - {id: ask, role: user, template: "{{ question }}"}

outputs:
  path: {value: "${prompt_template.support.path}"}
"""
OVERLAY = """\
prompt_template:
  support: {model: big-model}
"""


def row(number: int, answer: str = "Tak.") -> str:
    messages = [
        {"role": "user", "content": f"Pytanie {number}: czy wysyłacie do kraju {number}?"},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages}, ensure_ascii=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the working folder too."""
    for name in ("NO_COLOR", "TUNECTL_ENV", "TUNECTL_IN_AUTOMATION", "TUNECTL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "dział wsparcia"
    (root / "data").mkdir(parents=True)
    (root / "tunectl.yaml").write_text(CONFIG, "utf-8")
    (root / "tunectl.prod.yaml").write_text(OVERLAY, "utf-8")
    lines = [row(number) for number in range(12)]
    (root / "data" / "support.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    monkeypatch.chdir(root)
    return root


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def tunectl(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command in the project."""

    def call(*args: str) -> Result:
        capsys.readouterr()
        code = run(args)
        shown = capsys.readouterr()
        return Result(code, shown.out, shown.err)

    return call
