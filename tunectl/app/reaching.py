"""To the accounts in which recorded objects live, whatever the declaration says today."""

from __future__ import annotations

import threading
from dataclasses import replace

from tunectl.app.connecting import Connector
from tunectl.core.errors import ConfigError, ProviderError
from tunectl.core.ports import Provider
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN
from tunectl.core.state import State


class Reach:
    """Connects a provider as it was when its objects were made. Thread-safe; usable as `connect`.

    The recorded settings come first, the declared ones serve where those do not lead to the
    account: a secret setting is never recorded, and the variable of a key may have another name by
    now. So an edit of `providers:` that was not applied changes nothing.
    """

    def __init__(self, project: Project, state: State) -> None:
        self._recorded = Connector(replace(project, providers={}), state)
        self._declared = Connector(project, state)
        self._has_recorded = frozenset(state.providers)
        self._has_declared = frozenset(project.providers)
        self._accounts = {(i.provider, i.account) for i in state.everything}
        self._known: dict[str, Provider] = {}
        self._guard = threading.Lock()

    def __call__(self, name: str) -> Provider:
        """Return the provider.

        Raises:
            ConfigError: nothing says how to connect it.
            ProviderError: it cannot be used, or its key is missing or refused.
        """
        with self._guard:
            if name not in self._known:
                self._known[name] = self._connected(name)
            return self._known[name]

    def _connected(self, name: str) -> Provider:
        if name == BUILTIN:
            return self._declared(name)
        failure: ConfigError | ProviderError | None = None
        other: Provider | None = None
        for connect, known in (
            (self._recorded, self._has_recorded),
            (self._declared, self._has_declared),
        ):
            if name not in known:
                continue
            try:
                provider = connect(name)
                account = provider.account()
            except (ConfigError, ProviderError) as error:
                failure = error
                continue
            if (name, account) in self._accounts:
                return provider
            other = provider
        if failure is not None:
            raise failure
        # Neither is the account: whoever looks says so.
        return other if other is not None else self._declared(name)
