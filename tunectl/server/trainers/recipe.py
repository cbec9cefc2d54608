"""What `job.json` says, as the LoRA trainer reads it; the fixed part of the recipe stands here.

The values were found by training SmolLM2-135M on 50 chats (2026-11-22); OpenAI's three
hyper-parameters map on to them directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.server.jobs import JobFolder
from tunectl.server.trainers.failure import JobError

TRAINER_VERSION = "lora-1"
"""Part of a job's identity: raised when the same recipe would train another model."""

RANK = 8
ALPHA = 16
LEARNING_RATE = 1e-3
WARM_UP_SHARE = 20
CLIP_NORM = 1.0
DEFAULT_MAX_TOKENS = 512


@dataclass(frozen=True)
class Recipe:
    """An immutable job. `max_tokens` is the longest example; None elsewhere means: find out."""

    base: dict[str, Any]
    base_folder: Path
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    max_tokens: int
    checkpoint_steps: int | None
    device: str | None
    dtype: str | None
    threads: int | None


def read_recipe(job: JobFolder) -> Recipe:
    """The recipe of a job; the base is found by its sha256 under the root, or at its path.

    Raises:
        JobError: the base model is not on this machine, or the method is not supervised.
        NoSuchJobError: there is no `job.json`.
    """
    raw = job.recipe()
    method = (raw.get("method") or {}).get("type", "supervised")
    if method != "supervised":
        raise JobError(
            "unsupported_method", f"the local trainer knows `supervised`, not `{method}`", "method"
        )
    base = dict(raw["base"])
    folder = Path(base["path"]) if base.get("path") else job.root.models / base["sha256"]
    if not (folder / "config.json").is_file():
        raise JobError(
            "model_not_found",
            f"base model `{base['name']}` is not on this machine; "
            f"run `tunectl model pull {base['name']}`",
            "model",
        )
    wanted = raw["hyperparameters"]
    return Recipe(
        base=base,
        base_folder=folder,
        epochs=int(wanted["n_epochs"]),
        batch_size=int(wanted["batch_size"]),
        learning_rate=LEARNING_RATE * float(wanted["learning_rate_multiplier"]),
        seed=int(raw["seed"]),
        max_tokens=int(raw.get("max_tokens") or DEFAULT_MAX_TOKENS),
        checkpoint_steps=raw.get("checkpoint_steps"),
        device=raw.get("device"),
        dtype=raw.get("dtype"),
        threads=raw.get("threads"),
    )
