"""Which cluster, and what of it a job takes; as `KEY=VALUE` words of a command line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunectl.server.executor import ExecutorError

RESOURCE = "resource."
_ADDRESS = re.compile(r"https?://[^/\s@]+(/[^\s@]*)?")
_KNOWN = ("address", "workers", "cpus", "gpus", "python")


@dataclass(frozen=True)
class RaySettings:
    """How jobs run on a cluster.

    Args:
        address: of its Jobs API (the dashboard), `http://HOST:8265`.
        workers: nodes that share one training.
        cpus: processors that each takes, and how many threads it trains with.
        gpus: GPUs that each takes.
        resources: custom resources of Ray that each takes, by name.
        python: the interpreter on the nodes, with tunectl installed.
    """

    address: str
    workers: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    python: str = "python"

    def words(self) -> list[str]:
        """Return the settings as `parse` reads them."""
        named = [
            f"address={self.address}",
            f"workers={self.workers}",
            f"cpus={self.cpus:g}",
            f"gpus={self.gpus:g}",
            f"python={self.python}",
        ]
        return named + [f"{RESOURCE}{k}={v:g}" for k, v in sorted(self.resources.items())]


def parse(words: Sequence[str]) -> RaySettings:
    """Read `address=http://head:8265`, `workers=2`, `resource.a100=1` and so on.

    Raises:
        ExecutorError: naming the word that cannot be used.
    """
    said: dict[str, str] = {}
    resources: dict[str, float] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key.startswith(RESOURCE) and key != RESOURCE:
            resources[key.removeprefix(RESOURCE)] = _number(word, value)
        elif equals and key in _KNOWN:
            said[key] = value
        else:
            known = ", ".join(f"`{name}`" for name in (*_KNOWN, RESOURCE + "NAME"))
            raise ExecutorError(f"`{word}` is no setting of Ray\nhint: known are {known}")
    address = said.get("address", "").rstrip("/")
    if not _ADDRESS.fullmatch(address):
        raise ExecutorError(
            "executor `ray` needs the address of the cluster's Jobs API, without a user or a "
            "password\nhint: `address=http://HEAD:8265`"
        )
    workers = _number("workers", said.get("workers", "1"))
    if workers < 1 or workers != int(workers):
        raise ExecutorError(f"`workers={said['workers']}` is no number of nodes\nhint: 1 or more")
    return RaySettings(
        address=address,
        workers=int(workers),
        cpus=_number("cpus", said.get("cpus", "1")),
        gpus=_number("gpus", said.get("gpus", "0")),
        resources=resources,
        python=said.get("python") or "python",
    )


def _number(word: str, value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ExecutorError(f"`{word}`: `{value}` is no number of that\nhint: 0 or more")
    return found
