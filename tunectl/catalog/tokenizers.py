"""Which vocabulary a model counts its tokens with, and what a service adds to a text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pkgutil import get_data
from typing import Any, TypeAlias

from tunectl.core.dataclass import dataclass

Range: TypeAlias = "tuple[int, int, int]"
"""Low, likely, high."""
Factors: TypeAlias = "tuple[float, float, float]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """How tokens are counted for a family of models.

    Attributes:
        name: the encoding's or the family's name; empty for what is not known.
        exact: the text is counted with the family's own vocabulary.
        ascii: tokens of a plain ASCII text for each token of `o200k_base`; only without `exact`.
        other: the same for a text whose every character takes two bytes.
        message: tokens a message adds to its texts.
        example: tokens an example adds to its messages.
        image: tokens of an image.
        source: where that is said or how it was measured.
        source_date: when.
    """

    name: str
    exact: bool = False
    ascii: Factors | None = None
    other: Factors | None = None
    message: Range = (0, 4, 12)
    example: Range = (0, 0, 64)
    image: Range = (0, 0, 0)
    source: str = ""
    source_date: date | None = None


UNKNOWN = Tokenizer(name="")
"""For a model of which nothing is known: only the bounds that hold for every vocabulary."""


def tokenizer_of(model: str | None) -> Tokenizer:
    """Return how a model counts; `UNKNOWN` where nobody says it.

    A tuned model (`ft:BASE:…`) counts as its base: the name's beginning would mislead.
    """
    name = (model or "").lower()
    if name.startswith("ft:") and ":" in name[3:]:
        name = name.split(":")[1]
    for pattern, found in _patterns():
        if fnmatchcase(name, pattern):
            return found
    return UNKNOWN


def tokenizers() -> Mapping[str, Tokenizer]:
    """Return every known way of counting, by name."""
    return {one.name: one for _, one in _patterns()}


@cache
def _patterns() -> tuple[tuple[str, Tokenizer], ...]:
    text = get_data("tunectl.catalog", "tokenizers.json") or b""
    content: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    found = []
    for section in ("encodings", "families"):
        for name, raw in content[section].items():
            made = _tokenizer(name, raw, exact=section == "encodings")
            found += [(pattern, made) for pattern in raw["models"]]
    return tuple(found)


def _tokenizer(name: str, raw: dict[str, Any], *, exact: bool) -> Tokenizer:
    return Tokenizer(
        name=name,
        exact=exact,
        ascii=None if exact else tuple(raw["ascii"]),
        other=None if exact else tuple(raw["other"]),
        message=tuple(raw["message"]),
        example=tuple(raw["example"]),
        image=tuple(raw["image"]),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )
