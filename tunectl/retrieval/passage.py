"""What a search gives back, and what can be searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of a document that a search found.

    Attributes:
        id: names the piece within its knowledge base; stable while the piece is unchanged.
        text: the piece's own text.
        source: the document it stands in: a path, an address or a provider's file name.
        title: the headings above it, outermost first, joined by ` > `; empty without headings.
        score: how well it fits, larger is better; comparable within one search only. The local
            retriever gives 0 to 1.
    """

    id: str
    text: str
    source: str
    title: str = ""
    score: float = 0.0


class Searcher(Protocol):
    """A knowledge base that can be searched, wherever it is kept."""

    def search(self, query: str, *, top_k: int) -> list[Passage]:
        """The passages that fit best, best first.

        Args:
            query: the question, in the words of the person who asks.
            top_k: how many passages to give back at most.
        """
        ...
