"""Which service a declared provider talks to; apart, for a plan that is kept needs no `World`."""

from __future__ import annotations

from tunectl.catalog.provider_types import Service, service
from tunectl.core.project import Provided


def service_of(provided: Provided) -> Service | None:
    """Return what is known of the service behind a provider, None for a plugin's."""
    profile, base_url = provided.settings.get("profile"), provided.settings.get("base_url")
    return service(
        provided.type,
        str(profile) if profile is not None else None,
        base_url=str(base_url) if base_url is not None else None,
    )
