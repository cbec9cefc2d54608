"""A knowledge base of Amazon Bedrock, searched through boto3 with its own default credentials.

On this machine (an `http://` address on loopback) no real credentials are wanted, and none are
sent.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tunectl.prompts.errors import PromptError
from tunectl.retrieval.passage import Passage, Searcher

_SECONDS = 20.0
_ATTEMPTS = 3
_MOST = 100  # botocore 1.44.5, `bedrock-agent-runtime`, numberOfResults
_LONGEST = 20_000  # the same, KnowledgeBaseQueryTextString, characters
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SOURCES = ("_source_uri", "x-amz-bedrock-kb-source-uri")
_CHUNKS = ("_chunk_id", "x-amz-bedrock-kb-chunk-id")
_SHA = 16  # hexadecimal digits of a document's hash before its name


def searcher(entry: Mapping[str, Any], root: Path) -> Searcher:  # noqa: ARG001  # others need it
    """Return what searches a knowledge base; nothing is sent and no credentials are read yet.

    Args:
        entry: `{"type": "bedrock", "id", "region"}`, and where it is so `endpoint_url`, `managed`
            (the service keeps the vectors itself), `profile` of AWS's configuration, `min_score`.
        root: the project's folder.
    """
    return BedrockSearcher(
        id=str(entry["id"]),
        region=str(entry["region"]),
        endpoint_url=str(entry["endpoint_url"]) if entry.get("endpoint_url") else None,
        managed=bool(entry.get("managed", True)),
        profile=str(entry["profile"]) if entry.get("profile") else None,
        min_score=float(entry.get("min_score") or 0.0),
    )


@dataclass(frozen=True, kw_only=True)
class BedrockSearcher:
    """One knowledge base; thread-safe."""

    id: str
    region: str
    endpoint_url: str | None = None
    managed: bool = True
    profile: str | None = None
    min_score: float = 0.0
    _made: list[Any] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def search(self, query: str, *, top_k: int) -> list[Passage]:
        """Return the passages that fit best, best first.

        Raises:
            PromptError: it is not there, may not be searched, or cannot be reached.
        """
        client = self._client()
        from botocore.exceptions import BotoCoreError, ClientError

        words = query.strip()[:_LONGEST]
        if not words:
            return []
        way = "managedSearchConfiguration" if self.managed else "vectorSearchConfiguration"
        try:
            answer = client.retrieve(
                knowledgeBaseId=self.id,
                retrievalQuery={"text": words},
                retrievalConfiguration={way: {"numberOfResults": min(max(top_k, 1), _MOST)}},
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "error")
            raise PromptError(
                f"knowledge base `{self.id}` in `{self.region}` cannot be searched: {code}"
            ) from None
        except BotoCoreError as error:
            raise PromptError(
                f"knowledge base `{self.id}` in `{self.region}` cannot be searched: "
                f"{type(error).__name__}"
            ) from None
        found = [_passage(one) for one in answer.get("retrievalResults") or ()]
        return [one for one in found if one.text and one.score >= self.min_score][:top_k]

    def _client(self) -> Any:  # noqa: ANN401  # boto3 is untyped
        with self._mutex:
            if not self._made:
                self._made.append(self._connected())
            return self._made[0]

    def _connected(self) -> Any:  # noqa: ANN401
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ModuleNotFoundError as error:
            raise PromptError(
                f"a knowledge base of Amazon Bedrock needs `{error.name}`: "
                "pip install 'tunectl[bedrock]'"
            ) from None
        parts = urlsplit(self.endpoint_url or "")
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"} if here else {}
        config = Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            proxies={} if here else None,
        )
        try:
            session = boto3.session.Session(profile_name=None if here else self.profile)
            return session.client(
                "bedrock-agent-runtime",
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                config=config,
                **keys,
            )
        except BotoCoreError as error:
            raise PromptError(f"AWS cannot be used: {type(error).__name__}") from None


def _passage(one: Mapping[str, Any]) -> Passage:
    location, metadata = one.get("location") or {}, one.get("metadata") or {}
    named = (location.get("customDocumentLocation") or {}).get("id")
    named = named or (location.get("s3Location") or {}).get("uri")
    source = str(named or next((metadata[key] for key in _SOURCES if key in metadata), ""))
    chunk = next((metadata[key] for key in _CHUNKS if key in metadata), "")
    return Passage(
        id=str(chunk or source),
        text=str((one.get("content") or {}).get("text") or ""),
        source=_path(source),
        score=float(one.get("score") or 0.0),
    )


def _path(source: str) -> str:
    """Return a document's name in the project; of one that we did not put there, as it is."""
    sha, slash, path = source.partition("/")
    ours = slash and len(sha) == _SHA and all(digit in "0123456789abcdef" for digit in sha)
    return path if ours else source
