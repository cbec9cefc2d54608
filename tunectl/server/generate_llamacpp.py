"""Answers with llama.cpp, where `llama-cpp-python` is installed and the base has a GGUF.

The chat template is rendered from the imported base's folder, so both engines see one prompt.
"""

from __future__ import annotations

import codecs
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.server.answering import Loaded, Piece, answer_limit, waiting_for
from tunectl.server.chat_messages import text_messages
from tunectl.server.folder import read_json
from tunectl.server.lora_gguf import adapter_gguf
from tunectl.server.text_stream import StopFilter

if TYPE_CHECKING:
    from llama_cpp import Llama
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

MOST_MODELS = 3
"""Kept in memory; weights are mapped from one file, each model adds its context."""

MOST_CONTEXT = 8192
"""Tokens of context at most: its memory is taken at once, whatever is asked."""


@dataclass
class LlamaModel:
    """A model in memory: base and at most one adapter."""

    llama: Llama
    template: Jinja2ChatFormatter
    context: int


class LlamaCppGenerator:
    """Implements `Generator`. One thread for reading and one for writing by default.

    ggml's threads spin while they wait: on a busy machine two are several times slower than one.
    """

    def __init__(self, *, threads: int = 1) -> None:
        """Nothing is loaded yet."""
        self.threads = threads
        self._models: OrderedDict[tuple[Path, Path | None], LlamaModel] = OrderedDict()
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
        """See `Generator.chat`."""
        plain = text_messages(messages)
        with self._lock:
            loaded = self._model(model)
            text = loaded.template(messages=plain).prompt
            prompt = loaded.llama.tokenize(text.encode(), add_bos=False, special=True)
        limit = answer_limit(loaded.context, len(prompt), max_tokens)
        settings = {"temp": temperature, "top_p": top_p, "seed": seed}
        return self._answer(loaded, prompt, limit, settings, StopFilter(stop), cancelled)

    def _answer(
        self,
        loaded: LlamaModel,
        prompt: list[int],
        limit: int,
        settings: Mapping[str, Any],
        stops: StopFilter,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Pieces of text, then the reason and the counts; nothing when nobody listens any more."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        reason, count = "length", 0
        with waiting_for(self._lock, cancelled) as held:
            if not held:
                return
            for token in _tokens(loaded.llama, prompt, settings):
                count += 1
                if _ends(loaded.llama, token):
                    reason = "stop"
                    break
                shown = stops.add(decoder.decode(loaded.llama.detokenize([token], prompt)))
                if shown:
                    yield Piece(shown)
                if stops.stopped:
                    reason = "stop"
                    break
                if cancelled.is_set() or count >= limit:
                    break
        if cancelled.is_set():
            return
        rest = stops.end()
        if rest:
            yield Piece(rest)
        yield Piece("", reason, len(prompt), count)

    def _model(self, model: Loaded) -> LlamaModel:
        """The model from memory or disk."""
        if model.gguf is None:
            raise ValueError(f"`{model.name}` has no GGUF file")
        key = (model.gguf, model.adapter)
        loaded = self._models.get(key)
        if loaded is None:
            while len(self._models) >= MOST_MODELS:
                _, old = self._models.popitem(last=False)
                old.llama.close()
            loaded = self._models[key] = load(model, model.gguf, self.threads)
        self._models.move_to_end(key)
        return loaded


def load(model: Loaded, gguf: Path, threads: int) -> LlamaModel:
    """Load base and adapter, with the chat template of the base's folder."""
    from llama_cpp import Llama
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    adapter = None if model.adapter is None else str(adapter_gguf(model.adapter, model.base))
    config = read_json(model.base / "config.json") or {}
    context = min(int(config.get("max_position_embeddings") or MOST_CONTEXT), MOST_CONTEXT)
    llama = Llama(
        str(gguf),
        n_ctx=context,
        n_threads=threads,
        n_threads_batch=threads,
        lora_path=adapter,
        verbose=False,
    )
    special = read_json(model.base / "tokenizer_config.json") or {}
    template = Jinja2ChatFormatter(
        (model.base / "chat_template.jinja").read_text(encoding="utf-8"),
        eos_token=_token_text(special.get("eos_token")),
        bos_token=_token_text(special.get("bos_token")),
    )
    return LlamaModel(llama, template, context)


def _token_text(token: object) -> str:
    """A special token of `tokenizer_config.json`, which may be a string or an object."""
    match token:
        case str():
            return token
        case {"content": str() as text}:
            return text
    return ""


def _tokens(llama: Llama, prompt: list[int], settings: Mapping[str, Any]) -> Iterator[int]:
    """Tokens without end, sampled by temperature and top_p alone, as the other engine does."""
    if settings["seed"] is not None:
        llama.set_seed(settings["seed"] % (1 << 32))
    yield from llama.generate(
        prompt,
        top_k=0,
        min_p=0.0,
        temp=settings["temp"],
        top_p=settings["top_p"],
        repeat_penalty=1.0,
    )


def _ends(llama: Llama, token: int) -> bool:
    """Whether the token ends an answer, by the vocabulary of the GGUF."""
    from llama_cpp import llama_model_get_vocab, llama_vocab_is_eog

    return bool(llama_vocab_is_eog(llama_model_get_vocab(llama.model), token))
