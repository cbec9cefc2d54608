"""The real trainer: LoRA on all linear layers of a base model, on this machine.

`python -m tunectl.server.trainers.lora JOBDIR` trains the job in that folder, or goes on from its
newest complete checkpoint, with the same losses as an uninterrupted run (same machine and number
of threads). Ends with an exit code of `tunectl.server.jobs`; a SIGTERM that comes without a
request to cancel or pause leaves a checkpoint and the state `running`, to be taken up again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.server.hf_environment import apply_hf_variables
from tunectl.server.jobs import (
    EXIT_CANCELLED,
    EXIT_PAUSED,
    EXIT_SUCCEEDED,
    TERMINAL,
    JobFolder,
)
from tunectl.server.trainers.batches import Schedule
from tunectl.server.trainers.checkpoint import load_checkpoint
from tunectl.server.trainers.device import Device, DeviceError, choose_device
from tunectl.server.trainers.encode import Example, UnusableRowError, encode_file
from tunectl.server.trainers.failure import FailureReport, JobError
from tunectl.server.trainers.fused_lora import fuse_lora
from tunectl.server.trainers.ranks import (
    PeerLostError,
    Place,
    end_with_parent,
    join,
    lead,
    place,
    seen_by,
)
from tunectl.server.trainers.recipe import ALPHA, RANK, TRAINER_VERSION, Recipe, read_recipe
from tunectl.server.trainers.training import Training

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

EXIT_TERMINATED = 128 + signal.SIGTERM


class StopRequests:
    """Who wants the training to stop: a control file, or a SIGTERM, which only sets a flag."""

    def __init__(self, job: JobFolder) -> None:
        """Take over SIGTERM; a step is seconds long, so it is looked at between steps."""
        self.job = job
        self.terminated = False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, _number: int, _frame: object) -> None:
        self.terminated = True

    def __call__(self) -> str | None:
        """`cancel`, `pause`, `terminate`, or None to go on; cancelling wins over pausing."""
        if self.job.wants_cancel():
            return "cancel"
        if self.job.wants_pause():
            return "pause"
        return "terminate" if self.terminated else None


def train(job: JobFolder, stop: StopRequests, where: Place | None = None) -> int:
    """Train a job to its end or until it is asked to stop; returns the exit code.

    Args:
        job: its folder.
        stop: looked at between steps.
        where: which of several ranks this process is; alone when not given.

    Raises:
        JobError: it can never succeed.
        OSError: the disk is full, a file is missing.
    """
    status = job.status()
    if status["state"] in TERMINAL:
        return EXIT_SUCCEEDED if status["state"] == "succeeded" else EXIT_CANCELLED
    job.write_status(
        state="loading",
        pid=os.getpid(),
        error=None,
        started_at=status.get("started_at") or int(time.time()),
    )
    where = where or Place()
    reason = stop() if where.size == 1 else None  # ranks stop together, or wait for each other
    if reason is None:
        training = prepare(job, stop, where)
        reason = training.run()
        if reason is None:
            training.finish()
            job.event("The job has successfully completed")
            job.finish("succeeded")
            return EXIT_SUCCEEDED
    return stopped(job, reason)


def stopped(job: JobFolder, reason: str) -> int:
    """Write down why a training stands still; returns the exit code."""
    step = job.status().get("step", 0)
    match reason:
        case "cancel":
            job.event(f"The job was cancelled after step {step}", level="warn")
            job.finish("cancelled")
            return EXIT_CANCELLED
        case "pause":
            job.event(f"The job was paused after step {step}")
            job.write_status(state="paused", pid=None, seconds_left=None)
            return EXIT_PAUSED
    job.event(f"The trainer was told to end after step {step}; it goes on from here", level="warn")
    return EXIT_TERMINATED


def prepare(job: JobFolder, stop: StopRequests, where: Place) -> Training:
    """Load base, data and the newest checkpoint.

    Raises:
        JobError: a row, the base model or the device cannot be used.
        PeerLostError: of several ranks one is gone.
    """
    recipe = read_recipe(job)
    try:
        device = choose_device(recipe.device, recipe.dtype, recipe.threads)
    except DeviceError as cause:
        raise JobError("invalid_device", str(cause), "device") from cause
    import torch

    torch.set_num_threads(device.threads)
    torch.manual_seed(recipe.seed)
    group = join(where, stop, device.kind)
    tokenizer, model = load_model(recipe, device)
    limit = min(recipe.max_tokens, model.config.get_text_config().max_position_embeddings)
    train_rows = read_rows(job, job.training, "training", tokenizer, limit)
    valid_rows = read_rows(job, job.validation, "validation", tokenizer, limit)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=0.0, fused=device.kind != "mps"
    )
    pad = tokenizer.pad_token_id
    training = Training(
        job=job,
        recipe=recipe,
        device=device,
        schedule=Schedule(len(train_rows), recipe.batch_size, recipe.epochs, recipe.seed),
        train=train_rows,
        valid=valid_rows,
        model=model,
        optimizer=optimizer,
        pad=pad if pad is not None else tokenizer.eos_token_id,
        group=group,
    )
    start(training)
    return training


def start(training: Training) -> None:
    """Go on from the newest checkpoint, and say where and on what."""
    job, device = training.job, training.device
    training.done, counters = load_checkpoint(job, training.model, training.optimizer)
    training.counters |= counters
    training.group.align(training.parameters, training.done)
    running: dict[str, object] = {
        "device": device.kind,
        "dtype": device.dtype,
        "threads": device.threads,
    }
    if training.group.size > 1:
        running["workers"] = training.group.size
    data = running | {
        "step": training.done,
        "total_steps": training.schedule.steps,
        "trainer": TRAINER_VERSION,
    }
    if training.done:
        job.event(f"Training resumed from the checkpoint of step {training.done}", data=data)
    else:
        words = f"{device.kind}, {device.dtype}, {device.threads} threads"
        if training.group.size > 1:
            words += f", {training.group.size} workers"
        job.event(f"Fine-tuning job started ({words})", data=data)
    job.write_status(
        state="running", step=training.done, total_steps=training.schedule.steps, **running
    )


def load_model(recipe: Recipe, device: Device) -> tuple[PreTrainedTokenizerBase, PeftModel]:
    """The tokenizer and the base model with fresh LoRA layers; only those are trained."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = str(recipe.base_folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, device.dtype))
    base.to(device.kind)
    config = LoraConfig(
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    model.train()
    fuse_lora(model)
    return tokenizer, model


def read_rows(
    job: JobFolder, path: Path, name: str, tokenizer: PreTrainedTokenizerBase, limit: int
) -> list[Example]:
    """The examples of the training or validation file; a missing validation file is empty.

    Raises:
        JobError: there is no example, or one cannot be learned from.
    """
    if name == "validation" and not path.exists():
        return []
    try:
        examples = encode_file(path, tokenizer, limit)
    except UnusableRowError as cause:
        raise JobError(
            f"invalid_{name}_file",
            f"The job failed due to an error in the {name} file. "
            f"Line {cause.line}: {cause.reason}.",
            f"{name}_file",
        ) from cause
    if not examples:
        raise JobError(f"invalid_{name}_file", f"The {name} file has no examples.", f"{name}_file")
    cut = sum(example.cut for example in examples)
    if cut:
        text = f"{cut} of {len(examples)} examples of the {name} file are cut at {limit} tokens"
        job.event(text, level="warn", data={"cut": cut, "max_tokens": limit})
    return examples


def main(arguments: list[str]) -> int:
    """Train the job folder named on the command line; returns the exit code of the process."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tunectl.server.trainers.lora JOBDIR\n")
        return 2
    job = JobFolder(Path(arguments[0]).resolve())
    apply_hf_variables(job.root.path)
    end_with_parent(os.environ)
    where = place(os.environ)
    job = seen_by(job, where)
    with FailureReport(job) as report:
        report.code = _train_together(job, where)
    return report.code


def _train_together(job: JobFolder, where: Place) -> int:
    """Train; a rank that has lost another one ends without a verdict, to be taken up again."""
    try:
        lead(job, where)
        return train(job, StopRequests(job), where)
    except PeerLostError as lost:
        job.event(f"{lost}; the job goes on from its newest checkpoint", level="warn")
        return EXIT_TERMINATED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
