"""Answers with transformers: any base, many adapters, one generation at a time.

The prompt is read in fixed pieces of `CHUNK` tokens. A later chat that begins with the same tokens
(the same system prompt and examples, or the same conversation one turn on) takes over the whole
pieces it shares. Since the pieces are always the same, so are the numbers: an answer does not
depend on what was asked before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.server.adapter_layers import AdapterLayers
from tunectl.server.answering import Loaded, Piece, answer_limit, waiting_for
from tunectl.server.chat_messages import text_messages
from tunectl.server.hf_environment import apply_hf_variables
from tunectl.server.text_stream import StopFilter, TokenText

if TYPE_CHECKING:
    import torch
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

CHUNK = 64
MOST_BASES = 2
"""Base models kept in memory."""

ModelKey = tuple[str, str | None]


@dataclass
class LoadedBase:
    """A base model in memory, and the prompt it read last, with its cache."""

    tokenizer: PreTrainedTokenizerBase
    model: PreTrainedModel
    adapters: AdapterLayers
    context: int
    ends: frozenset[int]
    prompt: tuple[Path | None, list[int]] | None = None
    cache: Cache | None = None


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; temperature 0 takes the likeliest."""

    temperature: float
    top_p: float
    generator: torch.Generator


class TransformersGenerator:
    """Implements `Generator`; loads a base when it is first asked for."""

    def __init__(self, root: Path, *, threads: int = 1) -> None:
        """One thread by default: two that spin while they wait are slower when anything else runs.

        Args:
            root: the server's root folder, for caches.
            threads: of the CPU, for one answer.
        """
        self.root = root
        self.threads = threads
        self._bases: OrderedDict[Path, LoadedBase] = OrderedDict()
        self._lock = threading.Lock()  # held while a base is loaded and while an answer is made

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
            base = self._base(model.base)
        text = base.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
        prompt = list(base.tokenizer(text, add_special_tokens=False).input_ids)
        limit = answer_limit(base.context, len(prompt), max_tokens)
        sampling = _sampling(temperature, top_p, seed)
        return self._answer(model, base, prompt, limit, sampling, StopFilter(stop), cancelled)

    def _answer(
        self,
        model: Loaded,
        base: LoadedBase,
        prompt: list[int],
        limit: int,
        sampling: Sampling,
        stops: StopFilter,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Pieces of text, then the reason and the counts; nothing when nobody listens any more."""
        text = TokenText(
            lambda ids: base.tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
        reason, count = "length", 0
        with waiting_for(self._lock, cancelled) as held:
            if not held:
                return
            base.adapters.use(model.adapter)
            for token in tokens(base, model.adapter, prompt, limit, sampling, cancelled):
                count += 1
                if token in base.ends:
                    reason = "stop"
                    break
                shown = stops.add(text.add(token))
                if shown:
                    yield Piece(shown)
                if stops.stopped:
                    reason = "stop"
                    break
        if cancelled.is_set():
            return
        rest = "" if stops.stopped else stops.add(text.end())
        if not stops.stopped:
            rest += stops.end()
        if rest:
            yield Piece(rest)
        yield Piece("", "stop" if stops.stopped else reason, len(prompt), count)

    def _base(self, folder: Path) -> LoadedBase:
        """The base model in `folder`, from memory or disk."""
        base = self._bases.get(folder)
        if base is None:
            while len(self._bases) >= MOST_BASES:
                self._bases.popitem(last=False)
            base = self._bases[folder] = load_base(folder, self.root, self.threads)
        self._bases.move_to_end(folder)
        return base


def load_base(folder: Path, root: Path, threads: int) -> LoadedBase:
    """Load tokenizer and weights, in fp32 on the CPU, bf16 on cuda that supports it."""
    apply_hf_variables(root)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunectl.server.trainers.device import choose_device

    device = choose_device(None, None, threads)
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=getattr(torch, device.dtype))
    model.to(device.kind).eval()
    model.requires_grad_(requires_grad=False)
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends, tokenizer.eos_token_id]
    return LoadedBase(
        tokenizer=tokenizer,
        model=model,
        adapters=AdapterLayers(model),
        context=model.config.get_text_config().max_position_embeddings,
        ends=frozenset(token for token in listed if token is not None),
    )


def tokens(
    base: LoadedBase,
    adapter: Path | None,
    prompt: list[int],
    limit: int,
    sampling: Sampling,
    cancelled: threading.Event,
) -> Iterator[int]:
    """Up to `limit` token ids; the caller stops at an end token and holds the generation lock."""
    logits, cache = read_prompt(base, adapter, prompt, cancelled)
    for number in range(limit):
        if logits is None or cancelled.is_set():
            return
        token = draw(logits, sampling)
        yield token
        if number + 1 < limit:
            logits, cache = forward(base.model, [token], cache)


def read_prompt(
    base: LoadedBase, adapter: Path | None, prompt: list[int], cancelled: threading.Event
) -> tuple[torch.Tensor | None, Cache | None]:
    """Logits after the prompt, and its cache; None when cancelled on the way."""
    cache, done = reusable(base, adapter, prompt)
    base.prompt, base.cache = None, None
    logits = None
    while done < len(prompt):
        if cancelled.is_set():
            return None, None
        logits, cache = forward(base.model, prompt[done : done + CHUNK], cache)
        done += CHUNK
    base.prompt, base.cache = (adapter, prompt), cache
    return logits, cache


def reusable(base: LoadedBase, adapter: Path | None, prompt: list[int]) -> tuple[Cache | None, int]:
    """The cache of the last prompt cut down to the whole pieces shared with this one."""
    if base.prompt is None or base.cache is None or base.prompt[0] != adapter:
        return None, 0
    layers = getattr(base.cache, "layers", [])
    if not layers or any(type(layer).__name__ != "DynamicLayer" for layer in layers):
        return None, 0  # sliding windows and recurrent states cannot be cut back
    same = 0
    for old, new in zip(base.prompt[1], prompt[:-1], strict=False):
        if old != new:
            break
        same += 1
    same -= same % CHUNK
    if same == 0:
        return None, 0
    base.cache.crop(same - base.cache.get_seq_length())
    return base.cache, same


def forward(
    model: PreTrainedModel, ids: list[int], cache: Cache | None
) -> tuple[torch.Tensor, Cache]:
    """Logits after the last of `ids`, and the cache with them added."""
    import torch

    with torch.inference_mode():
        batch = torch.tensor([ids], device=model.device)
        out = model(input_ids=batch, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return out.logits[0, -1], out.past_key_values


def draw(logits: torch.Tensor, sampling: Sampling) -> int:
    """The next token: the likeliest at temperature 0, else one of the nucleus of mass top_p."""
    import torch

    if sampling.temperature == 0:
        return int(logits.argmax())
    with torch.inference_mode():
        chances = torch.softmax(logits.float() / sampling.temperature, -1).cpu()
        if sampling.top_p < 1:
            ordered, where = chances.sort(descending=True)
            outside = ordered.cumsum(-1) - ordered >= max(sampling.top_p, 1e-6)
            ordered[outside] = 0.0
            return int(where[torch.multinomial(ordered, 1, generator=sampling.generator)])
        return int(torch.multinomial(chances, 1, generator=sampling.generator))


def _sampling(temperature: float, top_p: float, seed: int | None) -> Sampling:
    import torch

    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return Sampling(temperature, top_p, generator)
