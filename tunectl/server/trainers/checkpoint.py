"""Checkpoints of a training: complete or absent, the newest to resume from, few kept.

A checkpoint is the adapter as a PEFT folder (usable as a model) and `state.pt`: optimizer, random
states, counters. It is written under a temporary name, synced, renamed and then marked `ok`; a
folder without the mark does not exist. Kept are the last two, to resume from, and those at the
ends of the last three epochs, as OpenAI keeps them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.server.durable import sync_files
from tunectl.server.folder import remove_tree, sync_folder, write_json
from tunectl.server.jobs import JobFolder

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

KEEP_FOR_RESUME = 2
KEEP_EPOCHS = 3


def save_adapter(model: PeftModel, folder: Path, base: dict[str, Any]) -> None:
    """Write the adapter as a PEFT folder whose configuration names the base by content.

    peft writes the absolute path of the base into `adapter_config.json`; on another machine, or
    after the root moved, that path is wrong. The base is found by its sha256 instead.
    """
    import orjson

    model.save_pretrained(str(folder))
    path = folder / "adapter_config.json"
    config = orjson.loads(path.read_bytes())
    config["base_model_name_or_path"] = f"sha256:{base['sha256']}"
    write_json(path, config, durable=False)
    (folder / "README.md").unlink(missing_ok=True)


def save_checkpoint(
    job: JobFolder,
    step: int,
    model: PeftModel,
    optimizer: torch.optim.Optimizer,
    counters: dict[str, Any],
    base: dict[str, Any],
) -> None:
    """Write the checkpoint of `step` (steps done); it counts only when all of it is on the disk.

    Raises:
        OSError: the disk is full.
    """
    import torch

    final = job.path / f"checkpoint-{step}"
    temporary = job.path / f".checkpoint-{step}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    save_adapter(model, temporary, base)
    state = {
        "step": step,
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "counters": counters,
    }
    torch.save(state, temporary / "state.pt")
    sync_files(temporary)
    if final.exists():
        remove_tree(final)
    temporary.rename(final)
    sync_folder(job.path)
    (final / "ok").touch()
    sync_folder(final)


def load_checkpoint(
    job: JobFolder, model: PeftModel, optimizer: torch.optim.Optimizer
) -> tuple[int, dict[str, Any]]:
    """Restore the newest complete checkpoint; returns steps done and counters, (0, {}) without one.

    `state.pt` is read with `weights_only`: it can hold tensors and plain values, no code.
    """
    import torch
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    complete = job.checkpoints()
    resumable = [item for item in complete if (item[1] / "state.pt").exists()]
    if not resumable:
        return 0, {}
    step, folder = resumable[-1]
    set_peft_model_state_dict(model, load_file(folder / "adapter_model.safetensors"))
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    if torch.cuda.is_available() and state["cuda_rng"]:
        torch.cuda.set_rng_state_all(state["cuda_rng"])
    return step, state["counters"]


def prune(job: JobFolder, epoch_ends: Iterable[int], *, finished: bool) -> None:
    """Drop checkpoints that nothing needs any more.

    Args:
        job: the job folder.
        epoch_ends: steps, ascending, at which an epoch was complete so far.
        finished: the training is over: nothing will resume, so states go too.
    """
    complete = job.checkpoints()
    kept = set(list(epoch_ends)[-KEEP_EPOCHS:])
    if not finished:
        kept |= {step for step, _ in complete[-KEEP_FOR_RESUME:]}
    for step, folder in complete:
        if step not in kept:
            (folder / "ok").unlink()
            shutil.rmtree(folder)
        elif finished:
            (folder / "state.pt").unlink(missing_ok=True)
    for leftover in job.path.glob(".checkpoint-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def publish_adapter(job: JobFolder, model: PeftModel, base: dict[str, Any]) -> None:
    """Write the finished adapter in one step; a reader sees all of it or none.

    Raises:
        OSError: the disk is full.
    """
    built = job.path / f".adapter.{os.getpid()}.tmp"
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir()
    save_adapter(model, built, base)
    job.publish_adapter(built)
