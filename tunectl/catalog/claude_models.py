"""The Claude models of Anthropic's own API, with the dates on which they end.

The dates hold for what Anthropic runs; Bedrock and Vertex have their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pkgutil import get_data

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeModel:
    """One model.

    Attributes:
        id: the snapshot's name.
        title: as people call it.
        line: `haiku`, `sonnet`, `opus`, `fable`, `mythos`; None for the models before those.
        aliases: other names that stand for it.
        deprecated: since when it is headed for its end; None while it is active.
        retires: the day from which requests fail; None when none is announced.
        earliest: the day before which it will not be retired, as far as Anthropic has said.
        successor: the id of the model that Anthropic recommends instead; empty without one.
        source: where that is said.
        source_date: when it was read there.
    """

    id: str
    title: str
    line: str | None = None
    aliases: tuple[str, ...] = ()
    deprecated: date | None = None
    retires: date | None = None
    earliest: date | None = None
    successor: str = ""
    source: str
    source_date: date

    def is_retired(self, day: date) -> bool:
        """Whether requests that name it fail on that day."""
        return self.retires is not None and day >= self.retires

    def is_deprecated(self, day: date) -> bool:
        """Whether its end was announced by that day."""
        return self.deprecated is not None and day >= self.deprecated


@cache
def claude_models() -> Sequence[ClaudeModel]:
    """Return every model that is known, the newest first."""
    text = get_data("tunectl.catalog", "claude_models.json") or b""
    return tuple(
        ClaudeModel(
            id=raw["id"],
            title=raw["title"],
            line=raw["line"],
            aliases=tuple(raw["aliases"]),
            deprecated=_day(raw["deprecated"]),
            retires=_day(raw["retires"]),
            earliest=_day(raw["earliest"]),
            successor=raw["successor"] or "",
            source=raw["source"],
            source_date=date.fromisoformat(raw["source_date"]),
        )
        for raw in json.loads(text)["models"]
    )


def find_claude(name: str) -> ClaudeModel | None:
    """Return a model by its id or an alias."""
    return _by_name().get(name)


@cache
def _by_name() -> Mapping[str, ClaudeModel]:
    return {name: model for model in claude_models() for name in (model.id, *model.aliases)}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
