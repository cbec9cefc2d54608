"""A vector store of OpenAI, searched through its SDK with the key in the named variable."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.prompts.errors import PromptError
from tunectl.retrieval.passage import Passage, Searcher

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import VectorStoreSearchResponse

_SECONDS = 20.0
_ATTEMPTS = 2  # beyond the first
_MOST = 50  # openai 3.54.0, `vector_stores.search`: max_num_results
_KEY = "OPENAI_API_KEY"


def searcher(entry: Mapping[str, Any], root: Path) -> Searcher:  # noqa: ARG001  # others need it
    """Return what searches a vector store; nothing is sent and no key is read yet.

    Args:
        entry: `{"type": "openai", "id", "key_env"}`, and where they are not OpenAI's own
            `base_url`, `organization` and `project`; `min_score` where something is left out.
        root: the project's folder.
    """
    return OpenAISearcher(
        id=str(entry["id"]),
        key_env=str(entry.get("key_env") or _KEY),
        base_url=entry.get("base_url"),
        organization=entry.get("organization"),
        project=entry.get("project"),
        min_score=float(entry.get("min_score") or 0.0),
    )


@dataclass(frozen=True, kw_only=True)
class OpenAISearcher:
    """One vector store; thread-safe."""

    id: str
    key_env: str = _KEY
    base_url: str | None = None
    organization: str | None = None
    project: str | None = None
    min_score: float = 0.0
    _made: list[OpenAI] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def search(self, query: str, *, top_k: int) -> list[Passage]:
        """Return the passages that fit best, best first.

        Raises:
            PromptError: it is not there or has expired, may not be searched, or cannot be reached.
        """
        words = query.strip()
        if not words:
            return []
        client = self._client()
        from openai import APIStatusError, OpenAIError

        try:
            found = client.vector_stores.search(
                self.id, query=words, max_num_results=min(max(top_k, 1), _MOST)
            )
            passages = (_passage(one) for one in found.data)
            return [one for one in passages if one.text and one.score >= self.min_score]
        except APIStatusError as error:
            raise PromptError(_refused(self.id, self.key_env, error.status_code)) from None
        except OpenAIError as error:
            text = f"knowledge base `{self.id}` cannot be reached: {type(error).__name__}"
            raise PromptError(text) from None

    def _client(self) -> OpenAI:
        with self._mutex:
            if not self._made:
                self._made.append(self._connected())
            return self._made[0]

    def _connected(self) -> OpenAI:
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            text = f"knowledge base `{self.id}`: the variable `{self.key_env}` is not set"
            raise PromptError(text)
        try:
            from openai import OpenAI
        except ModuleNotFoundError:
            text = f"knowledge base `{self.id}` needs `openai`: pip install openai"
            raise PromptError(text) from None
        return OpenAI(
            api_key=key,
            base_url=self.base_url or None,
            organization=self.organization,
            project=self.project,
            timeout=_SECONDS,
            max_retries=_ATTEMPTS,
        )


def _refused(id_: str, key_env: str, status: int) -> str:
    """Say why, without the service's words: they may quote the question."""
    if status == 404:
        return f"there is no knowledge base `{id_}`: `tunectl apply` makes it"
    if status in {401, 403}:
        return f"knowledge base `{id_}` may not be searched with the key in `{key_env}`"
    if status == 429:
        return f"knowledge base `{id_}`: too many searches at once"
    if status == 400:
        return f"knowledge base `{id_}` refuses the search; it may have expired"
    return f"knowledge base `{id_}` answers with status {status}"


def _passage(found: VectorStoreSearchResponse) -> Passage:
    text = "\n".join(piece.text for piece in found.content or () if piece.text)
    source = (found.attributes or {}).get("document")
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Passage(
        id=f"{found.file_id}#{digest}",
        text=text,
        source=str(source) if source else str(found.filename or found.file_id),
        score=float(found.score or 0.0),
    )
