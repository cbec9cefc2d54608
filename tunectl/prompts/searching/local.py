"""A knowledge base in a file of this machine, searched by the local retriever."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.prompts.errors import PromptError
from tunectl.retrieval.passage import Passage, Searcher

if TYPE_CHECKING:
    from tunectl.retrieval.index import Index

_MODE = "hybrid"


def searcher(entry: Mapping[str, Any], root: Path) -> Searcher:
    """Return what searches an index; the file is opened by the first search.

    Args:
        entry: `{"type": "local", "index"}`, the path relative to the project, and where it is not
            `hybrid` the `mode`; `min_score` where something is left out.
        root: the project's folder.
    """
    return LocalSearcher(
        path=root / str(entry["index"]),
        mode=str(entry.get("mode") or _MODE),
        min_score=float(entry.get("min_score") or 0.0),
    )


@dataclass(frozen=True, kw_only=True)
class LocalSearcher:
    """One index; thread-safe. It notices when an apply replaces the file."""

    path: Path
    mode: str = _MODE
    min_score: float = 0.0
    _opened: list[Index] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def search(self, query: str, *, top_k: int) -> list[Passage]:
        """Return the passages that fit best, best first; none that has nothing to do with it.

        Raises:
            PromptError: there is no index, it cannot be read, or its embedding model is not
                installed here.
        """
        from tunectl.retrieval.errors import RetrievalError

        try:
            found = self._index().search(query, top_k, self.mode, self.min_score)
            return [one for one in found if one.score > 0.0]
        except RetrievalError as error:
            raise PromptError(str(error)) from error

    def _index(self) -> Index:
        from tunectl.retrieval.index import open_index

        with self._mutex:
            if not self._opened:
                self._opened.append(open_index(self.path))
            return self._opened[0]
