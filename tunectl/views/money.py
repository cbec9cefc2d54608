"""Estimates of money in words, and as JSON: amounts are rounded here and nowhere else."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from tunectl.core.money import ZERO, Estimate, totals
from tunectl.core.plan import Change, Plan, TokenDelta
from tunectl.views.text import counted, one_line

if TYPE_CHECKING:
    from tunectl.views.money_shapes import Cost, TokenChange

_CENT = Decimal("0.01")
_TRAINED = "tuning_job"


def amount(value: Decimal) -> str:
    """Return `12.40`, and `under 0.01` for what is more than nothing and less than a cent."""
    if ZERO < value < _CENT:
        return "under 0.01"
    return f"{value.quantize(_CENT, ROUND_HALF_EVEN):,}"


def money(estimate: Estimate) -> str:
    """Return `~ 12.40 USD (8.10 to 14.90)`, or `unknown` with the reason."""
    told = "; ".join(one_line(part) for part in estimate.unknown)
    if not estimate.currency:
        return f"unknown ({told})" if told else "nothing"
    text = _known(estimate) if estimate.high or not estimate.idle else ""
    text = " and ".join(part for part in (text, _monthly(estimate)) if part)
    return f"{text}, and unknown: {told}" if told else text


def cost_sentence(change: Change) -> str:
    """Return `training costs ~ 12.40 USD (8.10 to 14.90)`; empty where there is nothing to pay.

    What only lies there, such as a knowledge base, is kept: `keeping it costs 3.04 USD a month`.
    """
    if change.estimate is None:
        return ""
    if change.address.kind != _TRAINED:
        return f"keeping it costs {money(change.estimate)}"
    verb = "reuse saves" if change.saves else "training costs"
    if change.original is not None:
        verb = "copying saves"
    return f"{verb} {money(change.estimate)}"


def token_sentence(change: Change) -> str:
    """Return `12,300 -> 12,950 (+650), training ~ 0.41 USD -> ~ 0.43 USD`; empty for none."""
    if change.tokens is None:
        return ""
    before, after = change.tokens.before, change.tokens.after
    text = f"{_count(before)} -> {_count(after)} ({after[1] - before[1]:+,})"
    if change.estimate is None:
        return text
    costs = (change.tokens.cost, change.estimate)
    was, now = (
        f"~ {amount(one.likely)} {one.currency}" if one.currency else money(one) for one in costs
    )
    return f"{text}, training {was} -> {now}"


def _count(tokens: tuple[int, int, int]) -> str:
    low, likely, high = tokens
    return f"{likely:,}" if low == high else f"~ {likely:,}"


def token_tree(tokens: TokenDelta) -> TokenChange:
    """Return tokens of before and after as JSON."""
    low, likely, high = tokens.before
    least, now, most = tokens.after
    return {
        "before": {"low": low, "likely": likely, "high": high},
        "after": {"low": least, "likely": now, "high": most},
        "cost_before": cost_tree(tokens.cost),
    }


def cost_summary(plan: Plan) -> str:
    """Return `Cost: ~ 12.40 USD (8.10 to 14.90) for training.`, or nothing without costs."""
    spent, saved = _estimates(plan, saved=False), _estimates(plan, saved=True)
    sums = totals(spent).values()
    known = [one for one in sums if one.currency and (one.high or not one.idle)]
    parts = [" + ".join(_known(one) for one in known) + " for training"] if known else []
    if kept := [_monthly(one) for one in sums if one.idle]:
        parts.append(f"{' + '.join(kept)} for keeping")
    unknown = Counter(
        change.address.kind.replace("_", " ")
        for change in plan.changes
        if change.estimate is not None and not change.saves and not change.estimate.known
    )
    if unknown:
        names = " and ".join(counted(number, name) for name, number in unknown.items())
        parts.append(f"unknown for {names}")
    if reused := [one for one in totals(saved).values() if one.currency]:
        parts.append(" + ".join(_known(one) for one in reused) + " saved by reuse")
    return f"Cost: {'; '.join(parts)}." if parts else ""


def cost_tree(estimate: Estimate) -> Cost:
    """Return an estimate as JSON."""
    low, likely, high = (
        str(value.quantize(_CENT, ROUND_HALF_EVEN))
        for value in (estimate.low, estimate.likely, estimate.high)
    )
    made: Cost = {
        "low": low,
        "likely": likely,
        "high": high,
        "currency": estimate.currency,
        "unknown": list(estimate.unknown),
    }
    if estimate.idle:
        made["monthly"] = str(estimate.idle.quantize(_CENT, ROUND_HALF_EVEN))
    return made


def cost_trees(plan: Plan) -> list[Cost]:
    """Return the sums of what a plan costs, one for each currency."""
    return [cost_tree(one) for one in totals(_estimates(plan, saved=False)).values()]


def _known(estimate: Estimate) -> str:
    low, likely, high = map(amount, (estimate.low, estimate.likely, estimate.high))
    spread = f" ({low} to {high})" if low != high else ""
    return f"~ {likely} {estimate.currency}{spread}"


def _monthly(estimate: Estimate) -> str:
    return f"~ {amount(estimate.idle)} {estimate.currency} a month" if estimate.idle else ""


def _estimates(plan: Plan, *, saved: bool) -> list[Estimate]:
    return [
        change.estimate
        for change in plan.changes
        if change.estimate is not None and change.saves == saved
    ]
