"""From a name under `providers:` to a connected provider, through the entry points."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from tunectl.app.throttling import throttled
from tunectl.config.installed import every_provider_type, provider_types
from tunectl.core.errors import ConfigError, ProviderError, Source
from tunectl.core.ports import Provider
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN
from tunectl.core.state import Account, State
from tunectl.core.value import Plain


class Connector:
    """Connects each provider once. Thread-safe; usable as the engine's `connect`."""

    def __init__(self, project: Project, state: State | None = None) -> None:
        self._project = project
        self._recorded: Mapping[str, Account] = state.providers if state else {}
        self._connected: dict[str, Provider] = {}
        self._guard = threading.RLock()

    def __call__(self, name: str) -> Provider:
        """Return the provider of that name.

        Raises:
            ConfigError: there is none, or its type is not installed.
            ProviderError: it cannot be used on this machine.
        """
        found = self._connected.get(name)
        if found is not None:
            return found
        with self._guard:
            if name not in self._connected:
                self._connected[name] = self._connect(name)
            return self._connected[name]

    def recorded(self, names: set[str]) -> dict[str, Account]:
        """Return what the state must remember to reach these providers again; no secret."""
        found: dict[str, Account] = {}
        for name in sorted(names - {BUILTIN}):
            type_, settings, _ = self._settings(name)
            declared = self._project.providers.get(name)
            secret = declared.secret if declared is not None else frozenset()
            found[name] = Account(
                type=type_,
                account=self(name).account(),
                settings={key: value for key, value in settings.items() if key not in secret},
            )
        return found

    def _settings(self, name: str) -> tuple[str, Mapping[str, Plain], Source | None]:
        if name == BUILTIN:
            return BUILTIN, {}, None
        declared = self._project.providers.get(name)
        if declared is not None:
            return declared.type, declared.settings, declared.source
        recorded = self._recorded.get(name)
        if recorded is not None:
            return recorded.type, recorded.settings, None
        raise ConfigError.of(
            f"there is no provider `{name}`",
            hint="declare it under `providers:`; the state still holds objects made with it",
        )

    def _connect(self, name: str) -> Provider:
        type_, settings, source = self._settings(name)
        known = provider_types()
        point = known.get(type_) or every_provider_type().get(type_)
        if point is None:
            raise _not_installed(name, type_, source)
        try:
            connect = _loaded(point)
        except ModuleNotFoundError as error:
            raise ProviderError.of(
                f"provider type `{type_}` needs `{error.name}`, which is not installed",
                hint=f"pip install 'tunectl[{type_}]'",
                source=source,
            ) from error
        reserved = {"name": name, "project_root": self._project.root, "env": self._project.env}
        try:
            told = {key: value for key, value in settings.items() if key != "parallelism"}
            connected = connect(**{**told, **reserved})
        except (ConfigError, ProviderError) as error:
            placed = tuple(replace(d, source=d.source or source) for d in error.diagnostics)
            raise type(error)(placed, error.exit) from error
        limit = settings.get("parallelism")
        return throttled(connected, limit) if isinstance(limit, int) else connected


def _loaded(point: str) -> Callable[..., Provider]:
    """Return what an entry point names: `module:attribute`."""
    module, _, attribute = point.partition(":")
    found = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return cast("Callable[..., Provider]", found)


def _not_installed(name: str, type_: str, source: Source | None) -> ConfigError:
    from difflib import get_close_matches

    from tunectl.catalog.provider_types import provider_types as catalogued

    planned, known = catalogued().get(type_), every_provider_type()
    if planned is not None and not planned.ready:
        return ConfigError.of(
            f"provider `{name}`: {planned.title} is only validated by this version",
            hint="plan and apply cannot connect to it yet",
            code="provider-not-ready",
            source=source,
        )
    near = get_close_matches(type_, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else _listed(known)
    return ConfigError.of(f"provider type `{type_}` is not installed", hint=hint, source=source)


def _listed(known: Mapping[str, str]) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(known) if name != BUILTIN)
    return f"installed are {names}"
