"""Many adapters over one base model in memory: chosen per request, the base never changed.

Each linear layer adds the active adapter's product to its own. Nothing is merged, so that going
back to the base, or to another adapter, is exact and free; on a CPU this costs a few percent,
most of what peft's own layers cost is their bookkeeping.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.server.adapter import UnsupportedAdapterError, layer_and_side, read_adapter_config

if TYPE_CHECKING:
    import torch
    from torch import nn

Weights = dict[str, tuple["torch.Tensor", "torch.Tensor"]]
"""Of each layer by name: Aᵀ, and Bᵀ with the scale already in it."""

MOST_ADAPTERS = 16
"""Kept in memory; the one not used for longest goes first."""


class AdapterLayers:
    """The adapters of one base model. Not thread-safe: the caller holds the generation lock."""

    def __init__(self, model: nn.Module) -> None:
        """Take over the forward pass of every linear layer of `model`."""
        from torch import nn

        self._active: Weights = {}
        self._known: OrderedDict[tuple[str, int], Weights] = OrderedDict()
        self._layers: dict[str, nn.Linear] = {
            name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear)
        }
        for name, layer in self._layers.items():
            layer.forward = self._forward(name, layer)

    def use(self, folder: Path | None) -> None:
        """Answer with the adapter in `folder` from now on; None is the base model itself.

        Raises:
            UnsupportedAdapterError: not plain LoRA, or made for another base.
        """
        if folder is None:
            self._active = {}
            return
        weights = folder / "adapter_model.safetensors"
        if not weights.is_file():
            raise UnsupportedAdapterError(f"`{folder.name}` is not an adapter folder")
        key = (str(folder), weights.stat().st_mtime_ns)
        if key not in self._known:
            self._known[key] = self._read(folder)
            while len(self._known) > MOST_ADAPTERS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        self._active = self._known[key]

    def _forward(self, name: str, layer: nn.Linear) -> Callable[[torch.Tensor], torch.Tensor]:
        from torch.nn.functional import linear

        def forward(x: torch.Tensor) -> torch.Tensor:
            out = linear(x, layer.weight, layer.bias)
            pair = self._active.get(name)
            if pair is not None:
                flat = out.view(-1, out.shape[-1])
                flat.addmm_(x.reshape(-1, x.shape[-1]) @ pair[0], pair[1])
            return out

        return forward

    def _read(self, folder: Path) -> Weights:
        from safetensors.torch import load_file

        config = read_adapter_config(folder)
        sides: dict[str, dict[str, torch.Tensor]] = {}
        for tensor, value in load_file(folder / "adapter_model.safetensors").items():
            layer, side = layer_and_side(tensor)
            sides.setdefault(layer, {})[side] = value
        weights = {}
        for name, pair in sides.items():
            target = self._layers.get(name)
            if target is None or pair.keys() != {"A", "B"}:
                raise UnsupportedAdapterError(
                    f"adapter `{folder.name}` has layer `{name}`, which the base model has not"
                )
            shape = (pair["B"].shape[0], pair["A"].shape[1])
            if shape != (target.out_features, target.in_features):
                raise UnsupportedAdapterError(
                    f"adapter `{folder.name}` was made for another base: layer `{name}` differs"
                )
            low = pair["A"].to(target.weight).t().contiguous()
            high = (pair["B"] * config.scale).to(target.weight).t().contiguous()
            weights[name] = (low, high)
        return weights
