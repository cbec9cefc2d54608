"""A PostgreSQL server for the memories that want one."""

from tests.stores.postgres import postgres_address, postgres_dsn, wire, wired_address

__all__ = ["postgres_address", "postgres_dsn", "wire", "wired_address"]
