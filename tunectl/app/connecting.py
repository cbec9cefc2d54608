"""From a name under `providers:` to a connected provider, through the entry points."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from tunectl.app.throttling import throttled
from tunectl.catalog.provider_types import provider_types as catalogued
from tunectl.core.errors import ConfigError, ProviderError, Source
from tunectl.core.ports import Provider
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN
from tunectl.core.state import Account, State
from tunectl.core.value import Plain

GROUP = "tunectl.providers"


@cache
def provider_types() -> Mapping[str, EntryPoint]:
    """Return the installed provider types; looked for once: it reads every package's metadata."""
    return {point.name: point for point in entry_points(group=GROUP)}


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
        planned = catalogued().get(type_)
        if type_ not in known and planned is not None and not planned.ready:
            raise ConfigError.of(
                f"provider `{name}`: {planned.title} is only validated by this version",
                hint="plan and apply cannot connect to it yet",
                code="provider-not-ready",
                source=source,
            )
        if type_ not in known:
            near = difflib.get_close_matches(type_, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else _listed(known)
            raise ConfigError.of(
                f"provider type `{type_}` is not installed", hint=hint, source=source
            )
        try:
            connect = known[type_].load()
        except ModuleNotFoundError as error:
            raise ProviderError.of(
                f"provider type `{type_}` needs `{error.name}`, which is not installed",
                hint=f"pip install 'tunectl[{type_}]'",
                source=source,
            ) from error
        reserved = {"name": name, "project_root": self._project.root, "env": self._project.env}
        try:
            told = {key: value for key, value in settings.items() if key != "parallelism"}
            connected: Provider = connect(**{**told, **reserved})
        except (ConfigError, ProviderError) as error:
            placed = tuple(replace(d, source=d.source or source) for d in error.diagnostics)
            raise type(error)(placed, error.exit) from error
        limit = settings.get("parallelism")
        return throttled(connected, limit) if isinstance(limit, int) else connected


def _listed(known: Mapping[str, EntryPoint]) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(known) if name != BUILTIN)
    return f"installed are {names}"
