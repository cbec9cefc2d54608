"""What a shape is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tunectl.core.dataclass import dataclass
from tunectl.data.fingerprint import Json, Row


@dataclass(frozen=True, slots=True)
class Shape:
    """One form rows come in.

    Attributes:
        name: what a person writes as `format:`.
        evidence: what tells it, for people.
        matches: whether a row has this shape, by its keys.
        canonical: makes the canonical row; may take the row apart. None when it is one.
        method: what rows of this shape teach by: `supervised`, `preference`, `reinforcement`.
        parts: cuts an object that holds several rows into one object a row; None where it is one.
        told: what told it in one row, where rows of the shape differ in their keys.
    """

    name: str
    evidence: str
    matches: Callable[[Row], bool]
    canonical: Callable[[Row], Row] | None = None
    method: str = "supervised"
    parts: Callable[[Row], list[Row]] | None = None
    told: Callable[[Row], str] | None = None

    def seen(self, row: Row) -> Shape:
        """The same with what told it in this row."""
        return self if self.told is None else replace(self, evidence=self.told(row))


def message(role: str, content: Json) -> Json:
    """One chat message."""
    return {"role": role, "content": content}


def first_message(row: Row) -> Row | None:
    """The first of `messages`, when there is one and it is an object."""
    messages = row.get("messages")
    if isinstance(messages, list) and messages:
        first = messages[0]
        return first if isinstance(first, dict) else None
    return None
