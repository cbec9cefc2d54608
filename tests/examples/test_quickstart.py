"""The README's first command, for real: weights, training, style counted. Minutes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition("```console\n")[2].partition("```")[0]
    return [line[2:].partition("#")[0].strip() for line in block.splitlines()]


def test_the_readme_opens_with_the_two_commands():
    assert readme_commands() == ["make quickstart", "make test"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_quickstart_trains_serves_and_shows_the_style(tmp_path):
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    # `make` exports what its caller set: VENV would send the installation there.
    own = ("TUNECTL", "MAKE", "VENV", "VIRTUAL_ENV", "PYTHON")
    env = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    env["TUNECTL_LOCAL_ROOT"] = str(tmp_path / "local")
    env["PIP_NO_COMPILE"] = "no"  # pip reads it as an answer to `compile`; most is never imported
    done = subprocess.run(
        readme_commands()[0].split(), cwd=tmp_path, env=env, capture_output=True, encoding="utf-8"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    assert "Apply complete! Resources: 6 added" in said
    [(base, base_of, tuned, tuned_of)] = re.findall(
        r"style: base (\d+)/(\d+), tuned (\d+)/(\d+)", said
    )
    assert int(base) == 0
    assert int(tuned) >= 0.9 * int(tuned_of)
    assert int(base_of) == int(tuned_of) >= 10
    example = tmp_path / "examples" / "01-helpdesk"
    tunectl = str(tmp_path / ".venv" / "bin" / "tunectl")
    again = subprocess.run(
        [tunectl, "plan"], cwd=example, env=env, capture_output=True, encoding="utf-8"
    )
    assert again.stdout.startswith("No changes."), again.stdout + again.stderr
    gone = subprocess.run(
        [tunectl, "destroy", "--auto-approve"],
        cwd=example,
        env=env,
        capture_output=True,
        encoding="utf-8",
    )
    assert "bills nothing" in gone.stdout, gone.stdout + gone.stderr
