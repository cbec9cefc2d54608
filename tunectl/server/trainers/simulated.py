"""The simulated trainer: the real path of a job, at once and without weights.

Losses are a function of rows and seed alone and fall with every step. What a checkpoint holds is a
running digest of the rows seen, so that a job resumed after a kill gives the same adapter, to the
byte, as one that was never interrupted, and a wrong resume cannot. `step_seconds` in the recipe
slows it down, `checkpoint_steps` sets the steps between checkpoints (default: one epoch).
"""

from __future__ import annotations

import hashlib
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunectl.server.folder import read_json, write_bytes, write_json
from tunectl.server.jobs import EXIT_CANCELLED, EXIT_PAUSED, EXIT_SUCCEEDED, JobFolder
from tunectl.server.row_forms import learnt
from tunectl.server.simulated_answers import ROWS_FILE, count_tokens, training_pairs
from tunectl.server.validate import rows_of, text_of

_KEEP = 3  # checkpoints, as many as OpenAI keeps
_FLOOR = 0.05


@dataclass
class _Progress:
    """All that a checkpoint has to hold."""

    step: int = 0
    digest: str = ""
    gap: float = 0.0
    tokens: int = 0
    valid_loss: float | None = None


class SimulatedTraining:
    """One run over one job folder."""

    def __init__(self, job: JobFolder) -> None:
        self.job = job
        self.recipe = job.recipe()
        self.rows = [line.strip() for _, line in rows_of(job.training)]
        self.costs = [_tokens(row) for row in self.rows]
        numbers = self.recipe["hyperparameters"]
        self.batch = int(numbers["batch_size"])
        self.per_epoch = math.ceil(len(self.rows) / self.batch)
        self.total = self.per_epoch * int(numbers["n_epochs"])
        self.every = int(self.recipe.get("checkpoint_steps") or self.per_epoch)
        self.pause = float(self.recipe.get("step_seconds") or 0.0)
        self.now = self._restored()

    def run(self) -> int:
        """Train to the end, or to where a control file stops it; returns the exit code."""
        job, now = self.job, self.now
        job.event("Fine-tuning job started" if now.step == 0 else f"Resumed from step {now.step}")
        job.write_status(
            state="running", total_steps=self.total, device="none", dtype="none", step=now.step
        )
        while now.step < self.total:
            stopped = self._stopped()
            if stopped is not None:
                return stopped
            time.sleep(self.pause)
            self._step()
            if now.step % self.every == 0 or now.step == self.total:
                self._checkpoint()
                job.event(f"Checkpoint created at step {now.step}")
        built = job.path / ".adapter-building"
        built.mkdir(exist_ok=True)
        self._write_adapter(built)
        job.publish_adapter(built)
        job.write_status(trained_tokens=now.tokens)
        job.finish("succeeded")
        return EXIT_SUCCEEDED

    def _stopped(self) -> int | None:
        if self.job.wants_cancel():
            self._checkpoint()
            self.job.event("Fine-tuning job cancelled")
            self.job.write_status(trained_tokens=self.now.tokens)
            self.job.finish("cancelled")
            return EXIT_CANCELLED
        if self.job.wants_pause():
            self._checkpoint()
            self.job.event("Fine-tuning job paused")
            self.job.write_status(state="paused")
            return EXIT_PAUSED
        return None

    def _step(self) -> None:
        now = self.now
        epoch = now.step // self.per_epoch
        order = self._order(epoch)
        start = now.step % self.per_epoch * self.batch
        chain = hashlib.sha256(now.digest.encode())
        for index in order[start : start + self.batch]:
            chain.update(self.rows[index])
            now.tokens += self.costs[index]
        now.digest = chain.hexdigest()
        # Between 3 and 18 percent of the remaining gap is closed: strictly falling, never flat.
        now.gap *= 0.82 + 0.15 * int(now.digest[:8], 16) / 0xFFFFFFFF
        now.step += 1
        loss = round(_FLOOR + now.gap, 6)
        if now.step % self.per_epoch == 0 and self.job.validation.exists():
            now.valid_loss = round(1.15 * loss, 6)
        data = {
            "step": now.step,
            "total_steps": self.total,
            "epoch": epoch + 1,
            "train_loss": loss,
            "train_mean_token_accuracy": round(math.exp(-loss), 6),
        }
        if now.valid_loss is not None and now.step % self.per_epoch == 0:
            data["valid_loss"] = data["full_valid_loss"] = now.valid_loss
            data["valid_mean_token_accuracy"] = round(math.exp(-now.valid_loss), 6)
        text = f"Step {now.step}/{self.total}: training loss={loss:.2f}"
        self.job.event(text, type="metrics", data=data)
        self.job.write_status(
            step=now.step,
            epoch=epoch + 1,
            train_loss=loss,
            valid_loss=now.valid_loss,
            seconds_left=self.pause * (self.total - now.step),
        )

    def _order(self, epoch: int) -> list[int]:
        """Return the order of the rows: a function of seed and epoch, so it needs no saving."""
        order = list(range(len(self.rows)))
        random.Random(int(self.recipe["seed"]) * 1000 + epoch).shuffle(order)  # noqa: S311
        return order

    def _restored(self) -> _Progress:
        for _, path in reversed(self.job.checkpoints()):
            state = read_json(path / "state.json")
            if state is not None:
                return _Progress(**state)
        digest = hashlib.sha256(f"{self.recipe['seed']} {self.recipe['base']['sha256']}".encode())
        scale = float(self.recipe["hyperparameters"]["learning_rate_multiplier"])
        digest.update(str(scale).encode())
        start = 2.0 + int(digest.hexdigest()[:8], 16) / 0xFFFFFFFF
        return _Progress(digest=digest.hexdigest(), gap=start)

    def _checkpoint(self) -> None:
        if any(step == self.now.step for step, _ in self.job.checkpoints()):
            return
        path = self.job.begin_checkpoint(self.now.step)
        write_json(path / "state.json", vars(self.now), durable=False)
        (path / "adapter").mkdir()
        self._write_adapter(path / "adapter")
        self.job.seal_checkpoint(path, keep=_KEEP)

    def _write_adapter(self, folder: Path) -> None:
        seen: set[int] = set()
        for epoch in range(math.ceil(self.now.step / self.per_epoch)):
            done = min(self.now.step - epoch * self.per_epoch, self.per_epoch) * self.batch
            seen.update(self._order(epoch)[:done])
        pairs = [
            pair
            for index in sorted(seen)
            for pair in training_pairs(orjson.loads(self.rows[index]))
        ]
        lines = b"".join(orjson.dumps(pair) + b"\n" for pair in pairs)
        write_bytes(folder / ROWS_FILE, lines, durable=False)
        facts: dict[str, Any] = {
            "peft_type": "SIMULATED",
            "base_model_name_or_path": self.recipe["base"]["name"],
            "base_sha256": self.recipe["base"]["sha256"],
            "digest": self.now.digest,
            "steps": self.now.step,
            "train_loss": round(_FLOOR + self.now.gap, 6),
        }
        write_json(folder / "adapter_config.json", facts, durable=False)


def _tokens(row: bytes) -> int:
    return sum(count_tokens(text_of(m.get("content"))) for m in learnt(orjson.loads(row)))


if __name__ == "__main__":
    sys.exit(SimulatedTraining(JobFolder(Path(sys.argv[1]))).run())
