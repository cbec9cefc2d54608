"""CPU time of whole processes: a bare interpreter, `--version`, `validate`, a no-change `plan`.

    python -m tests.bench.cli_cost [--runs 7]

Children's CPU time from `os.wait4`, the kinds taken in turn, medians; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-helpdesk"
TUNECTL = [sys.executable, "-m", "tunectl"]


def cpu_seconds(command: list[str], folder: Path, env: dict[str, str]) -> float:
    """User and system seconds of one finished process, its own children included."""
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "01-helpdesk"
        subprocess.run(["cp", "-r", str(EXAMPLE), str(folder)], check=True)
        env = {
            **os.environ,
            "TUNECTL_LOCAL_ROOT": str(Path(temporary) / "local"),
            "XDG_CACHE_HOME": str(Path(temporary) / "cache"),
            "PYTHONPYCACHEPREFIX": str(Path(temporary) / "bytecode"),  # as pip leaves it
        }
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        text = (folder / "tunectl.yaml").read_text(encoding="utf-8")
        simulated = text.replace("local: {}", "local: {trainer: simulated}")
        (folder / "tunectl.yaml").write_text(simulated, encoding="utf-8")
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, "env": env, "check": True}
        subprocess.run([*TUNECTL, "apply", "--auto-approve"], **quiet)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "tunectl --version": [*TUNECTL, "--version"],
            "tunectl validate": [*TUNECTL, "validate"],
            "tunectl plan (no changes)": [*TUNECTL, "plan"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                taken[name].append(cpu_seconds(command, folder, env))
        subprocess.run([*TUNECTL, "destroy", "--auto-approve"], **quiet)
    bare = statistics.median(taken["python -c pass"])
    print(f"| command (example 01, median of {runs}) | CPU s | × bare interpreter |\n|---|---|---|")
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(f"| `{name}` | {middle:.2f} | {middle / bare:.1f} |")


if __name__ == "__main__":
    main()
