"""What may go wrong on purpose: on the first upload, job and deployment of each wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tunectl.server.clouds.world import Fault

_HOW: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "lost-reply": {"how": "lost", "after": True},
        "reset": {"how": "reset"},
        "503": {"how": "status", "status": 503},
        "slow": {"how": "slow", "seconds": 1.0},
    }
)
# Where each wire makes a file and a job: OpenAI, Cloud Storage, S3, Vertex AI (and what Model
# Garden deploys), Bedrock.
_PLACES = (
    ("POST", r"/files$"),
    ("POST", r"^/(resumable/)?upload/storage/"),
    ("PUT", r"\.jsonl$"),
    ("POST", r"/fine_tuning/jobs$"),
    ("POST", r"/tuningJobs$"),
    ("POST", r"/locations/[^/]+:deploy$"),
    ("POST", r"/model-customization-jobs$"),
)


def ordered(name: str, clouds: Iterable[str]) -> list[Fault]:
    """Return the faults of a name for each cloud; none of the empty name.

    Args:
        name: one of `tunectl.core.rehearsal.FAULTS`.
        clouds: the names under which they are served.

    Raises:
        KeyError: there is no such name.
    """
    if not name:
        return []
    return [
        Fault(method=method, path=path, cloud=cloud, **_HOW[name])
        for cloud in clouds
        for method, path in _PLACES
    ]


def struck(faults: list[Fault]) -> bool:
    """Tell whether any of them struck."""
    return any(fault.times == 0 for fault in faults)
