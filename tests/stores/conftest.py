"""Fixtures that several stores share."""

from __future__ import annotations

from tests.stores.postgres import postgres_address, postgres_dsn, wire, wired_address

__all__ = ["postgres_address", "postgres_dsn", "wire", "wired_address"]
