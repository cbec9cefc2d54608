"""Answers from a vLLM server on the same machine, which is given our adapters while it runs.

It must serve the base model of the adapters, with `--enable-lora`, and be started with
`VLLM_ALLOW_RUNTIME_LORA_UPDATING=True` (vLLM 0.10 documentation, "LoRA Adapters", 2025-07): then
`/v1/load_lora_adapter` takes a name and a folder, `/v1/unload_lora_adapter` a name, and
`/v1/models` names the folder of each adapter as its `root` and its base as its `parent`.

Law: vLLM holds an adapter of ours under our model's own id, from the folder of the job. One whose
folder is gone is unloaded when the next one is loaded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tunectl.server.answering import ContextOverflowError, Loaded, Piece
from tunectl.server.base_sources import BaseModelError
from tunectl.server.chat_messages import text_messages

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

KEY_VARIABLE = "VLLM_API_KEY"  # the variable that vLLM itself reads its key from
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 600.0
_REASONS = frozenset({"stop", "length"})


class VllmGenerator:
    """Sends chats on. Unlike the other engines it answers many at once: vLLM batches them."""

    def __init__(self, url: str, root: Path) -> None:
        """Nothing is asked yet.

        Args:
            url: of the vLLM server, with or without `/v1` at its end.
            root: our own folder: only adapters in it are ever unloaded.
        """
        self._url = url.rstrip("/").removesuffix("/v1") + "/v1"
        self._root = root
        self._known: set[str] = set()
        self._mutex = threading.Lock()

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
        """Load the adapter where it is not there yet, and pass on what vLLM answers.

        Raises:
            BaseModelError: it cannot be reached, serves another base, or takes no adapters.
            ContextOverflowError: the prompt alone fills the context.
            UnsupportedMessageError: the messages hold anything but text.
        """
        from openai import APIConnectionError, APIStatusError

        asked = {
            "messages": [dict(message) for message in text_messages(messages)],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
            "stop": list(stop) or None,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        told = {key: value for key, value in asked.items() if value is not None}
        try:
            chunks = self._asked(self._client(), model, told)
        except APIConnectionError as error:
            raise BaseModelError(
                f"the vLLM server at `{self._url}` does not answer",
                "start it, or run this server without `--vllm`",
            ) from error
        except APIStatusError as error:
            raise _understood(error) from error
        return _pieces(chunks, cancelled)

    def _asked(self, client: OpenAI, model: Loaded, told: Mapping[str, object]) -> object:
        from openai import NotFoundError

        for again in (True, False):
            try:
                return client.chat.completions.create(
                    model=self._ready(client, model), **cast("Any", told)
                )
            except NotFoundError:
                # It was started anew since, and knows no adapter any more.
                if model.name not in self._known or not again:
                    raise
                self._known.discard(model.name)
        raise AssertionError("the second time either answers or raises")

    def _client(self) -> OpenAI:
        import httpx2
        from openai import OpenAI

        return OpenAI(
            base_url=self._url,
            api_key=os.environ.get(KEY_VARIABLE) or "none",
            max_retries=0,
            timeout=httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
        )

    def _ready(self, client: OpenAI, model: Loaded) -> str:
        """Return what vLLM calls the model."""
        with self._mutex:
            if model.name in self._known:
                return model.name
            served = [entry.model_dump() for entry in client.models.list().data]
            base = self._base(served, model)
            if model.adapter is None:
                return base
            if model.name not in {entry["id"] for entry in served}:
                self._unload_gone(client, served)
                body = {"lora_name": model.name, "lora_path": str(model.adapter.resolve())}
                _post(client, "/load_lora_adapter", body)
            self._known.add(model.name)
            return model.name

    def _base(self, served: Sequence[Mapping[str, Any]], model: Loaded) -> str:
        bases = [entry for entry in served if not entry.get("parent")]
        wanted = model.base.resolve()
        for entry in bases:
            root = str(entry.get("root") or "")
            if entry["id"] == model.base.name or (root and Path(root).resolve() == wanted):
                return str(entry["id"])
        names = ", ".join(f"`{entry['id']}`" for entry in bases) or "nothing"
        raise BaseModelError(
            f"the vLLM server at `{self._url}` serves {names}, not the base of `{model.name}`",
            f"start it with `vllm serve {wanted} --enable-lora`",
        )

    def _unload_gone(self, client: OpenAI, served: Sequence[Mapping[str, Any]]) -> None:
        for entry in served:
            root = Path(str(entry.get("root") or ""))
            ours = entry.get("parent") and self._root.resolve() in root.parents
            if ours and not root.exists():
                _post(client, "/unload_lora_adapter", {"lora_name": entry["id"]})
                self._known.discard(str(entry["id"]))


def _post(client: OpenAI, path: str, body: Mapping[str, object]) -> None:
    import httpx2

    client.post(path, cast_to=httpx2.Response, body=dict(body))


def _pieces(chunks: Any, cancelled: threading.Event) -> Iterator[Piece]:  # noqa: ANN401
    reason, prompt, completion = "stop", 0, 0
    with chunks:
        for chunk in chunks:
            if cancelled.is_set():
                return
            if chunk.usage is not None:
                prompt, completion = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices:
                if choice.delta.content:
                    yield Piece(choice.delta.content)
                if choice.finish_reason:
                    reason = choice.finish_reason
    last = reason if reason in _REASONS else "stop"
    yield Piece("", last, prompt, completion)


def _understood(error: APIStatusError) -> Exception:
    """Return what an answer of vLLM means here."""
    said = str(error.body.get("message") if isinstance(error.body, Mapping) else error.message)
    if error.status_code == 400 and "context length" in said:
        numbers = [int(word) for word in said.replace(".", " ").split() if word.isdigit()]
        if len(numbers) >= 2:
            return ContextOverflowError(numbers[0], numbers[1])
    if error.status_code == 404 and "lora" in str(error.request.url):
        return BaseModelError(
            "the vLLM server takes no adapters while it runs",
            "start it with `--enable-lora` and `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True`",
        )
    return BaseModelError(
        f"the vLLM server refused: {said}",
        f"its key belongs into `{KEY_VARIABLE}`"
        if error.status_code in {401, 403}
        else "its own log says more",
    )
