"""What an answer of Gemini rests on: its grounding, and what it quotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.core.ports import Citation


def cited_by(candidate: Mapping[str, Any]) -> tuple[Citation, ...]:
    """Return the citations of a candidate (google-genai 2.34.0, `Candidate`).

    `groundingMetadata` names what was retrieved or found on the web, `citationMetadata` what is
    quoted at length from what the model was trained on. Both come with the last pieces.

    >>> cited_by({"groundingMetadata": {"groundingChunks": [
    ...     {"retrievedContext": {"uri": "gs://acme/zwroty.md", "text": "14 dni"}}]}})
    (Citation(text='14 dni', source='gs://acme/zwroty.md', title='', index=None),)
    """
    grounding = candidate.get("groundingMetadata") or {}
    found = []
    for chunk in grounding.get("groundingChunks") or ():
        said = chunk.get("retrievedContext") or chunk.get("web") or {}
        if said:
            found.append(
                Citation(
                    text=str(said.get("text") or ""),
                    source=str(said.get("uri") or ""),
                    title=str(said.get("title") or ""),
                )
            )
    quoted = candidate.get("citationMetadata") or {}
    found += [
        Citation(source=str(one.get("uri") or ""), title=str(one.get("title") or ""))
        for one in quoted.get("citations") or ()
    ]
    return tuple(found)
