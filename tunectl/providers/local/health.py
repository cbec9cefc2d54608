"""Asking a server on this machine whether it is well, without the SDK and never by a proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from tunectl.core.errors import UnavailableError
from tunectl.providers.local.root import Announced

_SECONDS = 10.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Health:
    """What a server says about itself.

    Attributes:
        jobs: how many jobs it has, by status.
        executor: who runs its trainers, and the settings of that.
    """

    trainer: str
    version: str
    jobs: Mapping[str, int] = field(default_factory=dict)
    executor: tuple[str, ...] = ("process",)


def ask_health(said: Announced) -> Health | None:
    """Return the health of an announced server; None when nobody, or another, answers there.

    Raises:
        UnavailableError: somebody is there and does not answer in time.
    """
    answer = _call(said, "GET", "/tunectl/status")
    if answer is None or not isinstance(answer.get("trainer"), str):
        return None
    jobs = answer.get("jobs")
    counts = {k: int(v) for k, v in jobs.items()} if isinstance(jobs, dict) else {}
    ray = answer.get("ray")
    executor = (
        str(answer.get("executor", "process")),
        *(map(str, ray) if isinstance(ray, list) else ()),
    )
    return Health(answer["trainer"], str(answer.get("version", "")), counts, executor)


def answers(said: Announced) -> bool:
    """Tell whether an announced server answers by now."""
    try:
        return ask_health(said) is not None
    except UnavailableError:
        return False


def ask_shutdown(said: Announced) -> None:
    """Ask a server to stop; one that is gone is fine."""
    _call(said, "POST", "/tunectl/shutdown")


def _call(said: Announced, method: str, path: str) -> dict[str, Any] | None:
    request = urllib.request.Request(  # noqa: S310  # the URL is the server's own, on loopback
        said.url.rstrip("/") + path,
        method=method,
        headers={"Authorization": f"Bearer {said.token}"},
        data=b"" if method == "POST" else None,
    )
    try:
        with _DIRECT.open(request, timeout=_SECONDS) as answer:
            value = json.loads(answer.read())
    except TimeoutError as error:
        raise UnavailableError.of(
            f"the local server at `{said.url}` (pid {said.pid}) does not answer",
            hint="it may be busy; try again, or end that process",
        ) from error
    except (urllib.error.URLError, HTTPException, ConnectionError, ValueError):
        return None
    return value if isinstance(value, dict) else None
