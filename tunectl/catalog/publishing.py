"""Who keeps prompts that others read, and what a prompt may hold there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingService:
    """What one service takes as a prompt. Its templates put values in place of names, no more.

    Attributes:
        name: a provider's type.
        title: as people call it.
        slots: whether a prompt may have a place for messages that are put in later.
        schema: whether it has room for the form of the answer.
        labels: whether versions have names that move from one to the next.
        label: what such a name must look like.
        reserved_labels: those that the service gives itself.
        prompt: what the name of a prompt must look like.
        prompt_must: the same in words.
        reserved_names: names that no prompt may have.
        variable: what the name of a value must look like.
        most_variables: values of one prompt; None where there is no limit.
        forbidden: texts that mean something there, beside `{{`.
        source: where that is said.
        source_date: when it was read there.
    """

    name: str
    title: str
    slots: bool
    schema: bool
    labels: bool
    label: re.Pattern[str]
    reserved_labels: frozenset[str]
    prompt: re.Pattern[str]
    prompt_must: str
    reserved_names: frozenset[str]
    variable: re.Pattern[str]
    most_variables: int | None
    forbidden: tuple[str, ...]
    source: str
    source_date: date


@cache
def publishing_services() -> Mapping[str, PublishingService]:
    """Return the services that keep prompts, by the type of the provider."""
    raw = json.loads(get_data("tunectl.catalog", "publishing.json") or b"{}")
    return {name: _service(name, one) for name, one in raw["services"].items()}


def _service(name: str, raw: Mapping[str, Any]) -> PublishingService:
    return PublishingService(
        name=name,
        title=raw["title"],
        slots=raw["slots"],
        schema=raw["schema"],
        labels=raw["labels"],
        label=re.compile(raw["label"]),
        reserved_labels=frozenset(raw["reserved_labels"]),
        prompt=re.compile(raw["name"]),
        prompt_must=raw["name_must"],
        reserved_names=frozenset(raw["reserved_names"]),
        variable=re.compile(raw["variable"]),
        most_variables=raw["most_variables"],
        forbidden=tuple(raw["forbidden"]),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )
