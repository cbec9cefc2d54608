"""How many passes `auto` means, where a service publishes its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from tunectl.core.dataclass import dataclass

_TARGET, _FEWEST, _MOST = 3, 100, 25_000  # passes; examples seen in all


@dataclass(frozen=True, slots=True)
class EpochsRule:
    """A published rule: from the number of rows to the number of passes."""

    passes: Callable[[int], int]
    source: str
    source_date: date


def cookbook(rows: int) -> int:
    """Return 3, more for under 34 rows, fewer for over 8,333 (OpenAI cookbook, data preparation).

    >>> cookbook(10), cookbook(50), cookbook(20_000)
    (10, 3, 1)
    """
    if rows <= 0:
        return _TARGET
    if rows * _TARGET < _FEWEST:
        return min(25, _FEWEST // rows)
    if rows * _TARGET > _MOST:
        return max(1, _MOST // rows)
    return _TARGET


EPOCHS: Mapping[str, EpochsRule] = {
    "openai": EpochsRule(
        cookbook,
        "OpenAI cookbook, Chat_finetuning_data_prep; agrees with reported jobs",
        date(2026, 11, 22),
    ),
    "local": EpochsRule(
        cookbook, "the local server takes the cookbook's rule over", date(2026, 11, 22)
    ),
    "simulated": EpochsRule(cookbook, "the local server simulates them", date(2026, 11, 22)),
}


def epochs_of(service: str, rows: int) -> int | None:
    """Return the passes of `auto` over so many rows at a service; None if it publishes no rule."""
    rule = EPOCHS.get(service)
    return rule.passes(rows) if rule is not None else None
