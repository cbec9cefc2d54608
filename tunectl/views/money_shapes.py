"""The shapes of costs and tokens in JSON; what shows a plan to a person needs none of them."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class Cost(TypedDict):
    """What something costs: decimal text in `currency`, rounded to a hundredth.

    `unknown` lists the parts whose cost nobody knows; the amounts leave them out. `monthly` is what
    comes again each month though nobody uses it, where that is something.
    """

    low: str
    likely: str
    high: str
    currency: str
    unknown: list[str]
    monthly: NotRequired[str]


class TokenCount(TypedDict):
    """Tokens of one pass over the training rows: at least, likely, at most."""

    low: int
    likely: int
    high: int


class TokenChange(TypedDict):
    """Tokens before and after rows changed, and what training on those of before would cost now."""

    before: TokenCount
    after: TokenCount
    cost_before: Cost
