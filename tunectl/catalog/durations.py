"""How long a training takes, where anybody published it. What is not here is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tunectl.catalog.open_models import open_model
from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Duration:
    """A published range, in minutes, of one tuning job of a few hundred to a thousand rows."""

    low: int
    high: int
    source: str
    source_date: date


# By service and method. Vertex AI's are Gemini's: of open models nobody published any.
DURATIONS: Mapping[tuple[str, str], Duration] = {
    ("vertex", "supervised"): Duration(
        15, 15, "GoogleCloudPlatform/generative-ai, supervised tuning notebook", date(2026, 11, 22)
    ),
    ("vertex", "dpo"): Duration(
        30, 60, "GoogleCloudPlatform/generative-ai, preference tuning notebooks", date(2026, 11, 22)
    ),
}


def duration_of(service: str, method: str, base: str = "") -> Duration | None:
    """Return how long a job of that method takes at a service; None where nobody tells.

    Args:
        service: in the catalogue.
        method: such as `supervised`.
        base: the model that is tuned; empty where it is not known.
    """
    return None if open_model(base) is not None else DURATIONS.get((service, method))
