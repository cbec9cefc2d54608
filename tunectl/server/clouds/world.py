"""What the clouds of one rehearsal share: the clock, what goes wrong, and what was asked."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tunectl.server.clouds.wire import Answered, Asked

HOWS = frozenset({"reset", "lost", "status", "half", "slow"})


@dataclass
class Fault:
    """One way in which requests go wrong, so many times.

    Attributes:
        how: `reset`: the connection is reset; `lost`: it is closed without an answer; `status`:
            `status` with `headers` is answered; `half`: the answer breaks off; `slow`: it comes
            after `seconds`.
        method: of the requests that it strikes; empty for every method.
        path: a regular expression that is found in the path, still percent-encoded.
        skip: how many that fit pass first.
        after: the request takes effect first; `half` and `slow` always do.
        where: which requests it strikes, beside `method` and `path`.
        answer: what a `status` answers instead of the cloud's own refusal.
        cloud: the name of the one it strikes; empty for every one.
    """

    how: str
    method: str = ""
    path: str = ""
    skip: int = 0
    times: int = 1
    after: bool = False
    status: int = 503
    message: str = "The service is currently unavailable."
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.05
    where: Callable[[Asked], bool] | None = None
    answer: Callable[[Asked], Answered] | None = None
    cloud: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody would notice.

        Raises:
            ValueError: there is no such way to go wrong.
        """
        if self.how not in HOWS:
            raise ValueError(f"no such fault: `{self.how}`")

    def takes(self, asked: Asked, cloud: str = "") -> bool:
        """Tell whether it strikes this request to a cloud, and count it."""
        if self.cloud not in {"", cloud}:
            return False
        if self.times <= 0 or (self.method and self.method != asked.method):
            return False
        if not re.search(self.path, asked.path) or (self.where and not self.where(asked)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was made."""

    cloud: str
    method: str
    path: str
    status: int


@dataclass
class World:
    """Thread-safe.

    Attributes:
        job_seconds: how long a training takes, by this world's clock.
        operation_seconds: how long any other long operation takes (a deployment, a deletion).
        step: seconds by which the clock moves on with every request, beside the time that passes.
        faults: what will go wrong; each ends by itself.
        calls: every request, in order.
        ahead: seconds by which this world's clock is ahead of `clock`.
    """

    job_seconds: float = 3.0
    operation_seconds: float = 1.0
    step: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    clock: Callable[[], float] = time.time
    mutex: threading.RLock = field(default_factory=threading.RLock)
    ahead: float = 0.0

    def now(self) -> datetime:
        """The time there, UTC."""
        with self.mutex:
            return datetime.fromtimestamp(self.clock() + self.ahead, UTC)

    def pass_time(self, seconds: float) -> None:
        """Move the clock on."""
        with self.mutex:
            self.ahead += seconds

    def met(self, asked: Asked, cloud: str = "") -> Fault | None:
        """Return what a request to a cloud meets; the clock moves on by a step."""
        with self.mutex:
            self.ahead += self.step
            return next((fault for fault in self.faults if fault.takes(asked, cloud)), None)

    def note(self, cloud: str, asked: Asked, status: int) -> None:
        """Remember a request; status 0 when nothing was answered."""
        with self.mutex:
            self.calls.append(Call(cloud, asked.method, asked.path, status))
