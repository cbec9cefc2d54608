"""What the vector stores of one account are: stores, the files in them, and what is found there."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunectl.server.clouds.openai.vector_checks import checked_cut, checked_expiry, checked_metadata
from tunectl.server.files import FileStore
from tunectl.server.wire import ApiError

_DAY = 86_400
_CHARACTERS = 4  # of a token, about
_STEM = 5  # letters by which words are compared: endings differ in Polish and Russian
# Files that are read in (guide `file-search`, 2026); the service knows more, all of them code.
_READ_IN = (".md", ".txt", ".html", ".json", ".tex", ".pdf", ".docx", ".pptx")


@dataclass
class Held:
    """One file in a vector store.

    Attributes:
        ready: Unix time from which it can be found.
        error: why it never can be, as the wire shows it.
    """

    file_id: str
    since: float
    ready: float
    attributes: dict[str, Any]
    cut: dict[str, Any]
    text: str
    error: dict[str, str] | None = None
    cancelled: bool = False

    def status(self, now: float) -> str:
        """Return the status as the wire says it."""
        if self.cancelled:
            return "cancelled"
        if now < self.ready:
            return "in_progress"
        return "failed" if self.error is not None else "completed"

    def shown(self, store: str, now: float) -> dict[str, Any]:
        """Return it as `vector_store.file`."""
        status = self.status(now)
        return {
            "id": self.file_id,
            "object": "vector_store.file",
            "usage_bytes": len(self.text.encode()) * 2 if status == "completed" else 0,
            "created_at": int(self.since),
            "vector_store_id": store,
            "status": status,
            "last_error": self.error if status == "failed" else None,
            "attributes": self.attributes,
            "chunking_strategy": self.cut,
        }

    def pieces(self) -> Iterator[str]:
        """Yield its passages."""
        static = self.cut["static"]
        size = static["max_chunk_size_tokens"] * _CHARACTERS
        step = size - static["chunk_overlap_tokens"] * _CHARACTERS
        for start in range(0, max(1, len(self.text)), step):
            yield self.text[start : start + size]
            if start + size >= len(self.text):
                return


@dataclass
class Store:
    """One vector store; its description is kept and never shown."""

    id: str
    since: float
    name: str
    active: float
    metadata: dict[str, Any] = field(default_factory=dict)
    expires: dict[str, Any] | None = None
    description: str = ""
    held: dict[str, Held] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)

    def ends(self) -> float | None:
        """Return when it ends by itself, Unix time."""
        return None if self.expires is None else self.active + self.expires["days"] * _DAY

    def expired(self, now: float) -> bool:
        """Tell whether it has ended."""
        ends = self.ends()
        return ends is not None and ends <= now

    def counts(self, now: float, of: list[str] | None = None) -> dict[str, int]:
        """Return how many files are in which state, of those that are named or of all."""
        found = {"cancelled": 0, "completed": 0, "failed": 0, "in_progress": 0}
        files = [self.held[one] for one in (self.held if of is None else of) if one in self.held]
        for one in files:
            found[one.status(now)] += 1
        return {**found, "total": len(files)}

    def shown(self, now: float) -> dict[str, Any]:
        """Return it as `vector_store`."""
        counts, ends = self.counts(now), self.ends()
        running = counts["in_progress"] > 0
        status = "expired" if self.expired(now) else "in_progress" if running else "completed"
        files = (one.shown(self.id, now) for one in self.held.values())
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": int(self.since),
            "name": self.name,
            "usage_bytes": sum(one["usage_bytes"] for one in files),
            "file_counts": counts,
            "status": status,
            "expires_after": self.expires,
            "expires_at": None if ends is None else int(ends),
            "last_active_at": int(self.active),
            "metadata": self.metadata,
        }


@dataclass
class Shelf:
    """All of one account.

    Attributes:
        files: the account's files.
        clock: Unix time there.
        seconds: how long it takes to read a file in.
    """

    files: FileStore
    clock: Callable[[], float]
    seconds: Callable[[], float]
    stores: dict[str, Store] = field(default_factory=dict)

    def make(self, body: Mapping[str, Any]) -> Store:
        """Make a vector store. Raises `ApiError`."""
        now = self.clock()
        store = Store(
            id=f"vs_{secrets.token_hex(16)}",
            since=now,
            name=str(body.get("name") or ""),
            active=now,
            metadata=checked_metadata(body.get("metadata")),
            expires=checked_expiry(body.get("expires_after")),
            description=str(body.get("description") or ""),
        )
        for file_id in body.get("file_ids") or ():
            self.attach(
                store, {"file_id": file_id, "chunking_strategy": body.get("chunking_strategy")}
            )
        self.stores[store.id] = store
        return store

    def get(self, id_: str) -> Store:
        """Return one. Raises `ApiError` (404)."""
        store = self.stores.get(id_)
        if store is None:
            raise ApiError(404, f"Vector store with id '{id_}' not found.", "vector_store_id")
        self._forget_deleted(store)
        return store

    def all(self) -> list[Store]:
        """Return all of them, oldest first."""
        for store in self.stores.values():
            self._forget_deleted(store)
        return list(self.stores.values())

    def attach(self, store: Store, said: Mapping[str, Any]) -> Held:
        """Put a file into a vector store; one that is there stays as it is. Raises `ApiError`."""
        if store.expired(self.clock()):
            raise ApiError(400, f"Vector store '{store.id}' is expired.", "vector_store_id")
        file_id = str(said["file_id"])
        meta = self.files.get(file_id, "file_id")
        attributes = checked_metadata(said.get("attributes"), "attributes")
        cut, now = checked_cut(said.get("chunking_strategy")), self.clock()
        if file_id not in store.held:
            text, error = self._read(meta)
            store.held[file_id] = Held(
                file_id, now, now + self.seconds(), attributes, cut, text, error
            )
        store.active = now
        return store.held[file_id]

    def find(
        self, store: Store, question: str, most: int, least: float
    ) -> Iterator[dict[str, Any]]:
        """Yield the passages that have most of a question's words, as the wire shows them."""
        now = self.clock()
        if store.expired(now):
            raise ApiError(400, f"Vector store '{store.id}' is expired.", "vector_store_id")
        store.active = now
        asked = _words(question)
        scored = [
            (len(asked & _words(piece)) / max(1, len(asked)), held, piece)
            for held in store.held.values()
            if held.status(now) == "completed"
            for piece in held.pieces()
        ]
        for score, held, piece in sorted(scored, key=lambda one: -one[0])[:most]:
            if score >= max(least, 1e-9):
                yield {
                    "file_id": held.file_id,
                    "filename": self.files.get(held.file_id)["filename"],
                    "score": round(score, 4),
                    "attributes": held.attributes,
                    "content": [{"type": "text", "text": piece}],
                }

    def _read(self, meta: Mapping[str, Any]) -> tuple[str, dict[str, str] | None]:
        name = str(meta["filename"])
        if not name.lower().endswith(_READ_IN):
            ending = name.rpartition(".")[2]
            text = f"The file type '{ending}' is not supported."
            return "", {"code": "unsupported_file", "message": text}
        content = self.files.root.file_data(str(meta["id"])).read_bytes()
        text = content.decode("utf-8", "replace")
        if not text.strip():
            return "", {"code": "invalid_file", "message": "The file has no text."}
        return text, None

    def _forget_deleted(self, store: Store) -> None:
        """A file that is deleted leaves every vector store."""
        for file_id in [*store.held]:
            try:
                self.files.get(file_id)
            except ApiError:
                del store.held[file_id]


def _words(text: str) -> set[str]:
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    plain = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    return {word[:_STEM] for word in plain.split() if len(word) > 2}
