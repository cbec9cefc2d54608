"""In which form training rows go to a service: by method and, where it differs, by base model."""

from __future__ import annotations

from tunectl.catalog.bedrock_models import family
from tunectl.catalog.open_models import open_model
from tunectl.catalog.provider_types import Service


def row_form(service: Service | None, method: str, base_model: str) -> str | None:
    """Return the wire format of the rows; None where it is not known or cannot be written.

    Args:
        service: None for a plugin's.
        method: of the tuning job.
        base_model: its id; of one that is not known the service's usual form is returned.
    """
    if service is None:
        return None
    if service.open_formats and open_model(base_model) is not None:
        return service.open_formats.get(method)
    facts = family(base_model) if service.by_model else None
    return (facts.formats if facts is not None else service.formats).get(method)
