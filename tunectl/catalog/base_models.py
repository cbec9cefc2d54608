"""Base models that can be tuned, with the dates on which that ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pkgutil import get_data

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """One base model at one service.

    Attributes:
        id: the snapshot's name.
        aliases: other names that stand for it.
        methods: how it can be tuned.
        no_new_jobs: the first day on which no new job is taken; None when none is announced.
        shutdown: the day on which it and every model tuned from it stop answering; None when
            none is announced.
        locations: where it is tuned; empty for every location, or where it is not known.
        source: where that is said.
        source_date: when it was read there.
    """

    id: str
    aliases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    no_new_jobs: date | None = None
    shutdown: date | None = None
    locations: tuple[str, ...] = ()
    source: str
    source_date: date

    def is_shut_down(self, now: date) -> bool:
        """Whether it answers no more on that day."""
        return self.shutdown is not None and now >= self.shutdown

    def days_of_training_left(self, now: date) -> int | None:
        """Days on which a job can still be started, 0 when there are none, None when unlimited."""
        if self.no_new_jobs is None:
            return None
        return max(0, (self.no_new_jobs - now).days)


def names(service: str) -> tuple[str, ...]:
    """Return every name by which a service knows a base model; none for an unknown service."""
    return tuple(_by_name(service))


def find(service: str, name: str) -> BaseModel | None:
    """Return a base model by its id, by an alias, or by a model tuned from it (`ft:BASE:…`)."""
    known = _by_name(service)
    if name.startswith("ft:") and name.count(":") >= 2:  # ft:BASE:organisation
        name = name.split(":")[1]
    return known.get(name)


@cache
def _by_name(service: str) -> Mapping[str, BaseModel]:
    entry = _read()["services"].get(service)
    found: dict[str, BaseModel] = {}
    for raw in entry["models"] if entry else ():
        model = BaseModel(
            id=raw["id"],
            aliases=tuple(raw["aliases"]),
            methods=tuple(raw["methods"]),
            no_new_jobs=_day(raw["no_new_jobs"]),
            shutdown=_day(raw["shutdown"]),
            locations=tuple(raw.get("locations", ())),
            source=raw["source"],
            source_date=date.fromisoformat(raw["source_date"]),
        )
        found.update(dict.fromkeys((model.id, *model.aliases), model))
    return found


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def _read() -> dict[str, dict[str, dict[str, list[dict[str, str]]]]]:
    text = get_data("tunectl.catalog", "base_models.json") or b""
    content: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = json.loads(text)
    return content
