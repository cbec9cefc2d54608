"""A LoRA adapter as a PEFT folder on disk, read without peft.

Only plain LoRA on linear layers is taken, which is what this server trains. Anything else (DoRA,
rank-stabilised scaling, per-layer ranks, extra trained modules) is refused, not applied wrongly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.server.folder import read_json

TENSOR = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight")


class UnsupportedAdapterError(ValueError):
    """The folder holds no adapter, or one of a kind this server does not apply."""


@dataclass(frozen=True)
class AdapterConfig:
    """Rank and alpha of a plain LoRA adapter; its output is scaled by alpha / rank."""

    rank: int
    alpha: float

    @property
    def scale(self) -> float:
        """What the product of both matrices is multiplied by."""
        return self.alpha / self.rank


def read_adapter_config(folder: Path) -> AdapterConfig:
    """Read and check `adapter_config.json`.

    Raises:
        UnsupportedAdapterError: not a plain LoRA adapter.
    """
    raw: dict[str, Any] | None = read_json(folder / "adapter_config.json")
    if raw is None:
        raise UnsupportedAdapterError(f"`{folder.name}` is not an adapter folder")
    unusual = [
        name
        for name in ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")
        if raw.get(name)
    ]
    if raw.get("peft_type") != "LORA" or unusual or raw.get("bias", "none") != "none":
        reason = ", ".join(unusual) or f"type {raw.get('peft_type')}, bias {raw.get('bias')}"
        raise UnsupportedAdapterError(f"adapter `{folder.name}` is not plain LoRA: {reason}")
    return AdapterConfig(rank=int(raw["r"]), alpha=float(raw["lora_alpha"]))


def layer_and_side(tensor: str) -> tuple[str, str]:
    """Name of the linear layer in the base model, and `A` or `B`, of a tensor in an adapter.

    Raises:
        UnsupportedAdapterError: the tensor is neither.
    """
    match = TENSOR.fullmatch(tensor)
    if match is None:
        raise UnsupportedAdapterError(f"the adapter has a tensor that is not LoRA: `{tensor}`")
    return match["layer"], match["side"]


def check_fit(adapter: Path, base: Path) -> None:
    """Check that every matrix of an adapter fits the layer of the base that it names.

    Args:
        adapter: a PEFT folder.
        base: a Hugging Face folder with safetensors.

    Raises:
        UnsupportedAdapterError: not plain LoRA, or made for another base.
    """
    from safetensors import SafetensorError, safe_open

    read_adapter_config(adapter)
    layers: dict[str, list[int]] = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, "numpy") as weights:
            layers |= {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    try:
        with safe_open(adapter / "adapter_model.safetensors", "numpy") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UnsupportedAdapterError("`adapter_model.safetensors` cannot be read") from error
    for tensor, shape in shapes.items():
        layer, side = layer_and_side(tensor)
        known = layers.get(f"{layer}.weight")
        if known is None:
            raise UnsupportedAdapterError(f"the base model has no layer `{layer}`")
        # A takes what the layer takes in, B gives what it gives out: a linear layer is out x in.
        if (shape[1] if side == "A" else shape[0]) != (known[1] if side == "A" else known[0]):
            raise UnsupportedAdapterError(f"it was made for another base: layer `{layer}` differs")
