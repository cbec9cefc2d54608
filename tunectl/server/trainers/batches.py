"""Which examples a step sees, and how they are laid out.

The order of the data is a pure function of (seed, epoch), and a step's batch of (step, order), so
that resuming needs nothing but the number of the step.

Inside one batch the layout is free, because the loss is a mean over all its learned tokens:
examples are sorted by length and split into pieces whose gradients are summed. That saves padding
and bounds the memory of a large batch; the gradient is the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunectl.server.trainers.encode import IGNORED, Example

if TYPE_CHECKING:
    import torch

PIECE_COST = 24
"""What one more piece costs, in padded tokens that it must save to be worth it (measured)."""


@dataclass(frozen=True)
class Schedule:
    """`steps` = ceil(examples / batch) × epochs; the last batch of an epoch may be smaller."""

    examples: int
    batch_size: int
    epochs: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps of one epoch."""
        return math.ceil(self.examples / self.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.per_epoch * self.epochs

    def epoch(self, step: int) -> int:
        """The epoch, from 0, of a step, from 0."""
        return step // self.per_epoch

    def batch(self, step: int) -> list[int]:
        """Indices of the examples of a step, from 0."""
        order = list(range(self.examples))
        random.Random(self.seed * 1000 + self.epoch(step)).shuffle(order)  # noqa: S311
        start = step % self.per_epoch * self.batch_size
        return order[start : start + self.batch_size]

    def ends_epoch(self, steps_done: int) -> bool:
        """Whether an epoch is complete after so many steps."""
        return steps_done > 0 and steps_done % self.per_epoch == 0


def split(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group positions of `lengths` into pieces with the least padding, longest first.

    Args:
        lengths: tokens of each example of one batch.
        budget: most tokens, padding included, that one piece may have; an example longer than
            that makes a piece of its own.
    """
    order = sorted(range(len(lengths)), key=lambda at: (-lengths[at], at))
    best = [0.0] * (len(order) + 1)  # least cost of the first n examples of `order`
    cut = [0] * (len(order) + 1)
    for end in range(1, len(order) + 1):
        best[end] = math.inf
        for start in range(end - 1, -1, -1):
            size = (end - start) * lengths[order[start]]
            if size > budget and end - start > 1:
                break
            cost = best[start] + size + PIECE_COST
            if cost < best[end]:
                best[end], cut[end] = cost, start
    pieces = []
    end = len(order)
    while end:
        pieces.append(order[cut[end] : end])
        end = cut[end]
    return pieces[::-1]


def lay_out(
    examples: Sequence[Example], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and next-token labels of one piece, padded on the right.

    Labels are shifted here: position t holds the label of token t + 1.
    """
    import torch

    width = max(len(example.ids) for example in examples)
    shape = (len(examples), width)
    ids = torch.full(shape, pad, dtype=torch.long)
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    for row, example in enumerate(examples):
        length = len(example.ids)
        ids[row, :length] = torch.tensor(example.ids)
        labels[row, : length - 1] = torch.tensor(example.labels[1:])
    return ids.to(device), labels.to(device)
