"""Import and inspection of one base model, in a process of its own.

`python -m tunectl.server.gguf_import gguf FILE DEST` turns a GGUF file into a Hugging Face folder
(safetensors, fp32); `... check FOLDER` says whether such a folder can be trained and served.
Each prints one JSON object as its last line: the facts of the model, or `{"error", "hint"}`.

A process of its own, because a multi-gigabyte import must not stay in the memory of a server, and
because the libraries read their environment only when they are first imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

IMPORTER_VERSION = 1
"""Raised when the same GGUF would be turned into another folder: older imports are made again."""

PROBE = "Zażółć gęślą jaźń 123, съешь ещё этих мягких булок: what is the capital of France?"
TOLERANCE = 1e-4
"""Largest difference of a logit between the model in memory and the one read back (fp32)."""


class ImportRefusedError(Exception):
    """The model cannot be used here; `hint` says what can be done."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the JSON line."""
        super().__init__(message)
        self.hint = hint


def gguf_architecture(source: Path) -> str:
    """The architecture a GGUF file names, such as `llama`.

    Raises:
        ImportRefusedError: the file is not GGUF or names no architecture.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(str(source))
    except (ValueError, IndexError, OSError) as cause:
        raise ImportRefusedError(
            f"`{source.name}` is not a readable GGUF file: {cause}",
            "download it again, or check that the copy is complete",
        ) from cause
    field = reader.get_field("general.architecture")
    if field is None:
        raise ImportRefusedError(f"`{source.name}` names no architecture", "use a GGUF model file")
    return str(field.contents())


def import_gguf(source: Path, destination: Path) -> dict[str, Any]:
    """Write `destination` from the GGUF file `source`, read it back, and compare.

    A model loaded from GGUF can be neither saved nor trained, even when dequantised, until the
    marks of the quantizer are removed (transformers 5.23, measured 2026-11-22).

    Raises:
        ImportRefusedError: the architecture is not supported, there is no chat template, or what
            was written does not answer as what was read.
    """
    architecture = gguf_architecture(source)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    if architecture not in GGUF_SUPPORTED_ARCHITECTURES:
        known = ", ".join(sorted(GGUF_SUPPORTED_ARCHITECTURES))
        raise ImportRefusedError(
            f"transformers cannot import GGUF files of architecture `{architecture}`",
            f"give the model as a Hugging Face folder, or use one of: {known}",
        )
    folder, name = str(source.parent), source.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    require_chat_template(tokenizer, source.name)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    model.hf_quantizer = None
    model.is_quantized = False
    for mark in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, mark):
            delattr(model.config, mark)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.eval()
    expected = probe_logits(model, tokenizer)
    model.save_pretrained(str(destination))
    tokenizer.save_pretrained(str(destination))
    facts = model_facts(model.config, tokenizer)
    template = tokenizer.chat_template
    del model
    verify(destination, expected, template)
    return facts | {"architecture": architecture}


def probe_logits(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Logits of a fixed text with digits and with Polish and Russian letters."""
    import torch

    with torch.inference_mode():
        ids = tokenizer(PROBE, add_special_tokens=False, return_tensors="pt").input_ids
        return model(ids).logits.float()


def verify(folder: Path, expected: torch.Tensor, template: str) -> None:
    """Read the folder back: the same chat template, the same tokens, the same logits.

    Raises:
        ImportRefusedError: when it does not answer as what was imported.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(folder)).eval()
    found = probe_logits(model, tokenizer)
    hint = "report the model; the import was discarded"
    if tokenizer.chat_template != template:
        raise ImportRefusedError("the chat template changed when the import was read back", hint)
    if found.shape != expected.shape:
        raise ImportRefusedError("the tokenizer changed when the import was read back", hint)
    difference = float((found - expected).abs().max())
    if not difference <= TOLERANCE:
        raise ImportRefusedError(
            f"the weights changed when the import was read back: logits differ by {difference:.3g}",
            hint,
        )


def check_folder(folder: Path) -> dict[str, Any]:
    """Facts of a Hugging Face folder, read without its weights.

    Raises:
        ImportRefusedError: the installed transformers has no causal language model for it, its
            tokenizer cannot be read, or there is no chat template.
    """
    from transformers import AutoConfig, AutoTokenizer
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except (ValueError, OSError, KeyError, ImportError) as cause:
        first = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise ImportRefusedError(
            f"`{folder.name}` cannot be loaded by the installed transformers: {first}",
            "upgrade transformers or choose another model; code inside a model folder is never run",
        ) from cause
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ImportRefusedError(
            f"`{folder.name}` (`{config.model_type}`) is not a causal language model",
            "choose a chat model that generates text",
        )
    require_chat_template(tokenizer, folder.name)
    return model_facts(config, tokenizer) | {"architecture": config.model_type}


def require_chat_template(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Refuse a model without a chat template: training and serving would each invent their own.

    Raises:
        ImportRefusedError: when there is none.
    """
    if not tokenizer.chat_template:
        raise ImportRefusedError(
            f"`{name}` has no chat template",
            "use the instruct (chat) variant of the model, not the plain one",
        )


def model_facts(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What the server must know of a model without loading it."""
    text = config.get_text_config()
    context = getattr(text, "max_position_embeddings", None) or tokenizer.model_max_length
    return {
        "context_length": int(min(context, 10_000_000)),
        "vocabulary": int(getattr(text, "vocab_size", len(tokenizer))),
        "chat_template": bool(tokenizer.chat_template),
    }


def main(arguments: list[str]) -> int:
    """Run one verb; 0 when it went well, 1 when the model is refused."""
    try:
        match arguments:
            case ["gguf", source, destination]:
                answer = import_gguf(Path(source), Path(destination))
            case ["check", folder]:
                answer = check_folder(Path(folder))
            case _:
                sys.stderr.write("usage: gguf_import gguf FILE DEST | check FOLDER\n")
                return 2
    except ImportRefusedError as refusal:
        sys.stdout.write(json.dumps({"error": str(refusal), "hint": refusal.hint}) + "\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
