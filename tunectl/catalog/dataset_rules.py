"""What services take as rows to tune with: keys, roles, images, counts and sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.catalog.bedrock_models import family
from tunectl.core.dataclass import dataclass

_BY_MODEL = "bedrock"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRules:
    """How one service takes images.

    Attributes:
        schemes: of an image's address; `data` for a data URL.
        types: MIME types of an image in a data URL.
        details: what `detail` may be.
        most_in_a_row: most images of one row.
        most_rows: most rows with images in one file.
        largest: bytes of the largest image.
    """

    schemes: tuple[str, ...]
    types: tuple[str, ...]
    details: tuple[str, ...]
    most_in_a_row: int
    most_rows: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRules:
    """What one service takes for one method. `None` means that it is not known.

    Attributes:
        provider: the provider's type, or its profile.
        title: as people call it.
        method: `supervised`, `preference` or `reinforcement`.
        keys: the keys of a row.
        needed: keys that every row must have.
        roles: who may speak.
        message_keys: the keys of a message.
        images: whether rows may hold images.
        parts: the types of parts that a role's content may have; of the other roles under "".
        image_rules: how images are given, how large they are, and how many.
        models: of which models the keys, roles, parts, images and order are known, by a piece of
            their names; empty for all.
        order: `free` where its form of rows demands no order of turns, `strict` where user and
            assistant must take turns.
        last: the role of the last message.
        least_rows: fewest training rows; fewer fail the job.
        advised_rows: training rows below which little is learned.
        most_rows: most training rows.
        most_validation_rows: most validation rows.
        most_bytes: largest file.
        byte_order_mark: `refused` or `demanded` at the beginning of a file.
        source: where that is said.
        source_date: when it was read there.
    """

    provider: str
    title: str
    method: str
    keys: frozenset[str] | None = None
    needed: frozenset[str] = frozenset()
    roles: frozenset[str] | None = None
    message_keys: frozenset[str] | None = None
    images: bool | None = None
    parts: Mapping[str, frozenset[str]] | None = None
    image_rules: ImageRules | None = None
    models: tuple[str, ...] = ()
    order: str | None = None
    last: str | None = None
    least_rows: int | None = None
    advised_rows: int | None = None
    most_rows: int | None = None
    most_validation_rows: int | None = None
    most_bytes: int | None = None
    byte_order_mark: str | None = None
    source: str
    source_date: date

    def of_model(self, model: str | None) -> DatasetRules:
        """What is known of one model: form and number of rows may differ within a service."""
        known = self._counted(model)
        if not self.models or any(name in (model or "") for name in self.models):
            return known
        return replace(
            known,
            keys=None,
            roles=None,
            message_keys=None,
            images=None,
            parts=None,
            image_rules=None,
            order=None,
        )

    def _counted(self, model: str | None) -> DatasetRules:
        """With the numbers of rows of a base model of Bedrock, whose models differ in them."""
        facts = family(model) if model is not None and self.provider == _BY_MODEL else None
        if facts is None:
            return self
        known = facts.training(self.method)
        return replace(self, least_rows=known.least_rows, most_rows=known.most_rows)


def dataset_rules(provider: str, method: str) -> DatasetRules | None:
    """What a provider takes for a method; None where nothing is known or it trains no such way."""
    return _read().get(provider, {}).get(method)


def methods_of(provider: str) -> tuple[str, ...]:
    """The methods a provider trains by, as far as its rows are known; none for an unknown one."""
    return tuple(_read().get(provider, ()))


def providers_with_rules() -> tuple[str, ...]:
    """The providers of which the rules are known."""
    return tuple(_read())


@cache
def _read() -> Mapping[str, Mapping[str, DatasetRules]]:
    text = get_data("tunectl.catalog", "dataset_rules.json") or b""
    return {
        name: {method: _rules(name, raw, method, one) for method, one in raw["methods"].items()}
        for name, raw in json.loads(text)["providers"].items()
    }


def _rules(provider: str, raw: Mapping[str, Any], method: str, one: dict[str, Any]) -> DatasetRules:
    rows = one["rows"]
    return DatasetRules(
        provider=provider,
        title=raw["title"],
        method=method,
        keys=_names(one, "keys"),
        needed=_names(one, "needed") or frozenset(),
        roles=_names(one, "roles"),
        message_keys=_names(one, "message_keys"),
        images=one.get("images"),
        parts=_parts(one),
        image_rules=_image_rules(one.get("image_rules")),
        models=tuple(one.get("models", ())),
        order=one.get("order"),
        last=one.get("last"),
        least_rows=rows["least"],
        advised_rows=rows["advised"],
        most_rows=rows["most"],
        most_validation_rows=rows.get("most_validation"),
        most_bytes=raw.get("most_bytes"),
        byte_order_mark=raw.get("byte_order_mark"),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )


def _parts(one: Mapping[str, Any]) -> Mapping[str, frozenset[str]] | None:
    if "parts" not in one:
        return None
    return {role: frozenset(kinds) for role, kinds in one["parts"].items()}


def _image_rules(raw: Mapping[str, Any] | None) -> ImageRules | None:
    if raw is None:
        return None
    return ImageRules(
        schemes=tuple(raw["schemes"]),
        types=tuple(raw["types"]),
        details=tuple(raw["details"]),
        most_in_a_row=raw["most_in_a_row"],
        most_rows=raw["most_rows"],
        largest=raw["largest"],
    )


def _names(one: Mapping[str, Any], key: str) -> frozenset[str] | None:
    return frozenset(one[key]) if key in one else None
