"""`/v1/models`: what there is, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

from tunectl.catalog.claude_models import ClaudeModel, claude_models, find_claude
from tunectl.server.clouds.anthropic.refusals import RefusedError
from tunectl.server.clouds.wire import Asked

_LIFECYCLES = ("active", "deprecated", "retired")
_PAGE, _MOST = 20, 1000
_UNKNOWN = "1970-01-01T00:00:00Z"  # the API's own value for a release day that is not known


def model_for(name: object, now: datetime) -> ClaudeModel:
    """Return the model that a request may use.

    Raises:
        RefusedError: there is none of that name any more, or there never was.
    """
    model = find_claude(name) if isinstance(name, str) else None
    if model is None or model.is_retired(now.date()):
        raise RefusedError(404, f"model: {name}")
    return model


def listed(asked: Asked, now: datetime) -> dict[str, Any]:
    """Answer the list: newest first, a page at a time."""
    wanted = _lifecycles(asked)
    models = [m for m in claude_models() if _lifecycle(m, now) in wanted]
    limit = _limit(asked)
    after, before = asked.param("after_id"), asked.param("before_id")
    ids = [model.id for model in models]
    for cursor in (after, before):
        if cursor and cursor not in ids:
            raise RefusedError(400, f"cursor `{cursor}` is not a model of this list")
    rest: Sequence[ClaudeModel] = models
    if after:
        rest = models[ids.index(after) + 1 :]
    if before:
        rest = models[: ids.index(before)][-limit:]
    page = rest[:limit]
    more = len(rest) > limit if not before else ids.index(before) > limit
    return {
        "data": [_shown(model, now) for model in page],
        "has_more": more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def retrieved(name: str, now: datetime) -> dict[str, Any]:
    """Answer for one model, by its id or an alias; a retired one stays in the catalogue."""
    model = find_claude(unquote(name))
    if model is None:
        raise RefusedError(404, f"model: {unquote(name)}")
    return _shown(model, now)


def _lifecycles(asked: Asked) -> set[str]:
    said = {value for key, value in asked.query if key in {"lifecycle[]", "lifecycle"}}
    if unknown := sorted(said - set(_LIFECYCLES)):
        raise RefusedError(400, f"lifecycle: Input should be one of {_LIFECYCLES}: {unknown[0]}")
    return said or {"active", "deprecated"}


def _limit(asked: Asked) -> int:
    text = asked.param("limit", str(_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise RefusedError(400, f"limit: Input should be from 1 to {_MOST}")
    return int(text)


def _lifecycle(model: ClaudeModel, now: datetime) -> str:
    if model.is_retired(now.date()):
        return "retired"
    return "deprecated" if model.is_deprecated(now.date()) else "active"


def _shown(model: ClaudeModel, now: datetime) -> dict[str, Any]:
    stage = _lifecycle(model, now)
    active = stage == "active"
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.title,
        "created_at": _UNKNOWN,
        "lifecycle": stage,
        "line": model.line,
        "deprecated_at": None if active else _moment(model.deprecated),
        "retires_at": None if active else _moment(model.retires),
        "capabilities": None,
        "max_input_tokens": None,
        "max_tokens": None,
    }


def _moment(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None
