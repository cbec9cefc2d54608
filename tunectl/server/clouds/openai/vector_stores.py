"""OpenAI's `/vector_stores`: documents that are kept, read in and searched.

As the types of openai 3.54.0 have it (2026-11-22). What nobody has written down (scores, the words
of refusals) is made up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import tunectl.server.clouds.openai.vector_checks as checks
from tunectl.server.clouds.openai.vector_shelf import Held, Shelf, Store
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.wire import ApiError, Call, Reply, page

PATH = "/v1/vector_stores"
_LIMITS = (20, 100)
_STATES = frozenset({"in_progress", "completed", "failed", "cancelled"})


class VectorStores:
    """The vector stores of one account."""

    def __init__(self, shelf: Shelf) -> None:
        """Answer for a shelf."""
        self.shelf = shelf

    def answer(self, asked: Asked) -> Answered:
        """Answer one request to a path that begins with `PATH`."""
        call = Call({}, asked.query, asked.body)
        parts = [unquote(part) for part in asked.path.removeprefix(PATH).strip("/").split("/")]
        try:
            return Answered.of(self._route(asked.method, [p for p in parts if p], call).value)
        except ApiError as error:
            return Answered.of(error.body(), error.status)

    def _route(self, method: str, parts: list[str], call: Call) -> Reply:
        match method, *parts:
            case ("POST",):
                return Reply(self.shelf.make(call.body(checks.CREATE)).shown(self._now()))
            case ("GET",):
                return self._page(self.shelf.all(), lambda s: s.id, self._shown, call)
            case verb, id_:
                return self._store(verb, self.shelf.get(id_), call)
            case "POST", id_, "search":
                return self._search(self.shelf.get(id_), call)
            case verb, id_, "files", *rest:
                return self._files(verb, self.shelf.get(id_), rest, call)
            case verb, id_, "file_batches", *rest:
                return self._batches(verb, self.shelf.get(id_), rest, call)
        raise ApiError(404, f"Invalid URL ({method} {PATH}/{'/'.join(parts)})")

    def _store(self, method: str, store: Store, call: Call) -> Reply:
        if method == "DELETE":
            del self.shelf.stores[store.id]
            return Reply({"id": store.id, "object": "vector_store.deleted", "deleted": True})
        if method == "POST":
            body = call.body(checks.UPDATE)
            if "metadata" in body:
                store.metadata = checks.checked_metadata(body["metadata"])
            if "expires_after" in body:
                store.expires = checks.checked_expiry(body["expires_after"])
            if body.get("name") is not None:
                store.name = str(body["name"])
        elif method != "GET":
            raise ApiError(405, f"Not allowed: {method}")
        return Reply(self._shown(store))

    def _search(self, store: Store, call: Call) -> Reply:
        question, most, least = checks.checked_search(call.body(checks.SEARCH))
        return Reply(
            {
                "object": "vector_store.search_results.page",
                "search_query": [question],
                "data": list(self.shelf.find(store, question, most, least)),
                "has_more": False,
                "next_page": None,
            }
        )

    def _files(self, method: str, store: Store, rest: list[str], call: Call) -> Reply:
        if not rest:
            if method == "POST":
                body = call.body(checks.ATTACH)
                if not body.get("file_id"):
                    raise ApiError(400, "Missing required parameter: 'file_id'.", "file_id")
                return Reply(self.shelf.attach(store, body).shown(store.id, self._now()))
            return self._listed(store, [*store.held.values()], call)
        held = store.held.get(rest[0])
        if held is None:
            text = f"No file found with id '{rest[0]}' in vector store '{store.id}'."
            raise ApiError(404, text, "file_id")
        if rest[1:] == ["content"]:
            data = [{"type": "text", "text": piece} for piece in held.pieces()]
            kind = "vector_store.file_content.page"
            return Reply({"object": kind, "data": data, "has_more": False, "next_page": None})
        if method == "DELETE":
            del store.held[held.file_id]
            kind = "vector_store.file.deleted"
            return Reply({"id": held.file_id, "object": kind, "deleted": True})
        if method == "POST":
            attributes = call.body(checks.ATTRIBUTES).get("attributes")
            held.attributes = checks.checked_metadata(attributes, "attributes")
        return Reply(held.shown(store.id, self._now()))

    def _batches(self, method: str, store: Store, rest: list[str], call: Call) -> Reply:
        if not rest:
            wanted = checks.batched(call.body(checks.BATCH))
            for one in wanted:  # all of them, or none
                self.shelf.files.get(str(one["file_id"]), "file_id")
            made = [self.shelf.attach(store, one).file_id for one in wanted]
            batch = f"vsfb_{secrets.token_hex(16)}"
            store.batches[batch] = made
            return Reply(self._batch(store, batch))
        if rest[0] not in store.batches:
            raise ApiError(404, f"No file batch found with id '{rest[0]}'.", "batch_id")
        files = [store.held[one] for one in store.batches[rest[0]] if one in store.held]
        if rest[1:] == ["files"]:
            return self._listed(store, files, call)
        if rest[1:] == ["cancel"] and method == "POST":
            for held in files:
                held.cancelled |= held.status(self._now()) == "in_progress"
        return Reply(self._batch(store, rest[0]))

    def _batch(self, store: Store, batch: str) -> dict[str, Any]:
        counts = store.counts(self._now(), store.batches[batch])
        running = "in_progress" if counts["in_progress"] else "completed"
        return {
            "id": batch,
            "object": "vector_store.files_batch",
            "created_at": int(store.active),
            "vector_store_id": store.id,
            "status": "cancelled" if counts["cancelled"] else running,
            "file_counts": counts,
        }

    def _listed(self, store: Store, files: list[Held], call: Call) -> Reply:
        wanted = call.first("filter")
        if wanted is not None and wanted not in _STATES:
            raise ApiError(400, f"Invalid 'filter': '{wanted}'.", "filter")
        now = self._now()
        found = [one for one in files if wanted in {None, one.status(now)}]
        return self._page(found, lambda f: f.file_id, lambda f: f.shown(store.id, now), call)

    def _page(
        self,
        items: list[Any],
        identify: Callable[[Any], str],
        show: Callable[[Any], dict[str, Any]],
        call: Call,
    ) -> Reply:
        newest_first = items if call.first("order") == "asc" else items[::-1]
        return page(newest_first, identify, show, call, _LIMITS)

    def _shown(self, store: Store) -> dict[str, Any]:
        return store.shown(self._now())

    def _now(self) -> float:
        return self.shelf.clock()
