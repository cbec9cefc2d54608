"""The steps of a LoRA training, and what is written down between them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunectl.server.jobs import JobFolder
from tunectl.server.trainers import checkpoint
from tunectl.server.trainers.batches import Schedule, lay_out, split
from tunectl.server.trainers.device import Device
from tunectl.server.trainers.encode import Example
from tunectl.server.trainers.failure import JobError
from tunectl.server.trainers.loss import keeps_logits, summed_loss
from tunectl.server.trainers.ranks import Alone
from tunectl.server.trainers.recipe import CLIP_NORM, WARM_UP_SHARE, Recipe

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

SMOOTH = 0.9
"""Weight of the past in the running mean of a step's seconds, from which the rest is foretold."""


@dataclass
class Training:
    """A training in memory: data, model, optimizer, and how far it is (`done` steps)."""

    job: JobFolder
    recipe: Recipe
    device: Device
    schedule: Schedule
    train: list[Example]
    valid: list[Example]
    model: PeftModel
    optimizer: torch.optim.Optimizer
    pad: int
    group: Alone
    done: int = 0
    counters: dict[str, Any] = field(default_factory=lambda: {"trained_tokens": 0})
    pace: float | None = None

    def __post_init__(self) -> None:
        """Look up once what does not change."""
        self.inner = self.model.get_base_model()
        self.keep = keeps_logits(self.inner)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]

    def run(self) -> str | None:
        """Train to the end; returns None, or why it stopped: `cancel`, `pause`, `terminate`.

        Raises:
            JobError: the loss is no longer a number.
            OSError: the disk is full.
        """
        if self.done == 0:
            self._validate()
        while self.done < self.schedule.steps:
            reason = self.group.stop()
            if reason:
                self.save()
                return reason
            self._advance()
        return None

    def save(self) -> None:
        """Make a checkpoint of now, unless there is one, and drop those nothing needs."""
        if not self.group.leader:
            return
        if self.done and (not self.job.checkpoints() or self.job.checkpoints()[-1][0] != self.done):
            checkpoint.save_checkpoint(
                self.job, self.done, self.model, self.optimizer, self.counters, self.recipe.base
            )
        self._prune(finished=False)

    def finish(self) -> None:
        """Publish the adapter; afterwards only checkpoints at the ends of epochs are left."""
        if not self.group.leader:
            return
        checkpoint.publish_adapter(self.job, self.model, self.recipe.base)
        self._prune(finished=True)

    def _prune(self, *, finished: bool) -> None:
        per_epoch = self.schedule.per_epoch
        ends = range(per_epoch, self.done + 1, per_epoch)
        checkpoint.prune(self.job, ends, finished=finished)

    def _advance(self) -> None:
        """One step, its report, and after some steps a validation or a checkpoint."""
        started = time.monotonic()
        batch = [self.train[index] for index in self.schedule.batch(self.done)]
        rate = learning_rate(self.done, self.schedule.steps, self.recipe.learning_rate)
        loss, accuracy = self._step(batch, rate)
        self.done += 1
        if not math.isfinite(loss):
            raise JobError(
                "server_error",
                f"the loss is not a number at step {self.done}; lower `learning_rate_multiplier`",
            )
        seconds = time.monotonic() - started
        self.pace = seconds if self.pace is None else SMOOTH * self.pace + (1 - SMOOTH) * seconds
        tokens = sum(len(example.ids) for example in batch)
        self.counters["trained_tokens"] += tokens
        self.counters["train_loss"] = loss
        ends_epoch = self.schedule.ends_epoch(self.done)
        if ends_epoch:
            self._evaluate()
        data = {
            "train_loss": loss,
            "train_mean_token_accuracy": accuracy,
            "learning_rate": rate,
            "tokens_per_second": round(tokens / seconds, 1),
        }
        self._report(data, validated=ends_epoch and bool(self.valid))
        every = self.recipe.checkpoint_steps or self.device.checkpoint_steps
        if self.done % every == 0 or (ends_epoch and self._lasting()):
            self.save()

    def _lasting(self) -> bool:
        """Whether the checkpoint of the epoch that has just ended will be kept for good."""
        left = self.schedule.steps - self.done
        return left < checkpoint.KEEP_EPOCHS * self.schedule.per_epoch

    def _step(self, batch: list[Example], rate: float) -> tuple[float, float]:
        """One optimizer step on the mean loss over the batch's learned tokens.

        Of several ranks each computes its share; what is learned is counted over all of them.
        """
        from torch.nn.utils import clip_grad_norm_

        learned = sum(example.learned for example in batch)
        total, right = 0.0, 0
        batch = self.group.share(batch)
        lengths = [len(example.ids) for example in batch]
        for piece in split(lengths, self.device.token_budget):
            ids, labels = lay_out([batch[at] for at in piece], self.pad, self.inner.device)
            loss, hits = summed_loss(self.inner, ids, labels, keep=self.keep)
            (loss / learned).backward()
            total += float(loss.detach())
            right += hits
        total, right = self.group.exchange(self.parameters, total, right)
        clip_grad_norm_(self.parameters, CLIP_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total / learned, right / learned

    def _validate(self) -> None:
        """Validation before the first step, so that there is something to compare with."""
        if self.valid:
            self._evaluate()
            self._report({}, validated=True)

    def _evaluate(self) -> None:
        """Mean loss and accuracy over the validation examples, weighted by learned tokens."""
        import torch

        if not self.valid:
            return
        self.model.eval()
        total, right = 0.0, 0
        lengths = [len(example.ids) for example in self.valid]
        with torch.inference_mode():
            for piece in split(lengths, self.device.token_budget):
                examples = [self.valid[at] for at in piece]
                ids, labels = lay_out(examples, self.pad, self.inner.device)
                loss, hits = summed_loss(self.inner, ids, labels, keep=self.keep)
                total += float(loss.detach())
                right += hits
                self.job.write_status()
        self.model.train()
        learned = sum(example.learned for example in self.valid)
        self.counters["valid_loss"] = total / learned
        self.counters["valid_accuracy"] = right / learned

    def _report(self, data: dict[str, Any], *, validated: bool) -> None:
        """Tell a step as an event and as status; losses rounded for neither."""
        left = None if self.pace is None else self.pace * (self.schedule.steps - self.done)
        epoch = self.done / self.schedule.per_epoch
        where = {
            "step": self.done,
            "total_steps": self.schedule.steps,
            "epoch": round(epoch, 4),
            "seconds_left": None if left is None else round(left, 1),
        }
        message = f"Step {self.done}/{self.schedule.steps}"
        if "train_loss" in data:
            message += f": training loss={data['train_loss']:.4f}"
        if validated:
            data |= {
                "valid_loss": self.counters["valid_loss"],
                "full_valid_loss": self.counters["valid_loss"],
                "full_valid_mean_token_accuracy": self.counters["valid_accuracy"],
            }
            sign = "," if "train_loss" in data else ":"
            message += f"{sign} full validation loss={self.counters['valid_loss']:.4f}"
        self.job.event(message, type="metrics", data=where | data)
        self.job.write_status(
            state="running",
            train_loss=self.counters.get("train_loss"),
            valid_loss=self.counters.get("valid_loss"),
            trained_tokens=self.counters["trained_tokens"],
            **where,
        )


def learning_rate(step: int, steps: int, peak: float) -> float:
    """The rate of a step, from 0: linear warm-up over a twentieth, then cosine to nearly zero.

    It is never zero, so that no step of a short training is spent on nothing.
    """
    warm = max(1, steps // WARM_UP_SHARE)
    if step < warm:
        return peak * (step + 1) / (warm + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
