"""What a cloud is asked and answers, without a word of HTTP's machinery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        path: as it came, still percent-encoded, without the query.
        query: the pairs in order, decoded.
        headers: by lower-case name.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def param(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def json(self) -> Any:  # noqa: ANN401  # JSON is of any type
        """Return the body as JSON; None when there is none.

        Raises:
            ValueError: it is something else.
        """
        return orjson.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. `pieces` are sent one by one (a stream) instead of `body`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Answered:
        """Return an answer in JSON; header names are written with `_` for `-`."""
        named = {key.replace("_", "-"): text for key, text in headers.items()}
        return cls(status, orjson.dumps(value), {"content-type": "application/json", **named})


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that is there.

    Attributes:
        kind: what it is called there: `endpoint`, `tuning job`, `object`.
        name: its id or path.
        record: it stays for ever, bills nothing and cannot be deleted.
        bills: what it costs while nobody uses it, in words; empty when nothing.
    """

    kind: str
    name: str
    record: bool = False
    bills: str = ""


class Cloud(Protocol):
    """One service: everything it keeps, and its wire."""

    @property
    def name(self) -> str:
        """What it is called in reports: `vertex`."""
        ...

    def answer(self, asked: Asked) -> Answered:
        """Answer one request; it is never called twice at once.

        What is refused is answered as the service refuses it: nothing is raised.
        """
        ...

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in the service's own shape, for faults that were ordered."""
        ...

    def left(self) -> Iterable[Left]:
        """Yield everything that is there now."""
        ...
