"""Say of each declared provider: its SDK, its credentials, what trains, whose account it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from tunectl.app.connecting import Connector
from tunectl.app.finding import Finding
from tunectl.catalog.provider_types import provider_types
from tunectl.core.abilities import Credentialed, Delegating
from tunectl.core.errors import TunectlError
from tunectl.core.ports import Provider
from tunectl.core.project import Project, Provided


def examine_providers(project: Project) -> Iterator[Finding]:
    """Look at every declared provider. Asks each one question; changes nothing there.

    What stands in the way of a question is told once: without its SDK a provider is not connected,
    without credentials it is not asked.
    """
    connect = Connector(project)
    for name, declared in sorted(project.providers.items()):
        sdk = _sdk(name, declared)
        yield sdk
        if sdk.ok is False:
            continue
        try:
            provider = connect(name)
        except TunectlError as error:
            yield _failed(f"provider {name}", error)
            continue
        credentials = _credentials(name, provider)
        yield credentials
        yield from _executor(name, provider)
        if credentials.ok is not False:
            yield _account(name, provider)


def _sdk(name: str, declared: Provided) -> Finding:
    known = provider_types().get(declared.type)
    packages = known.packages if known is not None else ()
    found: list[str] = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            return Finding(
                name=f"SDK of {name}",
                said=f"`{package}` is not installed",
                ok=False,
                hint=f"pip install '{package}'",
            )
    if not found:
        return Finding(name=f"SDK of {name}", said=f"none known (type {declared.type})")
    return Finding(name=f"SDK of {name}", said=", ".join(found), ok=True)


def _credentials(name: str, provider: Provider) -> Finding:
    title = f"credentials of {name}"
    if not hasattr(provider, "credentials"):
        return Finding(name=title, said="this provider does not say where it looks for them")
    try:
        said = cast("Credentialed", provider).credentials()
    except TunectlError as error:
        return _failed(title, error)
    return Finding(name=title, said=said, ok=True)


def _executor(name: str, provider: Provider) -> Iterator[Finding]:
    """Say what trains, where that is not the provider itself."""
    if not hasattr(provider, "executor"):
        return
    title = f"executor of {name}"
    try:
        said = cast("Delegating", provider).executor()
    except TunectlError as error:
        yield _failed(title, error)
        return
    if said:
        yield Finding(name=title, said=f"reached, {said}", ok=True)


def _account(name: str, provider: Provider) -> Finding:
    title = f"provider {name}"
    try:
        account = provider.account()
    except TunectlError as error:
        return _failed(title, error)
    return Finding(name=title, said=f"reached, account {account}", ok=True)


def _failed(title: str, error: TunectlError) -> Finding:
    first = error.diagnostics[0]
    return Finding(name=title, said=first.summary, ok=False, hint=first.hint)
