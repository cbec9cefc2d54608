"""A PEFT adapter as the GGUF file that llama.cpp applies to a llama-family base.

The layout is that of llama.cpp's `convert_lora_to_gguf.py` for architecture `llama`: for its
rotary embedding the rows of the q and k projections are permuted, here those of lora_B.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.server.adapter import UnsupportedAdapterError, layer_and_side, read_adapter_config
from tunectl.server.folder import read_json, sync_folder

if TYPE_CHECKING:
    import numpy as np

LAYER = re.compile(r"model\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)")
NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
FILE = "adapter.gguf"


def adapter_gguf(adapter: Path, base: Path) -> Path:
    """The adapter as GGUF, beside it; converted when it is not there yet.

    Args:
        adapter: a PEFT folder.
        base: the Hugging Face folder of its base, for the numbers of heads.

    Raises:
        UnsupportedAdapterError: the base is not of the llama family, or the LoRA is not plain.
        OSError: the disk is full.
    """
    target = adapter / FILE
    if not target.is_file():
        temporary = adapter / f".{FILE}.{os.getpid()}.tmp"
        try:
            convert(adapter, base, temporary)
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(adapter)
    return target


def convert(adapter: Path, base: Path, target: Path) -> None:
    """Write `target` from the PEFT folder `adapter`; raises like `adapter_gguf`."""
    config = read_adapter_config(adapter)
    model = read_json(base / "config.json") or {}
    if model.get("model_type") != "llama":
        raise UnsupportedAdapterError(
            f"llama.cpp adapters are made for `llama` bases, not `{model.get('model_type')}`"
        )
    from gguf import GGUFWriter
    from safetensors.numpy import load_file

    tensors = {}
    for name, value in load_file(adapter / "adapter_model.safetensors").items():
        new, value_there = _translate(name, value.astype("float32"), model)
        tensors[new] = value_there
    writer = GGUFWriter(str(target), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", config.alpha)
    for name in sorted(tensors):
        writer.add_tensor(name, tensors[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _translate(
    name: str, value: np.ndarray[Any, Any], model: dict[str, Any]
) -> tuple[str, np.ndarray[Any, Any]]:
    """Name and content of a tensor in llama.cpp's layout."""
    import numpy as np

    layer, side = layer_and_side(name)
    match = LAYER.fullmatch(layer)
    if match is None or match[2] not in NAMES:
        raise UnsupportedAdapterError(f"llama.cpp has no counterpart of layer `{layer}`")
    heads = {
        "q_proj": model["num_attention_heads"],
        "k_proj": model.get("num_key_value_heads") or model["num_attention_heads"],
    }.get(match[2])
    if side == "B" and heads:
        value = permute(value, heads)
    new = f"blk.{match[1]}.{NAMES[match[2]]}.weight.lora_{side.lower()}"
    return new, np.ascontiguousarray(value)


def permute(rows: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Rows from Hugging Face's rotary layout (halves) to llama.cpp's (pairs), head by head."""
    count = rows.shape[0]
    return rows.reshape(heads, 2, count // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
