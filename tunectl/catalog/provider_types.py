"""Provider types and the limits of the services behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one service takes. `None` means that it is not known.

    Attributes:
        name: the profile's name.
        title: as people call it.
        formats: the wire format of the training file, by training method.
        least_rows: fewest training rows.
        most_rows: most training rows.
        suffix_supported: whether a job may name a suffix.
        suffix_longest: characters.
        suffix_forbidden: characters that are refused.
        epochs: lowest and highest number.
        batch_size: lowest and highest number.
        metadata_pairs: pairs of metadata a job keeps.
        keeping_costs: whether a tuned model that nobody uses costs money.
        deployments: whether a tuned model answers under the name of a deployment made there.
        registers: whether an endpoint is made of one model for good, and moves by another one.
        open_formats: the same for open models, where these go another way (Vertex AI).
        by_model: whether the form of the rows depends on the base model (`row_form`).
        no_tuning: it trains nothing, and what to do instead; empty where it does.
        source: where that is said.
        source_date: when it was read there.
    """

    name: str
    title: str
    formats: Mapping[str, str]
    least_rows: int | None = None
    most_rows: int | None = None
    suffix_supported: bool | None = None
    suffix_longest: int | None = None
    suffix_forbidden: str = ""
    epochs: tuple[int, int] | None = None
    batch_size: tuple[int, int] | None = None
    metadata_pairs: int | None = None
    keeping_costs: bool | None = None
    deployments: bool = False
    registers: bool = False
    open_formats: Mapping[str, str] = field(default_factory=dict)
    by_model: bool = False
    no_tuning: str = ""
    source: str
    source_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderType:
    """One value of `type:` under `providers:`.

    Attributes:
        ready: whether this version can connect to it; otherwise it is only validated.
        trainers: versions of the trainers that come with tunectl; part of a job's identity.
        packages: the distributions that it needs on this machine.
    """

    name: str
    title: str
    ready: bool
    services: Mapping[str, Service]
    trainers: Mapping[str, int] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


@cache
def provider_types() -> Mapping[str, ProviderType]:
    """Return the provider types by name."""
    text = get_data("tunectl.catalog", "providers.json") or b""
    return {name: _type(name, raw) for name, raw in json.loads(text)["types"].items()}


def service(type_: str, profile: str | None, *, base_url: str | None = None) -> Service | None:
    """Return the service that a provider's settings mean, None for a type of a plugin.

    Args:
        type_: the provider's type.
        profile: its profile, when it names one.
        base_url: its address; of a foreign one without a profile nothing is known.
    """
    found = provider_types().get(type_)
    if found is None:
        return None
    if profile is None:
        foreign = base_url is not None and "api.openai.com" not in base_url
        known = next(iter(found.services))
        profile = "generic" if foreign and "generic" in found.services else known
    return found.services.get(profile)


def _type(name: str, raw: dict[str, Any]) -> ProviderType:
    return ProviderType(
        name=name,
        title=raw["title"],
        ready=raw["status"] == "ready",
        services={key: _service(key, value) for key, value in raw["profiles"].items()},
        trainers=raw["trainers"],
        packages=tuple(raw.get("packages", ())),
    )


def _service(name: str, raw: dict[str, Any]) -> Service:
    return Service(
        name=name,
        title=raw["title"],
        formats=raw["formats"],
        least_rows=raw["rows"]["least"],
        most_rows=raw["rows"]["most"],
        suffix_supported=raw["suffix"]["supported"],
        suffix_longest=raw["suffix"]["longest"],
        suffix_forbidden=raw["suffix"]["forbidden"],
        epochs=tuple(raw["epochs"]) if raw["epochs"] else None,
        batch_size=tuple(raw["batch_size"]) if raw["batch_size"] else None,
        metadata_pairs=raw["metadata_pairs"],
        keeping_costs=raw["keeping_costs"],
        deployments=raw.get("deployments", False),
        registers=raw.get("registers", False),
        open_formats=raw.get("open_formats", {}),
        by_model=raw.get("by_model", False),
        no_tuning=raw.get("no_tuning", ""),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )
