"""Who keeps knowledge bases, what they take, and what keeping one costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pkgutil import get_data
from types import MappingProxyType
from typing import Any

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What documents cost that are kept and not used.

    Attributes:
        currency: its code; empty where it is free.
        gigabyte_day: for a gigabyte (2^30 bytes) and day.
        free_gigabytes: of an account that cost nothing.
        source: where that is said.
        source_date: when it was read there.
    """

    currency: str
    gigabyte_day: Decimal
    free_gigabytes: Decimal
    source: str
    source_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeService:
    """What one service takes as a knowledge base. `None` means that it is not known, or no limit.

    Attributes:
        name: as in the file: a provider's type, or `TYPE/PROFILE`.
        title: as people call it.
        uploads: whether documents are sent as files of their own, to which it refers.
        chunk_tokens: least and most tokens of a passage.
        default_chunking: tokens of a passage and of its overlap, written out where nothing is said.
        embeddings: the models one may choose from; empty where there is no choice, None for any.
        default_embedding: the one that is written out where nothing is said.
        modes: the ways to search that one may choose from.
        immutable: fields whose change needs a new one.
        deferred: fields whose change waits for a new one.
        own: fields of the kind that mean something at this service only.
        fixed_name: whether its name is its address, so that the old one goes first.
        most_documents: documents it holds.
        largest_document: bytes of one of them.
        idle_days: least and most days after which it ends by itself when nobody searches; None
            where it never does.
        storage: what keeping costs; None where nobody says it.
        remains: what stays when it is deleted, and how that bills, by the `type` of its `storage`;
            empty for whichever it is.
        source: where that is said.
        source_date: when it was read there.
    """

    name: str
    title: str
    uploads: bool
    chunk_tokens: tuple[int, int] | None
    default_chunking: tuple[int, int] | None
    embeddings: tuple[str, ...] | None
    default_embedding: str | None
    modes: tuple[str, ...]
    immutable: frozenset[str]
    deferred: frozenset[str]
    own: frozenset[str]
    fixed_name: bool
    most_documents: int | None
    largest_document: int | None
    idle_days: tuple[int, int] | None
    storage: Storage | None
    remains: Mapping[str, str]
    source: str
    source_date: date


def knowledge_service(type_: str, profile: str | None) -> KnowledgeService | None:
    """Return what a service takes, None where it keeps no knowledge bases.

    Args:
        type_: the provider's type.
        profile: the name of the service among those of the type.
    """
    known = knowledge_services()
    return known.get(f"{type_}/{profile}") or (
        known.get(type_) if profile in {None, type_} else None
    )


@cache
def without(type_: str, profile: str) -> str:
    """Return why a service is not used though it keeps documents; empty where nobody says."""
    said: str = _content()["without"].get(f"{type_}/{profile}", "")
    return said


def _content() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        get_data("tunectl.catalog", "knowledge_bases.json") or b"{}"
    )
    return found


@cache
def knowledge_services() -> Mapping[str, KnowledgeService]:
    """Return the services that keep knowledge bases, by type or `TYPE/PROFILE`."""
    return {name: _service(name, raw) for name, raw in _content()["services"].items()}


def _service(name: str, raw: Mapping[str, Any]) -> KnowledgeService:
    return KnowledgeService(
        name=name,
        title=raw["title"],
        uploads=raw["uploads"],
        chunk_tokens=_pair(raw["chunk_tokens"]),
        default_chunking=_pair(raw["default_chunking"]),
        embeddings=None if raw["embeddings"] is None else tuple(raw["embeddings"]),
        default_embedding=raw["default_embedding"],
        modes=tuple(raw["modes"]),
        immutable=frozenset(raw["immutable"]),
        deferred=frozenset(raw["deferred"]),
        own=frozenset(raw.get("own", ())),
        fixed_name=raw["fixed_name"],
        most_documents=raw["most_documents"],
        largest_document=raw["largest_document"],
        idle_days=_pair(raw["idle_days"]),
        storage=_storage(raw),
        remains=MappingProxyType(dict(raw.get("remains", {}))),
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )


def _storage(raw: Mapping[str, Any]) -> Storage | None:
    said = raw["storage"]
    if said is None:
        return None
    return Storage(
        currency=said["currency"],
        gigabyte_day=Decimal(said["gigabyte_day"]),
        free_gigabytes=Decimal(said["free_gigabytes"]),
        source=said.get("source", raw["source"]),
        source_date=date.fromisoformat(said.get("source_date", raw["source_date"])),
    )


def _pair(raw: list[int] | None) -> tuple[int, int] | None:
    return (raw[0], raw[1]) if raw else None
