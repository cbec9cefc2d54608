"""What is really there: read from the files of the server, past every line of the product."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any


def inventory(root: Path) -> dict[str, Any]:
    """Return our files, models, running jobs, aliases, and the jobs that were ever created.

    What carries no mark is somebody else's and is left out.

    Returns:
        `files`: names of the training files; `ids`: of files, jobs and aliases that exist;
        `models`: of each tuned model that exists its name, the address of its owner and its
        epochs; `running`: ids of jobs that are not over;
        `aliases`: name to model; `jobs_ever`: how many jobs were made, by address.
    """
    found: dict[str, Any] = {"files": [], "ids": [], "models": [], "running": [], "aliases": {}}
    for path in sorted((root / "files").glob("file-*.json")):
        meta = _read(path)
        if meta.get("purpose") == "fine-tune" and meta["filename"].startswith("tunectl."):
            found["files"].append(meta["filename"])
            found["ids"].append(meta["id"])
    ever: Counter[str] = Counter()
    for job in sorted((root / "jobs").glob("ftjob-*")):
        recipe, meta, status = (_read(job / f"{n}.json") for n in ("job", "meta", "status"))
        owner = (meta.get("metadata") or {}).get("tunectl-address")
        if owner is None:
            continue
        ever[owner] += 1
        if status["state"] not in {"succeeded", "failed", "cancelled"}:
            found["running"].append(job.name)
        if (job / "adapter").exists():
            found["ids"].append(job.name)
            epochs = recipe["hyperparameters"]["n_epochs"]
            found["models"].append([recipe["fine_tuned_model"], owner, epochs])
    for path in sorted((root / "aliases").glob("*.json")):
        alias = _read(path)
        found["aliases"][alias["name"]] = alias["model"]
        found["ids"].append(alias["name"])
    found["jobs_ever"] = dict(ever)
    return found


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
