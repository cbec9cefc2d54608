"""What a prompt reads besides its artefact: the memory, knowledge bases, indexes of examples.

Each is opened when it is first needed, once, whichever thread comes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.prompts.cleaning import cleaned
from tunectl.prompts.errors import PromptError

if TYPE_CHECKING:
    from tunectl.prompts.memory import Memory
    from tunectl.retrieval.index import Index
    from tunectl.retrieval.passage import Passage, Searcher

TOP_K, EXAMPLES = 5, 4  # where a section says nothing


class Sources:
    """What one prompt reads from."""

    def __init__(
        self,
        root: Path,
        memory: Mapping[str, Any] | None,
        knowledge: Mapping[str, Mapping[str, Any]],
        *,
        searchers: Mapping[str, Searcher] | None = None,
        opened: Memory | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            root: the project's folder, that paths are relative to.
            memory: the artefact's `memory`.
            knowledge: the artefact's `knowledge`.
            searchers: by the name of the knowledge base; they go before what the artefact says.
            opened: a memory of the application's own.
        """
        self._root = root
        self._memory_entry = memory
        self._knowledge = knowledge
        self._lock = threading.Lock()
        self._memory = opened
        self._searchers: dict[str, Searcher] = dict(searchers or {})
        self._indexes: dict[str, Index] = {}

    def memory(self) -> Memory:
        """Return the memory.

        Raises:
            PromptError: there is none, or it cannot be opened.
        """
        with self._lock:
            if self._memory is None:
                if not self._memory_entry:
                    raise PromptError(
                        "this prompt has no memory; declare one: `memory: memory.NAME`"
                    )
                from tunectl.prompts.memory import open_memory

                self._memory = open_memory(self._memory_entry, self._root)
            return self._memory

    @property
    def has_memory(self) -> bool:
        """Whether there is one."""
        return self._memory is not None or bool(self._memory_entry)

    def passages(self, section: Mapping[str, Any], query: str) -> tuple[Passage, ...]:
        """Search for a section of documents; what scores too low is left out.

        Raises:
            PromptError: there is no such knowledge base, or it cannot be searched.
        """
        name = str(section.get("knowledge") or section["id"])
        top_k = section.get("top_k") or TOP_K
        if not query.strip():
            return ()
        found = inert_passages(self._searcher(name).search(query, top_k=top_k))[:top_k]
        least = section.get("min_score")
        return tuple(one for one in found if least is None or one.score >= least)

    def examples(self, section: Mapping[str, Any], query: str) -> tuple[Mapping[str, Any], ...]:
        """Return the messages of the rows that are nearest, the nearest one last.

        Raises:
            PromptError: the index cannot be used.
        """
        most, rows = section.get("max") or EXAMPLES, section.get("rows") or ()
        if not query.strip():
            return ()
        # The index names a row by its number. A long row is several pieces of it.
        found = self._nearest(str(section["index"]), query, most)
        numbers = dict.fromkeys(int(one.source) for one in found)
        chosen = [rows[number] for number in numbers if number < len(rows)]
        return tuple(message for row in reversed(chosen) for message in row)

    def _searcher(self, name: str) -> Searcher:
        with self._lock:
            if name not in self._searchers:
                if name not in self._knowledge:
                    known = ", ".join(f"`{one}`" for one in self._knowledge) or "none"
                    raise PromptError(f"there is no knowledge base `{name}`; there is {known}")
                from tunectl.prompts.searching import searcher

                # The section has the least score, its own or the knowledge base's.
                entry = {**self._knowledge[name], "min_score": 0.0}
                self._searchers[name] = searcher(entry, self._root)
            return self._searchers[name]

    def _nearest(self, path: str, query: str, most: int) -> list[Passage]:
        from tunectl.retrieval.errors import MissingEmbedderError, RetrievalError

        try:
            return self._index(path).search(query, top_k=most)
        except MissingEmbedderError as error:
            raise PromptError(str(error)) from error
        except RetrievalError as error:
            raise PromptError(f"{error.message}; run `tunectl apply`") from error

    def _index(self, path: str) -> Index:
        from tunectl.retrieval.index import open_index

        with self._lock:
            if path not in self._indexes:
                self._indexes[path] = open_index(self._root / path)
            return self._indexes[path]


def inert_passages(found: Sequence[Any]) -> tuple[Passage, ...]:
    """Return passages with clean texts; each may also be a mapping with `text`, or only a text.

    Raises:
        PromptError: one is none of these.
    """
    return tuple(_passage(at, one) for at, one in enumerate(found, 1))


def _passage(at: int, one: Any) -> Passage:  # noqa: ANN401  # a searcher of the application's own
    from tunectl.retrieval.passage import Passage

    if isinstance(one, str):
        one = {"text": one}
    get: Callable[[str], Any] = one.get if isinstance(one, Mapping) else _attribute_of(one)
    text, score = get("text"), get("score")
    if not isinstance(text, str):
        raise PromptError("a passage has `text`, and may have `source`, `title`, `score` and `id`")
    return Passage(
        id=cleaned(str(get("id") or at)),
        text=cleaned(text),
        source=cleaned(str(get("source") or f"document {at}")),
        title=cleaned(str(get("title") or "")),
        score=float(score or 0.0),
    )


def _attribute_of(one: object) -> Callable[[str], Any]:
    return lambda name: getattr(one, name, None)
