"""Whole projects through the real command line, on the local server with the simulated trainer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from tests.e2e import warm

CONFIG = """\
project: pomoc
default_provider: local
providers:
  local: {trainer: simulated}

dataset:
  support:
    source: data/rows.jsonl
    split: {validation: 20%, test: 20%, seed: 7}

tuning_job:
  support:
    base_model: simulated-1
    data: dataset.support
    method: {type: supervised, epochs: 2}
    lifecycle: {keep_previous: 0}

endpoint:
  support:
    model: tuning_job.support

prompt_template:
  support:
    model: endpoint.support
    inputs:
      question: {type: string, max_chars: 500}
    sections:
      - {id: system, role: system, template: "Jesteś pomocny."}
      - {id: shots, role: examples, examples: dataset.support.train, max: 2}
      - {id: ask, role: user, template: "{{ question }}"}

outputs:
  model: {value: "${endpoint.support.model_id}", write: [deploy/model.json]}
  chain: {value: "id=${endpoint.support.model_id}"}
"""


def row(number: int, answer: str | None = None) -> str:
    """One example; the question alone decides its split."""
    question = f"Pytanie numer {number}: gdzie jest żółw {number * 7}?"
    said = answer or f"Żółw {number * 7} jest w domu. Привет {number}!"
    return orjson.dumps(
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": said},
            ]
        }
    ).decode()


@dataclass
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


@dataclass
class Site:
    """A project folder and a server folder of its own.

    Attributes:
        fresh: whether each command is a wholly new process, slow to begin, or one that begins warm.
    """

    folder: Path
    root: Path
    fresh: bool = False

    @property
    def env(self) -> dict[str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith("TUNECTL")}
        return {**keep, "TUNECTL_LOCAL_ROOT": str(self.root), "COLUMNS": "100", "NO_COLOR": "1"}

    @property
    def rows(self) -> Path:
        return self.folder / "data" / "rows.jsonl"

    def run(self, *arguments: str, code: int | None = 0, **env: str) -> Done:
        found = self._carry_out(list(arguments), {**self.env, **env})
        assert code is None or found.code == code, str(found)
        return found

    def _carry_out(self, arguments: list[str], env: dict[str, str]) -> Done:
        if not self.fresh and warm.serves(env):
            return Done(*warm.commands().run(arguments, self.folder, env, 120))
        done = subprocess.run(
            [sys.executable, "-m", "tunectl", *arguments],
            cwd=self.folder,
            env=env,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def state(self) -> dict:
        return orjson.loads((self.folder / "state" / "default.json").read_bytes())

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "tunectl.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def stop_server(self) -> None:
        try:
            pid = orjson.loads((self.root / "server.json").read_bytes())["pid"]
            os.kill(pid, signal.SIGTERM)
        except (OSError, KeyError, orjson.JSONDecodeError):
            return


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "projekt żółw проект"
    (folder / "data").mkdir(parents=True)
    (folder / "tunectl.yaml").write_text(CONFIG, encoding="utf-8")
    found = Site(folder, tmp_path / "local")
    found.rows.write_text("".join(row(n) + "\n" for n in range(60)), encoding="utf-8")
    yield found
    found.stop_server()
