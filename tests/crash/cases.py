"""The cases: which request of which world goes wrong in which way.

The requests are those of a recorded run. At every create each fault is tried; elsewhere each pair
of (sort of call, fault), (sort, how often) and (fault, how often) is; of what remains a seed draws.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEED = 20261122
DRAWN, DOUBLED = 40, 20
TIMES = (1, 4)  # once; more often than the SDK repeats a question
SHORT = 0.5  # seconds after which a command gives up on an answer that hangs

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "refused": {},
    "reset before": {"how": "reset"},
    "reset after": {"how": "reset", "after": True},
    "closed before": {"how": "lost"},
    "reply lost": {"how": "lost", "after": True},
    "408": {"how": "status", "status": 408},
    "408 after": {"how": "status", "status": 408, "after": True},
    "409": {"how": "status", "status": 409},
    "429": {"how": "status", "status": 429},
    "429 wait": {"how": "status", "status": 429, "headers": {"Retry-After": "1"}},
    "500": {"how": "status", "status": 500},
    "500 after": {"how": "status", "status": 500, "after": True},
    "503": {"how": "status", "status": 503},
    "503 wait": {"how": "status", "status": 503, "headers": {"Retry-After": "1"}},
    "truncated": {"how": "half"},
    "senseless": {"how": "senseless", "after": True},
    "timeout before": {"how": "hang", "seconds": 3},
    "timeout after": {"how": "hang", "seconds": 3, "after": True},
    "slow": {"how": "slow"},
}

# A list that lags: for longer than a command looks for what it made, and for less long than the
# next one does.
STALE: Mapping[str, Any] = {
    "how": "stale",
    "method": "GET",
    "path": "/v1/(files|fine_tuning/jobs)",
    "times": 999,
    "looks": 5,
}

CREATES = (("POST", "/v1/files"), ("POST", "/v1/fine_tuning/jobs"))
_SORTS = (
    ("alias", "PUT", r"/v1/tunectl/aliases/.*"),
    ("chat", "POST", r"/v1/chat/completions"),
    ("cancel", "POST", r"/v1/fine_tuning/jobs/.*"),
    ("delete", "DELETE", r".*"),
    ("list", "GET", r"/v1/(files|fine_tuning/jobs|tunectl/aliases)"),
    ("poll", "GET", r"/v1/fine_tuning/jobs/.*"),
    ("health", "GET", r"/v1/tunectl/status"),
    ("get", "GET", r".*"),
)


@dataclass(frozen=True, order=True)
class Call:
    """The so-many-th request of a kind in a world.

    Attributes:
        path: a regular expression for the whole of it.
        number: from 0.
    """

    world: str
    method: str
    path: str
    number: int

    @property
    def creates(self) -> bool:
        """Whether something new comes into being by it."""
        made = self.path.startswith("/v1/tunectl/aliases/") and self.world == "endpoint"
        return (self.method, self.path) in CREATES or (self.method == "PUT" and made)

    @property
    def sort(self) -> str:
        """What sort of call it is."""
        return next(
            sort
            for sort, method, path in _SORTS
            if method == self.method and re.fullmatch(path, self.path)
        )


@dataclass(frozen=True)
class Case:
    """One or two calls of one command that go wrong."""

    wrongs: tuple[tuple[Call, str, int], ...]
    world: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the world of the calls."""
        object.__setattr__(self, "world", self.wrongs[0][0].world)

    def __str__(self) -> str:
        """Say it in words."""
        told = (
            f"{fault} x{times} at {call.method} {call.path} #{call.number}"
            for call, fault, times in self.wrongs
        )
        return f"{self.world}: {' and '.join(told)}"

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules of the server."""
        return [
            {**FAULTS[fault], **_which(call), "times": times}
            for call, fault, times in self.wrongs
            if fault != "refused"
        ]

    def step(self) -> dict[str, Any]:
        """Return what the command is told beside its words."""
        found: dict[str, Any] = {}
        if any(fault.startswith("timeout") for _, fault, _ in self.wrongs):
            found["seconds"] = SHORT
        for call, fault, times in self.wrongs:
            if fault == "refused":
                found["refuse"] = {**_which(call), "times": times}
        return found


def _which(call: Call) -> dict[str, Any]:
    return {"method": call.method, "path": call.path, "skip": call.number}


def calls(world: str, requests: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Return the calls of a recorded run."""
    numbers: dict[tuple[str, str], Iterator[int]] = {}
    found = []
    for request in requests:
        path = re.escape(request["path"])
        path = re.sub(r"ftjob\\-\w+|file\\-\w+", r"[\\w-]+", path)
        path = re.sub(r"/models/ft.*", r"/models/ft.*", path)
        key = (request["method"], path)
        found.append(Call(world, *key, next(numbers.setdefault(key, itertools.count()))))
    return found


def cases(recorded: Mapping[str, Sequence[Call]]) -> dict[str, list[Case]]:
    """Return the cases by why they are there: `create`, `pairwise`, `drawn`, `doubled`."""
    every = [call for found in recorded.values() for call in found]
    creates = [call for call in every if call.creates]
    others = [call for call in every if not call.creates]
    found = {
        "create": [Case(((c, fault, 1),)) for c in creates for fault in FAULTS],
        "pairwise": list(_pairwise(others)),
    }
    taken = set(found["pairwise"])
    rest = [
        case
        for c, fault, times in itertools.product(others, FAULTS, TIMES)
        if (case := Case(((c, fault, times),))) not in taken and c.sort != "health"
    ]
    draw = random.Random(SEED)
    found["drawn"] = draw.sample(rest, DRAWN)
    found["doubled"] = [_double(draw, recorded) for _ in range(DOUBLED)]
    return found


def _pairwise(others: Sequence[Call]) -> Iterator[Case]:
    """Each sort of call with each fault; how often alternates, and the calls of a sort take turns.

    With two values for "how often" and more of the others, each pair with it is met as well.
    """
    by_sort: dict[str, list[Call]] = {}
    for call in others:
        by_sort.setdefault(call.sort, []).append(call)
    for at, (_, found) in enumerate(sorted(by_sort.items())):
        turns = itertools.cycle(found)
        for number, fault in enumerate(FAULTS):
            yield Case(((next(turns), fault, TIMES[(at + number) % len(TIMES)]),))


def _double(draw: random.Random, recorded: Mapping[str, Sequence[Call]]) -> Case:
    """One fault at a create and another somewhere else in the same command."""
    world = draw.choice([w for w, found in sorted(recorded.items()) if any(map(_made, found))])
    create = draw.choice([call for call in recorded[world] if call.creates])
    other = draw.choice([call for call in recorded[world] if call != create])
    faults = sorted(FAULTS.keys() - {"refused"})
    return Case(((create, draw.choice(faults), 1), (other, draw.choice(faults), 1)))


def _made(call: Call) -> bool:
    return call.creates
