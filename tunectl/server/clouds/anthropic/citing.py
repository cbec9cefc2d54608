"""Documents in a request, and the citations that an answer makes of them (anthropic 2.12.0)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunectl.server.clouds.anthropic.refusals import RefusedError

_QUOTED = 200  # characters of what is quoted


def citations(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a citation of each document that may be cited.

    Raises:
        RefusedError: only some documents may be cited, or the answer is a structured one too.
    """
    documents = list(_documents(body))
    cited = [one for one in documents if (one.get("citations") or {}).get("enabled")]
    if not cited:
        return []
    if len(cited) != len(documents):
        raise RefusedError(400, "citations: must be enabled on all of the documents or on none")
    if (body.get("output_config") or {}).get("format"):
        raise RefusedError(400, "citations: not supported with output_config.format")
    return [_citation(index, one) for index, one in enumerate(documents)]


def _documents(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for message in body["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else ():
            if block["type"] == "document":
                yield block


def _citation(index: int, document: Mapping[str, Any]) -> dict[str, Any]:
    source = document.get("source") or {}
    shared = {
        "document_index": index,
        "document_title": document.get("title"),
        "file_id": None,
    }
    if source.get("type") == "content":
        parts = source.get("content") or [{}]
        text = parts if isinstance(parts, str) else str(parts[0].get("text", ""))
        place = {"start_block_index": 0, "end_block_index": 1}
        return {"type": "content_block_location", "cited_text": text, **shared, **place}
    text = str(source.get("data", ""))[:_QUOTED]
    place = {"start_char_index": 0, "end_char_index": len(text)}
    return {"type": "char_location", "cited_text": text, **shared, **place}
