"""The choice of an engine for the answers of the models on this machine.

Two engines answer here. llama.cpp, where `llama_cpp` can be imported and the base has a GGUF: about
four times as fast on a CPU, in a quarter of the memory. transformers everywhere else. Both render
the chat template that was used in training. A vLLM server that the user named answers instead of
both.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunectl.server.adapter import UnsupportedAdapterError
from tunectl.server.answering import Generator, Loaded, Piece

ENGINES = ("llamacpp", "transformers")


def open_generator(root: Path, vllm: str | None = None) -> Generator:
    """The generator of this machine; nothing is loaded before the first chat.

    `TUNECTL_ENGINE` (`llamacpp` or `transformers`) overrides the choice.

    Args:
        root: the server's folder.
        vllm: the address of a vLLM server that answers instead.

    Raises:
        ValueError: `TUNECTL_ENGINE` names no engine.
    """
    if vllm is not None:
        from tunectl.server.generate_vllm import VllmGenerator

        return VllmGenerator(vllm, root)
    wanted = os.environ.get("TUNECTL_ENGINE") or None
    if wanted is not None and wanted not in ENGINES:
        raise ValueError(f"TUNECTL_ENGINE is `llamacpp` or `transformers`, not `{wanted}`")
    if wanted is None:
        wanted = "llamacpp" if importlib.util.find_spec("llama_cpp") else "transformers"
    return EngineChoice(root, prefer_llamacpp=wanted == "llamacpp")


class EngineChoice:
    """Sends each chat to an engine that can answer it, and opens engines when first needed."""

    def __init__(self, root: Path, *, prefer_llamacpp: bool) -> None:
        """Nothing is imported yet."""
        self.root = root
        self.prefer_llamacpp = prefer_llamacpp
        self._engines: dict[str, Generator] = {}
        self._lock = threading.Lock()

    def chat(
        self,
        model: Loaded,
        messages: Sequence[Mapping[str, Any]],
        *,
        max_tokens: int | None,
        temperature: float,
        top_p: float,
        seed: int | None,
        stop: Sequence[str],
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Answer with the engine chosen for the model; see `Generator.chat`."""
        return self.engine(model).chat(
            model,
            messages,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            stop=stop,
            cancelled=cancelled,
        )

    def engine(self, model: Loaded) -> Generator:
        """llama.cpp when it is there and can take base and adapter, else transformers."""
        with self._lock:
            if self.prefer_llamacpp and model.gguf is not None and self._convertible(model):
                return self._engines.get("llamacpp") or self._open_llamacpp()
            return self._engines.get("transformers") or self._open_transformers()

    def _convertible(self, model: Loaded) -> bool:
        """Whether llama.cpp can have the adapter: converted before, or of a form we convert."""
        from tunectl.server.lora_gguf import adapter_gguf

        if model.adapter is None:
            return True
        try:
            adapter_gguf(model.adapter, model.base)
        except UnsupportedAdapterError:
            return False
        return True

    def _open_llamacpp(self) -> Generator:
        from tunectl.server.generate_llamacpp import LlamaCppGenerator

        return self._engines.setdefault("llamacpp", LlamaCppGenerator())

    def _open_transformers(self) -> Generator:
        from tunectl.server.generate_transformers import TransformersGenerator

        return self._engines.setdefault("transformers", TransformersGenerator(self.root))
