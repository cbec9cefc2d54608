"""What a change of a prompt template does to its tokens, its examples and its price.

Law: counts and hashes only; no text of a row of examples is in it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tunectl.core.dataclass import dataclass

Count = tuple[int, int, int]
"""Tokens: at least, likely, at most."""

NO_TOKENS: Count = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDelta:
    """How one section, or one included file, changed.

    Attributes:
        id: of the section; of a file, its path.
        before: its tokens as they were; nothing for a new one, None where nobody knows.
        after: its tokens as they will be; nothing for one that is removed.
        added: examples that were not shown before; None where nobody knows, or of words.
        removed: examples that are shown no longer.
        kept: examples that stay.
    """

    id: str
    before: Count | None = NO_TOKENS
    after: Count | None = NO_TOKENS
    added: int | None = None
    removed: int | None = None
    kept: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptDelta:
    """How a prompt changed.

    Attributes:
        sections: those that changed, in their order.
        price: of a million tokens of a question, None where nobody says it.
        currency: its code; empty where it is free or not known.
        unknown: why the price is not known; empty where it is.
    """

    sections: tuple[SectionDelta, ...] = ()
    price: Decimal | None = None
    currency: str = ""
    unknown: str = ""

    @property
    def more(self) -> Count | None:
        """How many tokens more (less: negative), at least, likely, at most; None for unknown."""
        low = likely = high = 0
        for one in self.sections:
            if one.before is None or one.after is None:
                return None
            low += one.after[0] - one.before[2]
            likely += one.after[1] - one.before[1]
            high += one.after[2] - one.before[0]
        return low, likely, high

    @property
    def exact(self) -> bool:
        """Whether every count is one number."""
        counts = [count for one in self.sections for count in (one.before, one.after)]
        return all(count is not None and count[0] == count[2] for count in counts)

    @property
    def per_thousand(self) -> Decimal | None:
        """What a thousand calls cost more (less: negative), None where that is not known."""
        more = self.more
        if more is None or self.price is None:
            return None
        return self.price * more[1] * 1000 / 1_000_000


def delta_to_tree(delta: PromptDelta) -> dict[str, Any]:
    """Return it as JSON."""
    return {
        "sections": [
            {
                "id": one.id,
                "before": list(one.before) if one.before else one.before,
                "after": list(one.after) if one.after else one.after,
                "added": one.added,
                "removed": one.removed,
                "kept": one.kept,
            }
            for one in delta.sections
        ],
        "price": None if delta.price is None else str(delta.price),
        "currency": delta.currency,
        "unknown": delta.unknown,
    }


def delta_from_tree(tree: dict[str, Any]) -> PromptDelta:
    """Return what `delta_to_tree` wrote."""
    return PromptDelta(
        sections=tuple(
            SectionDelta(
                id=one["id"],
                before=_three(one["before"]),
                after=_three(one["after"]),
                added=one["added"],
                removed=one["removed"],
                kept=one["kept"],
            )
            for one in tree["sections"]
        ),
        price=None if tree["price"] is None else Decimal(tree["price"]),
        currency=tree["currency"],
        unknown=tree["unknown"],
    )


def _three(numbers: list[int] | None) -> Count | None:
    return (numbers[0], numbers[1], numbers[2]) if numbers is not None else None
