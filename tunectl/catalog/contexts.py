"""How long one training example may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.catalog.base_models import find
from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingContext:
    """The most tokens of one example at a service.

    Attributes:
        models: patterns of the base models' ids it holds for.
        tokens: the most that is used.
        effect: what happens to a longer one: its end is `cut` off, or it is `dropped`.
        source: where that is said.
        source_date: when it was read there.
    """

    models: tuple[str, ...]
    tokens: int
    effect: str
    source: str
    source_date: date


def training_context(service: str, model: str | None) -> TrainingContext | None:
    """Return the limit of a base model at a service, by its id or an alias; None if not known."""
    if model is None:
        return None
    known = find(service, model) or find("openai", model)
    name = (known.id if known is not None else model).lower()
    for one in training_contexts().get(service, ()):
        if any(fnmatchcase(name, pattern) for pattern in one.models):
            return one
    return None


@cache
def training_contexts() -> Mapping[str, tuple[TrainingContext, ...]]:
    """Return every known limit, by service."""
    text = get_data("tunectl.catalog", "contexts.json") or b""
    content: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(text)
    return {
        service: tuple(
            TrainingContext(
                models=tuple(raw["models"]),
                tokens=raw["tokens"],
                effect=raw["effect"],
                source=raw["source"],
                source_date=date.fromisoformat(raw["source_date"]),
            )
            for raw in entries
        )
        for service, entries in content["services"].items()
    }
