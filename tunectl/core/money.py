"""What something is estimated to cost: arithmetic on ranges of money, and nothing else.

Laws: an amount that is not known is never counted as nothing: it stays beside the known ones, with
what it is that nobody knows. Amounts of two currencies are never added. What is free has no
currency, so it adds to any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tunectl.core.dataclass import dataclass

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A range of money for one thing, or for many.

    Attributes:
        low: at least so much, in `currency`, of what is known.
        likely: the best guess; between `low` and `high`.
        high: at most so much.
        idle: how much of it comes again each month though nobody uses it.
        currency: its code, such as `USD`; empty when everything known is free.
        unknown: the parts whose cost is not known, one sentence part each; the amounts leave them
            out.
    """

    low: Decimal = ZERO
    likely: Decimal = ZERO
    high: Decimal = ZERO
    idle: Decimal = ZERO
    currency: str = ""
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not ZERO <= self.low <= self.likely <= self.high or self.idle < ZERO:
            raise ValueError(f"not a range of money: {self.low}, {self.likely}, {self.high}")
        if not self.currency and (self.high or self.idle):
            raise ValueError("an amount of money needs a currency")

    @property
    def known(self) -> bool:
        """Whether all of it is known."""
        return not self.unknown

    @property
    def free(self) -> bool:
        """Whether it is known to cost nothing."""
        return self.known and not self.high and not self.idle

    def __add__(self, other: Estimate) -> Estimate:
        """Both together.

        Raises:
            ValueError: they are in different currencies.
        """
        if self.currency and other.currency and self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Estimate(
            low=self.low + other.low,
            likely=self.likely + other.likely,
            high=self.high + other.high,
            idle=self.idle + other.idle,
            currency=self.currency or other.currency,
            unknown=tuple(dict.fromkeys((*self.unknown, *other.unknown))),
        )

    def times(self, factor: int | Decimal) -> Estimate:
        """So many of it.

        Raises:
            ValueError: the factor is negative.
        """
        if factor < 0:
            raise ValueError("money cannot be taken a negative number of times")
        return Estimate(
            low=self.low * factor,
            likely=self.likely * factor,
            high=self.high * factor,
            idle=self.idle * factor,
            currency=self.currency,
            unknown=self.unknown,
        )


FREE = Estimate()


def unknown(part: str) -> Estimate:
    """Return the estimate of a thing whose cost is not known, with what is missing."""
    return Estimate(unknown=(part,))


def totals(estimates: Iterable[Estimate]) -> Mapping[str, Estimate]:
    """Return the sums by currency; what is free or not known at all stands under `""`.

    Where there is one currency, everything stands under it.
    """
    sums: dict[str, Estimate] = {}
    for one in estimates:
        sums[one.currency] = sums.get(one.currency, FREE) + one
    priced = [currency for currency in sums if currency]
    if len(priced) == 1 and "" in sums:
        sums[priced[0]] += sums.pop("")
    return sums


def estimate_to_tree(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as a JSON tree; amounts are decimal text, which loses nothing."""
    return {
        "low": str(estimate.low),
        "likely": str(estimate.likely),
        "high": str(estimate.high),
        "idle": str(estimate.idle),
        "currency": estimate.currency,
        "unknown": list(estimate.unknown),
    }


def estimate_from_tree(tree: Mapping[str, Any]) -> Estimate:
    """Return the estimate of a JSON tree.

    Raises:
        KeyError, TypeError, ValueError: the tree is not an estimate.
    """
    try:
        low, likely, high, idle = (Decimal(tree[n]) for n in ("low", "likely", "high", "idle"))
    except ArithmeticError as error:
        raise ValueError("not an amount of money") from error
    return Estimate(
        low=low,
        likely=likely,
        high=high,
        idle=idle,
        currency=tree["currency"],
        unknown=tuple(tree["unknown"]),
    )
