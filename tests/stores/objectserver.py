"""Both object wires behind one loopback port, and the words in which these tests order faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tunectl.server.clouds.objects import S3, Buckets, CloudStorage, Refused
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.clouds.world import Call, Fault, World

__all__ = ["ObjectServer", "Refused", "running"]

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KINDS: dict[str, dict[str, Any]] = {
    "lost reply": {"how": "reset", "after": True},
    "refused": {"how": "status"},
    "cut": {"how": "reset"},
    "slow": {"how": "slow"},
    "status": {"how": "status"},
    "truncated": {"how": "half"},
}
BUSY = Refused(503, "SlowDown", "Please reduce your request rate.")


def changing(asked: Asked) -> bool:
    """Tell whether it changes something outside `history/`."""
    return asked.method in CHANGING and "/history/" not in unquote(asked.path)


@dataclass
class ObjectServer:
    """A running server, which is also the cloud that it serves.

    Attributes:
        seen: every request, in order.
    """

    name = "objects"
    url: str = ""
    world: World = field(default_factory=World)
    seen: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.buckets = Buckets(self.world)
        self.gcs = CloudStorage(self.world, self.buckets)
        self.s3 = S3(self.world, self.buckets, access_keys=("test",))

    @property
    def faults(self) -> list[Fault]:
        return self.world.faults

    @property
    def calls(self) -> list[Call]:
        return self.world.calls

    def fail(
        self,
        kind: str,
        times: int = 1,
        where: Callable[[Asked], bool] = changing,
        answer: Refused = BUSY,
        seconds: float = 0.0,
    ) -> Fault:
        """Order a fault; `answer` is what `status` says."""
        fault = Fault(
            times=times,
            where=where,
            seconds=seconds,
            answer=lambda asked: self._dialect(asked).refused(answer),
            **KINDS[kind],
        )
        self.world.faults.append(fault)
        return fault

    def page(self, size: int) -> None:
        """Let one page of a list hold so many names."""
        self.gcs.page = self.s3.page = size

    def _dialect(self, asked: Asked) -> CloudStorage | S3:
        return self.gcs if "/storage/v1/b/" in asked.path else self.s3

    def answer(self, asked: Asked) -> Answered:
        self.seen.append(asked)
        return self._dialect(asked).answer(asked)

    def refusal(self, status: int, message: str) -> Answered:
        return self.gcs.refusal(status, message)

    def left(self) -> Iterator[Any]:
        return iter(())


@contextmanager
def running() -> Iterator[ObjectServer]:
    """Run a server for the life of the context."""
    server = ObjectServer()
    with serving(server, server.world) as server.url:
        yield server
