"""The loss of a piece of a batch, with logits only where something is learned."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from tunectl.server.trainers.encode import IGNORED

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def keeps_logits(model: PreTrainedModel) -> bool:
    """Whether the model computes logits for chosen positions only (`logits_to_keep`)."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def summed_loss(
    model: PreTrainedModel, ids: torch.Tensor, labels: torch.Tensor, *, keep: bool
) -> tuple[torch.Tensor, int]:
    """Cross entropy summed over the learned tokens, and how many of them were predicted right.

    Padding is on the right and attention is causal, so no token ever sees padding and no attention
    mask is needed: the loss is the same, the fast causal kernel can be used.

    Args:
        model: a causal language model, LoRA layers inside.
        ids: token ids, padded on the right.
        labels: shifted labels; `IGNORED` where nothing is learned.
        keep: whether the model takes `logits_to_keep`; a mask of positions saves the product of
            every other position with the vocabulary, a fifth of the work of a small model.
    """
    from torch.nn.functional import cross_entropy

    learned = labels != IGNORED
    if keep:
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=learned).logits
    else:
        logits = model(input_ids=ids, use_cache=False).logits[learned]
    targets = labels[learned]
    right = int((logits.detach().argmax(-1) == targets).sum())
    return cross_entropy(logits.float(), targets, reduction="sum"), right
