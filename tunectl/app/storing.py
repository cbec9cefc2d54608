"""From a `state:` address to a store: one line a scheme."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tunectl.core.errors import ConfigError
from tunectl.core.ports import Store
from tunectl.core.project import Project
from tunectl.core.store_address import BadAddressError, StateAddress, parse
from tunectl.stores.file import FileStore
from tunectl.stores.sealed import SealedStore, keys_from


def open_store(project: Project) -> Store:
    """Return the store of a project's `state:` address; sealed where a key is given.

    Raises:
        ConfigError: the address is of no known kind, its package is missing, or a key is malformed.
        StateError: the store's own settings or credentials cannot be used.
    """
    address = address_of(project)
    keys = keys_from(os.environ)
    if not address.scheme:
        return SealedStore(FileStore(Path(project.root) / address.text), keys)
    extra, make = _STORES[address.scheme]
    try:
        return SealedStore(make(address), keys)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "tunectl":
            raise
        raise ConfigError.of(
            f"state in `{address.shown}` needs the package `{package}`, which is not installed",
            hint=f"pip install 'tunectl[{extra}]'",
            code="missing-extra",
        ) from error


def address_of(project: Project) -> StateAddress:
    """Return where a project's state lives.

    Raises:
        ConfigError: the address is of no known kind.
    """
    try:
        return parse(project.state)
    except BadAddressError as error:
        raise ConfigError.of(
            f"`state` {error.message}", hint=error.hint, code="unknown-store"
        ) from error


def _gcs(address: StateAddress) -> Store:
    from tunectl.stores.gcs import open_gcs

    return open_gcs(address.bucket, address.prefix)


def _s3(address: StateAddress) -> Store:
    from tunectl.stores.s3 import open_s3

    return open_s3(address.bucket, address.prefix)


def _postgres(address: StateAddress) -> Store:
    from tunectl.stores.postgres import PostgresStore

    return PostgresStore(address.text)


def _http(address: StateAddress) -> Store:
    from tunectl.stores.http import HttpStore

    return HttpStore(address.text, os.environ)


# What each scheme needs (an extra of the package) and how its store is made.
_STORES: dict[str, tuple[str, Callable[[StateAddress], Store]]] = {
    "gs": ("gcs", _gcs),
    "s3": ("s3", _s3),
    "postgresql": ("postgres", _postgres),
    "postgres": ("postgres", _postgres),
    "https": ("http", _http),
    "http": ("http", _http),
}
