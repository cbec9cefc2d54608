"""Retrieve: the passages that share the most words with a question, honestly simulated."""

from __future__ import annotations

import re
from typing import Any

from tunectl.server.clouds.bedrock.data_sources import DataSource, Document
from tunectl.server.clouds.bedrock.knowledge import known
from tunectl.server.clouds.bedrock.refused import invalid
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of
from tunectl.server.clouds.wire import Asked

_LETTERS = 5  # of a word that count, so that an inflected one meets its own kind
_LONGEST = 20_000  # botocore 1.44.5, KnowledgeBaseQueryTextString
_MOST, _USUAL = 100, 5


def retrieve(shelf: Shelf, asked: Asked, knowledge: str) -> dict[str, Any]:
    """Answer Retrieve.

    Raises:
        Refused: there is no such knowledge base, or a rule is broken.
    """
    body, base = body_of(asked), known(shelf, knowledge)
    text = str((body.get("retrievalQuery") or {}).get("text") or "")
    if not 1 <= len(text) <= _LONGEST:
        raise invalid(f"The query must have from 1 to {_LONGEST} characters.")
    given = body.get("retrievalConfiguration") or {}
    fitting = "managedSearchConfiguration" if base.managed else "vectorSearchConfiguration"
    if set(given) - {fitting}:
        raise invalid(f"This knowledge base takes {fitting} only.")
    count = int((given.get(fitting) or {}).get("numberOfResults") or _USUAL)
    if not 1 <= count <= _MOST:
        raise invalid(f"numberOfResults must be from 1 to {_MOST}.")
    asked_for = _words(text)
    scored = [
        (len(asked_for & _words(passage)) / max(1, len(asked_for)), source, document, number)
        for source in base.sources.values()
        for document in source.documents.values()
        if document.status == "INDEXED"
        for number, passage in enumerate(document.passages)
    ]
    best = sorted((one for one in scored if one[0]), key=lambda one: (-one[0], one[2].id, one[3]))
    return {
        "retrievalResults": [
            _found(base.managed, score, source, document, number)
            for score, source, document, number in best[:count]
        ]
    }


def _words(text: str) -> set[str]:
    return {word[:_LETTERS] for word in re.findall(r"\w+", text.casefold())}


def _found(
    managed: bool, score: float, source: DataSource, document: Document, number: int
) -> dict[str, Any]:
    begin = "_" if managed else "x-amz-bedrock-kb-"
    metadata = {
        f"{begin}{'source_uri' if managed else 'source-uri'}": document.id,
        f"{begin}{'chunk_id' if managed else 'chunk-id'}": f"{document.id}#{number}",
        f"{begin}{'data_source_id' if managed else 'data-source-id'}": source.id,
    }
    return {
        "content": {"type": "TEXT", "text": document.passages[number]},
        "location": {"type": "CUSTOM", "customDocumentLocation": {"id": document.id}},
        "metadata": metadata,
        "score": score,
    }
