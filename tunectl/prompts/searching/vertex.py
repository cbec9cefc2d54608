"""A corpus of Vertex AI's RAG Engine, searched with Google's application default credentials.

On this machine (an `http://` address on loopback) no real credentials are wanted, and none are
sent.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from tunectl.prompts.errors import PromptError
from tunectl.retrieval.passage import Passage, Searcher

_SECONDS = 20.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# How an uploaded document's object is named: `…/tunectl/OP/SHA/NAME`, with `=XX` for a byte that is
# no plain letter, and `=` before an end that was put behind it.
_NAME = re.compile(r"(?:^|/)tunectl/[0-9a-f]{16,64}/[0-9a-f]{16}/([^/].*)$", re.DOTALL)
_END = re.compile(r"=\.(?:txt|md|html)$")


def searcher(entry: Mapping[str, Any], root: Path) -> Searcher:  # noqa: ARG001  # others need it
    """Return what searches a corpus; nothing is sent and no credentials are read yet.

    Args:
        entry: `{"type": "vertex", "corpus", "location"}`, and where it is so `endpoint`,
            `min_score`.
        root: the project's folder.
    """
    return VertexSearcher(
        corpus=str(entry["corpus"]),
        location=str(entry["location"]),
        endpoint=str(entry["endpoint"]) if entry.get("endpoint") else None,
        min_score=float(entry.get("min_score") or 0.0),
    )


@dataclass(frozen=True, kw_only=True)
class VertexSearcher:
    """One corpus; thread-safe."""

    corpus: str
    location: str
    endpoint: str | None = None
    min_score: float = 0.0
    _made: list[Any] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def search(self, query: str, *, top_k: int) -> list[Passage]:
        """Return the passages that fit best, best first.

        The service tells a cosine distance, 0 for what is the same: the score is 1 less that.

        Raises:
            PromptError: it is not there, may not be searched, or cannot be reached.
        """
        client = self._client()
        if not query.strip():
            return []
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import aiplatform_v1 as api
        from requests.exceptions import RequestException

        store = api.RetrieveContextsRequest.VertexRagStore
        asked = api.RetrieveContextsRequest(
            parent=self.corpus.partition("/ragCorpora/")[0],
            vertex_rag_store=store(rag_resources=[store.RagResource(rag_corpus=self.corpus)]),
            query=api.RagQuery(
                text=query, rag_retrieval_config=api.RagRetrievalConfig(top_k=max(top_k, 1))
            ),
        )
        try:
            answer = client.retrieve_contexts(asked, retry=None, timeout=_SECONDS)
        except (GoogleAPICallError, RetryError, GoogleAuthError, RequestException) as error:
            said = f"{type(error).__name__}"
            raise PromptError(f"corpus `{self.corpus}` cannot be searched: {said}") from None
        found = [
            Passage(
                id=f"{one.source_uri}#{number}",
                text=one.text,
                source=_path(one.source_uri) or one.source_display_name or one.source_uri,
                score=1.0 - one.score,
            )
            for number, one in enumerate(answer.contexts.contexts)
        ]
        return [one for one in found if one.text and one.score >= self.min_score][:top_k]

    def _client(self) -> Any:  # noqa: ANN401  # the SDK is untyped
        with self._mutex:
            if not self._made:
                self._made.append(self._connected())
            return self._made[0]

    def _connected(self) -> Any:  # noqa: ANN401
        try:
            from google.cloud import aiplatform_v1 as api
        except ModuleNotFoundError as error:
            raise PromptError(
                f"a corpus of Vertex AI needs `{error.name}`: pip install 'tunectl[vertex]'"
            ) from None
        url = self.endpoint or f"https://{self.location}-aiplatform.googleapis.com"
        parts = urlsplit(url)
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        client = api.VertexRagServiceClient(
            credentials=_credentials(here=here),
            transport="rest",
            client_options={"api_endpoint": url if here else parts.netloc},
        )
        client.transport._session.trust_env = not here  # noqa: SLF001  # there is no other way to it
        return client


def _credentials(*, here: bool) -> Any:  # noqa: ANN401  # google-auth is untyped
    if here:
        from google.oauth2.credentials import Credentials

        return Credentials("loopback")
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        return google.auth.default(scopes=[_SCOPE])[0]
    except DefaultCredentialsError:
        raise PromptError(
            "there are no credentials for Google Cloud: run `gcloud auth application-default login`"
        ) from None


def _path(uri: str) -> str:
    """Return a document's name in the project; empty for one that we did not put there."""
    found = _NAME.search(uri)
    if found is None:
        return ""
    raw = _END.sub("", found[1]).replace("%", "%25").replace("=", "%")
    return unquote_to_bytes(raw).decode("utf-8", "replace")
