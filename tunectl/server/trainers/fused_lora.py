"""One autograd node for a linear layer with LoRA: y = x Wᵀ + s (x Aᵀ) Bᵀ.

peft writes the same in five nodes. On a CPU each of them reads and writes the whole activation;
here scaling and addition happen inside the matrix products. W is frozen and gets no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def fuse_lora(model: nn.Module, adapter: str = "default") -> int:
    """Give every plain LoRA linear layer of `model` the fused forward pass; returns how many.

    Layers it does not cover keep peft's own: with dropout, DoRA or another variant, or a base
    whose number format differs from the adapter's.
    """
    from peft.tuners.lora import Linear

    fused = fused_linear()
    count = 0
    for layer in model.modules():
        if isinstance(layer, Linear) and _is_plain(layer, adapter):
            layer.forward = _forward(fused, layer, adapter)
            count += 1
    return count


def _is_plain(layer: Any, adapter: str) -> bool:  # noqa: ANN401  # peft layers have no public type
    from torch import nn

    if list(layer.lora_A) != [adapter] or adapter in layer.lora_variant:
        return False
    low = layer.lora_A[adapter].weight
    return (
        isinstance(layer.base_layer, nn.Linear)
        and isinstance(layer.lora_dropout[adapter], nn.Identity)
        and layer.lora_B[adapter].bias is None
        and layer.base_layer.weight.dtype == low.dtype
        and low.device.type == "cpu"
    )


def _forward(
    fused: Callable[..., torch.Tensor],
    layer: Any,  # noqa: ANN401  # peft layers have no public type
    adapter: str,
) -> Callable[[torch.Tensor], torch.Tensor]:
    plain = layer.forward

    def forward(x: torch.Tensor) -> torch.Tensor:
        if layer.disable_adapters or layer.merged:
            return plain(x)
        return fused(
            x,
            layer.base_layer.weight,
            layer.base_layer.bias,
            layer.lora_A[adapter].weight,
            layer.lora_B[adapter].weight,
            layer.scaling[adapter],
        )

    return forward


def fused_linear() -> Callable[..., torch.Tensor]:
    """The autograd function; built on first use, since torch is imported only in trainers."""
    import torch

    class FusedLoraLinear(torch.autograd.Function):  # type: ignore[misc]  # torch has no types here
        """Saved for the backward pass are x and x Aᵀ, which is `rank` numbers a token."""

        @staticmethod
        def forward(
            context: Any,  # noqa: ANN401  # torch's own context object
            x: torch.Tensor,
            weight: torch.Tensor,
            bias: torch.Tensor | None,
            low: torch.Tensor,
            high: torch.Tensor,
            scale: float,
        ) -> torch.Tensor:
            flat = x.reshape(-1, x.shape[-1])
            inner = flat @ low.t()
            out = torch.nn.functional.linear(flat, weight, bias)
            out.addmm_(inner, high.t(), alpha=scale)
            context.save_for_backward(flat, inner, weight, low, high)
            context.scale = scale
            return out.view(*x.shape[:-1], -1)

        @staticmethod
        def backward(
            context: Any,  # noqa: ANN401  # torch's own context object
            gradient: torch.Tensor,
        ) -> tuple[torch.Tensor | None, ...]:
            x, inner, weight, low, high = context.saved_tensors
            flat = gradient.reshape(-1, gradient.shape[-1])
            inner_gradient = (flat @ high).mul_(context.scale)
            back = None
            if context.needs_input_grad[0]:
                back = flat @ weight
                back.addmm_(inner_gradient, low)
                back = back.view(*gradient.shape[:-1], -1)
            low_gradient = inner_gradient.t() @ x
            high_gradient = (flat.t() @ inner).mul_(context.scale)
            return back, None, None, low_gradient, high_gradient, None

    apply: Callable[..., torch.Tensor] = FusedLoraLinear.apply
    return apply
