"""Run every benchmark, one after another: `python -m tests.bench`."""

from __future__ import annotations

import subprocess
import sys

BENCHES = (
    "cli_cost",
    "scale",
    "training_speed",
    "serving_speed",
    "apply_to_answer",
    "dataset_checks",
    "clouds",
    "retrieval",
    "prompt_render",
)

pull = [sys.executable, "-m", "tunectl", "model", "pull", "smollm2-135m-instruct"]
subprocess.run(pull, check=True)
for name in BENCHES:
    print(f"\n## {name}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=True)
