"""How many tokens a model takes at once, question and answer together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pkgutil import get_data

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a family of models takes.

    Attributes:
        models: patterns of the models' ids it holds for.
        tokens: the most tokens of question and answer together.
        source: where that is said.
        source_date: when it was read there.
    """

    models: tuple[str, ...]
    tokens: int
    source: str
    source_date: date


def window_of(model: str | None) -> int | None:
    """Return how many tokens a model takes at once, None where nobody says it.

    A tuned model (`ft:BASE:…`) takes what its base takes.
    """
    name = (model or "").lower()
    if name.startswith("ft:") and ":" in name[3:]:
        name = name.split(":")[1]
    for one in windows():
        if any(fnmatchcase(name, pattern) for pattern in one.models):
            return one.tokens
    return None


@cache
def windows() -> Sequence[Window]:
    """Return what is known, the more special patterns first."""
    text = get_data("tunectl.catalog", "windows.json") or b""
    return tuple(
        Window(
            models=tuple(raw["models"]),
            tokens=raw["tokens"],
            source=raw["source"],
            source_date=date.fromisoformat(raw["source_date"]),
        )
        for raw in json.loads(text)["models"]
    )
