"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tunectl.core.errors import Severity
from tunectl.data.fingerprint import Json, Row
from tunectl.data.marks import Marks
from tunectl.data.spec import DataSpec
from tunectl.data.targets import Level, Target


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the rows.

    Attributes:
        spec: the dataset as declared.
        targets: for whom it is checked; none when that is not known.
        level: how much is looked at.
    """

    spec: DataSpec
    targets: tuple[Target, ...] = ()
    level: Level = Level.DEFAULT


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    Attributes:
        text: one line, names in backticks, never the text of the row.
        about: what it speaks of, when findings about different things are to be counted apart.
        index: the row's place among the marks, for rules over the whole dataset; -1 for none.
        severity: where it differs from the rule's own, for a provider or a policy.
    """

    text: str
    about: str = ""
    index: int = -1
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        name: what a person writes under `checks: {allow: …}`.
        number: the same in short (`D11`); empty when it has none.
        hint: what to do.
        shown: how many findings are shown one by one before they are counted.
    """

    name: str
    number: str
    hint: str
    severity: Severity = Severity.ERROR
    shown: int = 10


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule that one row breaks by itself."""

    rule: Rule
    check: Callable[[Row], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class TableRule:
    """A rule over all rows, of which only the marks are left."""

    rule: Rule
    check: Callable[[Marks, DataSpec], Iterator[Finding]]


class Gatherer(Protocol):
    """What a rule remembers of the rows that went by; its memory must have a stated bound."""

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:
        """See the next row: its place among the marks, its split, and its canonical bytes."""
        ...

    def findings(self, marks: Marks) -> Iterator[Finding]:
        """Say what is broken, once all rows went by and the marks are sealed."""
        ...


@dataclass(frozen=True, slots=True)
class GatheringRule:
    """A family of one rule over all rows that needs more of them than their marks.

    Attributes:
        start: makes the gatherer of one pass; None when there is nothing to look for in it.
    """

    rule: Rule
    start: Callable[[Context], Gatherer | None]


def messages_of(row: Row) -> list[dict[str, Json]]:
    """The messages that are objects; the others are the business of `bad-messages`."""
    messages = row.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
