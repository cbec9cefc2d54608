"""The models an account can use."""

from __future__ import annotations

from tunectl.app.connecting import Connector
from tunectl.app.options import Options
from tunectl.app.workspace import declared
from tunectl.core.errors import ConfigError
from tunectl.core.ports import Model


def list_models(options: Options, provider: str | None = None) -> tuple[tuple[str, Model], ...]:
    """Return (provider name, model) of one provider, or of every declared one.

    Raises:
        ConfigError: there is no such provider.
        ProviderError: it could not be asked.
    """
    project = declared(options).project
    if provider is not None and provider not in project.providers:
        names = ", ".join(f"`{n}`" for n in sorted(project.providers)) or "none"
        raise ConfigError.of(f"there is no provider `{provider}`", hint=f"declared are {names}")
    connect = Connector(project)
    chosen = [provider] if provider else sorted(project.providers)
    return tuple((name, model) for name in chosen for model in connect(name).models())
