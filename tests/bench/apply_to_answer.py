"""Seconds from `tunectl apply` to the first answer of the tuned model, on the example's data.

    python -m tests.bench.apply_to_answer [--trainer lora]

The base model is fetched and imported first, and that is not counted. One run: it takes minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-helpdesk"
TUNECTL = [sys.executable, "-m", "tunectl"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainer", choices=("lora", "simulated"), default="lora")
    trainer = parser.parse_args().trainer
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "01-helpdesk"
        skip = shutil.ignore_patterns("state", ".tunectl", "deploy")
        shutil.copytree(EXAMPLE, folder, ignore=skip)
        env = {**os.environ, "TUNECTL_LOCAL_ROOT": str(Path(temporary) / "local")}
        text = (folder / "tunectl.yaml").read_text(encoding="utf-8")
        text = text.replace("local: {}", f"local: {{trainer: {trainer}}}")
        (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
        if trainer == "lora":
            pull = [*TUNECTL, "model", "pull", "smollm2-135m-instruct"]
            subprocess.run(pull, env=env, check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, "env": env, "check": True}
        subprocess.run([*TUNECTL, "apply", "--auto-approve"], **quiet)
        applied = time.monotonic() - began
        subprocess.run([*TUNECTL, "ask", "endpoint.support", "Where is my invoice?"], **quiet)
        answered = time.monotonic() - began
        subprocess.run([*TUNECTL, "destroy", "--auto-approve"], **quiet)
    print("| trainer | `apply` done, s | first answer, s | processors | load before |")
    print("|---|---|---|---|---|")
    load = os.getloadavg()[2]
    print(f"| {trainer} | {applied:.0f} | {answered:.0f} | {os.cpu_count()} | {load:.1f} |")


if __name__ == "__main__":
    main()
