"""What the vector stores refuse, in the words of the service (openai 3.54.0, its types, 2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.server.wire import ApiError

CREATE = frozenset(
    {"chunking_strategy", "description", "expires_after", "file_ids", "metadata", "name"}
)
UPDATE = frozenset({"expires_after", "metadata", "name"})
SEARCH = frozenset({"query", "filters", "max_num_results", "ranking_options", "rewrite_query"})
ATTACH = frozenset({"file_id", "attributes", "chunking_strategy"})
BATCH = frozenset({"attributes", "chunking_strategy", "file_ids", "files"})
ATTRIBUTES = frozenset({"attributes"})

MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
LEAST_TOKENS, MOST_TOKENS = 100, 4096
MOST_DAYS = 365
MOST_RESULTS = 50
MOST_IN_BATCH = 2000
USUAL = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def checked_metadata(value: object, param: str = "metadata") -> dict[str, Any]:
    """Return pairs, none for null. Raises `ApiError` (400)."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ApiError(400, f"Invalid type for '{param}': expected an object.", param)
    if len(value) > MOST_PAIRS:
        raise ApiError(400, f"Invalid '{param}': too many properties.", param)
    for key, said in value.items():
        texts = str | bool | int | float if param == "attributes" else str
        if len(key) > LONGEST_KEY or not isinstance(said, texts):
            raise ApiError(400, f"Invalid '{param}.{key}'.", param)
        if isinstance(said, str) and len(said) > LONGEST_VALUE:
            raise ApiError(400, f"Invalid '{param}.{key}': string too long.", param)
    return dict(value)


def checked_expiry(value: object) -> dict[str, Any] | None:
    """Return when it ends, None for never. Raises `ApiError` (400)."""
    if value is None:
        return None
    days = value.get("days") if isinstance(value, Mapping) else None
    anchored = isinstance(value, Mapping) and value.get("anchor") == "last_active_at"
    if not anchored or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        raise ApiError(400, "Invalid 'expires_after': 1 to 365 days.", "expires_after")
    return {"anchor": "last_active_at", "days": days}


def checked_cut(value: object) -> dict[str, Any]:
    """Return how files are cut, as it is shown. Raises `ApiError` (400)."""
    where = "chunking_strategy"
    if value is None or value == {"type": "auto"}:
        return {"type": "static", "static": dict(USUAL)}
    said = value.get("static") if isinstance(value, Mapping) else None
    if not isinstance(said, Mapping) or said.keys() != USUAL.keys():
        raise ApiError(400, f"Invalid '{where}'.", where)
    size, overlap = said["max_chunk_size_tokens"], said["chunk_overlap_tokens"]
    if not isinstance(size, int) or not LEAST_TOKENS <= size <= MOST_TOKENS:
        text = f"Invalid '{where}.static.max_chunk_size_tokens': expected 100 to 4096."
        raise ApiError(400, text, where)
    if not isinstance(overlap, int) or not 0 <= overlap <= size // 2:
        text = f"Invalid '{where}.static.chunk_overlap_tokens': at most half of the size."
        raise ApiError(400, text, where)
    return {"type": "static", "static": dict(said)}


def checked_search(body: Mapping[str, Any]) -> tuple[str, int, float]:
    """Return the question, how many results, and the least score. Raises `ApiError` (400)."""
    query, most = body.get("query"), body.get("max_num_results", 10)
    text = " ".join(query) if isinstance(query, list) else query
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, "Missing required parameter: 'query'.", "query")
    if not isinstance(most, int) or not 1 <= most <= MOST_RESULTS:
        raise ApiError(400, "Invalid 'max_num_results': expected 1 to 50.", "max_num_results")
    ranking = body.get("ranking_options") or {}
    least = ranking.get("score_threshold", 0.0) if isinstance(ranking, Mapping) else None
    if not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ApiError(400, "Invalid 'ranking_options'.", "ranking_options")
    return text, most, float(least)


def batched(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files of a batch, each with what is said of it. Raises `ApiError` (400)."""
    files, ids = body.get("files"), body.get("file_ids")
    if (files is None) == (ids is None):
        raise ApiError(400, "Exactly one of 'file_ids' and 'files' is required.", "file_ids")
    said = {key: body[key] for key in ("attributes", "chunking_strategy") if key in body}
    found = [{"file_id": one, **said} for one in ids] if ids is not None else list(files or ())
    if not 1 <= len(found) <= MOST_IN_BATCH:
        raise ApiError(400, "Invalid batch: expected 1 to 2000 files.", "files")
    for one in found:
        if not isinstance(one, Mapping) or one.keys() - ATTACH or "file_id" not in one:
            raise ApiError(400, "Invalid 'files'.", "files")
    return found
