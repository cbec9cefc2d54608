"""What a search found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from tunectl.views.text import clean, indent, one_line


class Found(Protocol):
    """One passage that was found."""

    @property
    def id(self) -> str:
        """Its name within the knowledge base."""
        ...

    @property
    def text(self) -> str:
        """What stands there."""
        ...

    @property
    def source(self) -> str:
        """The document."""
        ...

    @property
    def title(self) -> str:
        """The headings above it."""
        ...

    @property
    def score(self) -> float:
        """How well it fits."""
        ...


def passages_text(found: Sequence[Found]) -> str:
    """Return passages with their place and score, best first."""
    return "\n\n".join(_shown(found)) or "Nothing was found."


def _shown(found: Sequence[Found]) -> Iterable[str]:
    for number, one in enumerate(found, start=1):
        title = f" > {one_line(clean(one.title))}" if one.title else ""
        head = f"{number}. {one_line(clean(one.source))}{title}  ({one.score:.2f})"
        yield f"{head}\n{indent(clean(one.text), '   ')}"


def passages_tree(found: Sequence[Found]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format_version": "1.0",
        "passages": [
            {"id": p.id, "source": p.source, "title": p.title, "score": p.score, "text": p.text}
            for p in found
        ],
    }
