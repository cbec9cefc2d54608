"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tunectl.core.errors import Severity
from tunectl.data.fingerprint import Json, Row
from tunectl.data.marks import Marks
from tunectl.data.spec import DataSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    Attributes:
        text: one line, names in backticks, never the text of the row.
        about: what it speaks of, when findings about different things are to be counted apart.
        index: the row's place among the marks, for rules over the whole dataset; -1 for none.
    """

    text: str
    about: str = ""
    index: int = -1


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


def messages_of(row: Row) -> list[dict[str, Json]]:
    """The messages that are objects; the others are the business of `bad-messages`."""
    messages = row.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
