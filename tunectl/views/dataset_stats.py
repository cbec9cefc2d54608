"""A dataset in numbers: for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.data.stats import Spread, Stats, TargetStats
from tunectl.data.tokens import Count
from tunectl.views.money import cost_tree, money
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, counted


def stats_text(name: str, found: Stats, paint: Paint = PLAIN) -> str:
    """Return the numbers of one dataset."""
    lines = [
        (
            f"{paint(clean(name), Style.BOLD)}: {counted(found.rows, 'row')} of `{found.shape}`: "
            f"{clean(found.evidence)}"
        ),
        *_splits(found),
        f"  messages a row: {_spread(found.turns)}",
        f"  roles: {_tally(found.roles)}",
        f"  scripts: {_tally(found.scripts)}",
    ]
    if found.with_tools:
        lines.append(f"  with tools: {counted(found.with_tools, 'row')}")
    if found.with_images:
        lines.append(f"  with images: {counted(found.with_images, 'row')}")
    for target in found.targets:
        lines += ["", f"  {paint(str(target.target), Style.BOLD)}, split `{found.trained}`"]
        lines += [f"    {line}" for line in _target(target)]
    return "\n".join(lines)


def _splits(found: Stats) -> list[str]:
    if len(found.splits) < 2:
        return []
    rows = (f"{name} {split.rows:,}" for name, split in found.splits.items())
    return [f"  splits: {', '.join(rows)}"]


def _spread(found: Spread) -> str:
    return f"half up to {found.p50:,}, 95% up to {found.p95:,}, longest {found.most:,}"


def _tally(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{clean(name)} {number:,}" for name, number in counts.items()) or "none"


def _target(found: TargetStats) -> list[str]:
    tokens = found.tokens
    how = f"counted with `{found.vocabulary}`" if found.vocabulary else "bounds for any vocabulary"
    if found.vocabulary and not found.exact:
        how = f"estimated from `{found.vocabulary}`"
    lines = [
        f"tokens: {count_text(tokens.total)} ({how})",
        (
            f"tokens a row: half up to {tokens.p50:,}, 95% up to {tokens.p95:,}, "
            f"longest {tokens.longest:,}"
        ),
        _limit(found),
        f"epochs: {'unknown' if found.epochs is None else found.epochs}",
        f"training costs {money(found.cost)}",
    ]
    return [line for line in lines if line]


def _limit(found: TargetStats) -> str:
    if found.limit is None:
        return "limit a row: unknown"
    tokens = found.tokens
    what = "cut at the end" if found.effect == "cut" else "left out"
    text = f"limit a row: {found.limit:,}, {counted(tokens.over, 'row')} would be {what}"
    return text + (f", {tokens.maybe_over:,} more perhaps" if tokens.maybe_over else "")


def count_text(count: Count) -> str:
    """Return `1,234`, or `~ 1,234 (1,100 to 1,400)` where it is not exact."""
    if count.exact:
        return f"{count.likely:,}"
    return f"~ {count.likely:,} ({count.low:,} to {count.high:,})"


def stats_tree(name: str, found: Stats) -> dict[str, object]:
    """Return the same as JSON."""
    return {
        "name": name,
        "shape": found.shape,
        "evidence": found.evidence,
        "method": found.method,
        "rows": found.rows,
        "bytes": found.bytes,
        "splits": {n: {"rows": s.rows, "bytes": s.bytes} for n, s in found.splits.items()},
        "messages": {
            "p50": found.turns.p50,
            "p95": found.turns.p95,
            "longest": found.turns.most,
        },
        "roles": dict(found.roles),
        "scripts": dict(found.scripts),
        "with_tools": found.with_tools,
        "with_images": found.with_images,
        "trained": found.trained,
        "targets": [_target_tree(target) for target in found.targets],
    }


def _target_tree(found: TargetStats) -> dict[str, object]:
    tokens = found.tokens
    return {
        "provider": found.target.provider,
        "model": found.target.model,
        "method": found.target.method,
        "vocabulary": found.vocabulary or None,
        "exact": found.exact,
        "limit": found.limit,
        "effect": found.effect or None,
        "tokens": {
            "total": _count_tree(tokens.total),
            "billed": _count_tree(tokens.billed),
            "p50": tokens.p50,
            "p95": tokens.p95,
            "longest": tokens.longest,
            "over": tokens.over,
            "maybe_over": tokens.maybe_over,
        },
        "epochs": found.epochs,
        "cost": cost_tree(found.cost),
    }


def _count_tree(count: Count) -> dict[str, int]:
    return {"low": count.low, "likely": count.likely, "high": count.high}
