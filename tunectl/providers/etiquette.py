"""How a service is asked politely: at its pace, under our name, through the user's network.

One `Pace` belongs to one configured provider and keeps a token bucket per route, for the life of
the process. It is thread-safe. A route is a method and a path without the ids in it (`route_of`).

How a provider connects it
--------------------------
- An SDK over httpx2 (openai, anthropic): `paced_clients.httpx_client(pace, …)` as `http_client`.
- An SDK over requests (Google's REST and Cloud Storage clients):
  `paced_clients.pace_requests(session, pace)`.
- botocore: `paced_clients.pace_botocore(client, pace)`.
- Anything else: `turn = pace.enter(route)` before a request, which may wait, and
  `turn.heard(status, headers)` after its answer.

Laws
----
- In any time of `w` seconds no more than `burst + per_second * w` requests of a route begin.
- After `Retry-After` (RFC 9110 section 10.2.3) no request of that route begins before its end. One
  that would have to wait longer than `patience` is not sent at all.
- A 429 is a definite refusal. A question waits and goes on; what changes something is not repeated
  here: whoever asked for it decides, knowing that nothing was made.
- Without a known limit nothing is slowed down before the service has complained once.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import tunectl
from tunectl.core.errors import ConfigError, RateLimitError

PATIENCE: Final = 60.0  # seconds; what has to wait longer is for the next run
CONNECT_SECONDS: Final = 5.0
ASK_SECONDS: Final = 60.0
SEND_SECONDS: Final = 600.0  # an upload, or an answer being written

_LATER = frozenset({429, 503})
_TOO_MANY = 429
_REMEMBERED = 32  # starts from which a service's pace is judged
_SLOWEST, _FASTEST = 0.2, 50.0  # requests a second between which a learnt pace lies
_RELAX = 1.1
_TICK = 0.001  # the shortest sleep: clocks round
_DIMENSIONS = ("requests", "tokens", "input-tokens", "output-tokens")


def user_agent() -> str:
    """Return what requests of ours call themselves: `tunectl/<version>`."""
    return f"tunectl/{tunectl.__version__}"


def timeout_of(name: str, settings: Mapping[str, Any]) -> float:
    """Return the setting `timeout`: seconds for one question.

    Raises:
        ConfigError: it is no number above zero.
    """
    value = settings.get("timeout", ASK_SECONDS)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigError.of(
            f"`timeout` of provider `{name}` must be a number of seconds, not `{value}`",
            code="wrong-setting",
        )
    return float(value)


@dataclass(frozen=True, slots=True)
class Rate:
    """A published limit: so many requests a second on average, so many at once."""

    per_second: float
    burst: int = 1

    def __post_init__(self) -> None:
        """Refuse what would never let anything pass.

        Raises:
            ValueError: not above zero.
        """
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError(f"no rate: {self.per_second} a second, {self.burst} at once")

    @classmethod
    def a_minute(cls, count: float) -> Rate:
        """Return a rate told per minute; a tenth of a minute's worth may begin at once."""
        return cls(count / 60, max(1, int(count / 10)))


class HeldBackError(RateLimitError):
    """A request was not sent: the service asked to be left alone for longer than we would wait."""

    @classmethod
    def after(cls, seconds: float) -> HeldBackError:
        """Make the error for so many seconds that are left."""
        error = cls.of(
            f"not sent: the service asked to be left alone for {seconds:.0f} seconds more",
            hint=f"try again in {seconds:.0f} seconds",
        )
        error.wait = seconds
        return error


@dataclass(slots=True)
class _Bucket:
    """The state of one route; guarded by its pace's lock. Times are of the pace's clock."""

    rate: Rate | None = None
    learnt: float | None = None
    debt_until: float = 0.0  # when the bucket is full again (GCRA's theoretical arrival time)
    held_until: float = 0.0
    cut_at: float = float("-inf")
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def free_at(self, now: float) -> float:
        """Return when the next request may begin; not later than `now` when it may begin now."""
        step, burst = self._step()
        return max(now, self.held_until, self.debt_until - (burst - 1) * step)

    def take(self, now: float) -> None:
        """Begin a request."""
        self.debt_until = max(self.debt_until, now) + self._step()[0]
        self.starts.append(now)

    def _step(self) -> tuple[float, int]:
        """Return the seconds between two requests, and how many may begin at once."""
        if self.learnt is not None and (self.rate is None or self.learnt < self.rate.per_second):
            return 1 / self.learnt, 1
        return (0.0, 1) if self.rate is None else (1 / self.rate.per_second, self.rate.burst)

    def slow_down(self, started: float, now: float) -> None:
        """Halve the pace; once for all requests that were under way when it was too fast."""
        if started <= self.cut_at:
            return
        self.cut_at = now
        if self.learnt is not None:
            fast = self.learnt
        else:
            span = now - self.starts[0] if self.starts else 0.0
            fast = len(self.starts) / span if span > 0 else _FASTEST
        self.learnt = min(max(fast / 2, _SLOWEST), _FASTEST / 2)
        self.debt_until = max(self.debt_until, now)

    def speed_up(self) -> None:
        """After a success a learnt limit widens, until it limits nothing."""
        if self.learnt is not None:
            self.learnt *= _RELAX
            if self.learnt > _FASTEST:
                self.learnt = None


class Pace:
    """The pace of one provider. Thread-safe.

    Args:
        rates: published limits by route (`POST /v1/files`); the key `*` limits all together.
        patience: seconds that a request may be made to wait.
        clock: monotonic, seconds.
        wall: Unix time, seconds; for headers that name a moment.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        rates: Mapping[str, Rate] | None = None,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.patience = patience
        self._rates = dict(rates or {})
        self._clock, self._wall, self._sleep = clock, wall, sleep
        self._buckets: dict[str, _Bucket] = {}
        self._mutex = threading.Lock()

    def enter(self, route: str) -> Turn:
        """Wait for a turn on a route.

        Raises:
            HeldBackError: that would take longer than `patience`; nothing may be sent.
        """
        while True:
            with self._mutex:
                now = self._clock()
                buckets = [self._bucket(name) for name in ("*", route)]
                held = max(bucket.held_until for bucket in buckets) - now
                if held > self.patience:
                    raise HeldBackError.after(held)
                at = max(bucket.free_at(now) for bucket in buckets)
                if at <= now:
                    for bucket in buckets:
                        bucket.take(now)
                    return Turn(self, route, now)
            self._sleep(max(at - now, _TICK))

    def heard(self, route: str, started: float, status: int, headers: Mapping[str, str]) -> float:
        """Learn from an answer; return the seconds for which it asks to be left alone, 0 for none.

        Args:
            route: of the request.
            started: when it began, by the pace's clock.
            status: of HTTP.
            headers: of the answer, by lower-case name or without regard to case.
        """
        wait = retry_after(headers, self._wall()) if status in _LATER else None
        spent = self._spent(headers)
        now = self._clock()
        with self._mutex:
            bucket = self._bucket(route)
            if status == _TOO_MANY:
                bucket.slow_down(started, now)
            elif status < 400:
                bucket.speed_up()
            pause = max(wait or 0.0, spent if spent <= self.patience else 0.0)
            bucket.held_until = max(bucket.held_until, now + pause)
        return wait or 0.0

    def forgive(self, route: str) -> None:
        """Take back what was held: the answer was about one object, not about the whole route."""
        with self._mutex:
            self._bucket(route).held_until = self._clock()

    def _bucket(self, route: str) -> _Bucket:
        if route not in self._buckets:
            self._buckets[route] = _Bucket(rate=self._rates.get(route))
        return self._buckets[route]

    def _spent(self, headers: Mapping[str, str]) -> float:
        """Return the seconds until a limit that the headers call used up lets one pass again.

        OpenAI: `x-ratelimit-remaining-requests`, `-reset-requests` (`6m0s`, seconds at Azure), the
        time to full. Anthropic: `anthropic-ratelimit-requests-remaining`, `-reset` (RFC 3339, the
        time to full). Others: `ratelimit-remaining`, `ratelimit-reset` (seconds).
        """
        longest = 0.0
        for remaining, limit, reset, each in _limits(headers):
            seconds = _until(headers.get(reset), self._wall())
            if _number(headers.get(remaining)) != 0 or seconds is None:
                continue
            size = _number(headers.get(limit)) if each else None
            longest = max(longest, seconds / size if size and size > 1 else seconds)
        return longest


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that may be sent now.

    Attributes:
        started: by the pace's clock.
    """

    pace: Pace
    route: str
    started: float

    def heard(self, status: int, headers: Mapping[str, str]) -> float:
        """Learn from its answer; return the seconds to wait that it asks for, 0 for none."""
        return self.pace.heard(self.route, self.started, status, headers)


def pace_of(settings: Mapping[str, Any], rates: Mapping[str, Rate] | None = None) -> Pace:
    """Return the pace of a provider: the service's published rates, and the user's own.

    Args:
        settings: of the provider; `requests_per_minute` limits all its requests together.
        rates: by route.
    """
    own = settings.get("requests_per_minute")
    every = {"*": Rate.a_minute(float(own))} if isinstance(own, int | float) else {}
    return Pace({**(rates or {}), **every})


_VERSION = re.compile(r"v\d+([a-z]+\d+)?")
_WORD = re.compile(r"[a-z][a-z_.-]{0,31}(:[a-zA-Z]+)?|[a-z]+[A-Z][A-Za-z]*(:[a-zA-Z]+)?")


def route_of(method: str, path: str) -> str:
    """Return the route of a request: ids in its path are left out.

    A segment stays when it is a version or a word without a digit; the one after `projects`,
    `locations`, `b` and `o` never does, whatever it is (Google's paths).
    """
    parts: list[str] = []
    for part in path.split("?")[0].strip("/").split("/"):
        named = bool(parts) and parts[-1] in {"projects", "locations", "b", "o"}
        verb = part.rpartition(":")[2] if ":" in part else ""
        if not named and (_VERSION.fullmatch(part) or _WORD.fullmatch(part)):
            parts.append(part)
        else:
            parts.append(f"*:{verb}" if verb.isalpha() else "*")
    return f"{method.upper()} /{'/'.join(parts)}"


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that `Retry-After` asks to wait; None without a readable one.

    Args:
        headers: of the answer. `retry-after-ms` (OpenAI, Anthropic) is finer and wins.
        now: Unix time, for its form that is a date.
    """
    fine = _number(headers.get("retry-after-ms"))
    if fine is not None:
        return fine / 1000
    text = headers.get("retry-after")
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def ca_file(*first: str) -> str | None:
    """Return the file or folder of certificate authorities that the environment names.

    Args:
        first: variables that count before `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`
            and `SSL_CERT_DIR`: those of the SDK in use, such as `AWS_CA_BUNDLE`.

    Raises:
        ConfigError: it does not exist; naming the variable.
    """
    known = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
    for variable in (*first, *known):
        value = os.environ.get(variable, "")
        if not value:
            continue
        if not Path(value).exists():
            raise ConfigError.of(
                f"the variable `{variable}` names certificates that do not exist: `{value}`",
                hint="correct it, or unset it to use the machine's own",
                code="no-certificates",
            )
        return value
    return None


def _limits(headers: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    """Return the names of remaining, limit and reset, and whether single requests are counted."""
    named = [("ratelimit-remaining", "ratelimit-limit", "ratelimit-reset", False)]
    for what in _DIMENSIONS:
        openai, claude = "x-ratelimit", f"anthropic-ratelimit-{what}"
        each = what == "requests"
        named += [
            (
                f"{openai}-remaining-{what}",
                f"{openai}-limit-{what}",
                f"{openai}-reset-{what}",
                each,
            ),
            (f"{claude}-remaining", f"{claude}-limit", f"{claude}-reset", each),
        ]
    return [one for one in named if headers.get(one[0])]


_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


def _until(text: str | None, now: float) -> float | None:
    """Return the seconds that a reset header means: `6m0s`, `12ms`, `17` or a moment."""
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    if found := _DURATION.fullmatch(text):
        scale = (86400.0, 3600.0, 60.0, 1.0, 0.001)
        return sum((_number(n) or 0.0) * s for n, s in zip(found.groups(), scale, strict=True) if n)
    try:
        moment = datetime.fromisoformat(text)
        return max(0.0, moment.timestamp() - now) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if value < float("inf") else None
