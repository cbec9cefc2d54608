"""What differs between two datasets: counts and places; texts only for those who asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from tunectl.core.plan import RowDelta
from tunectl.data.stats import Stats, TargetStats
from tunectl.data.wording import word_diff
from tunectl.views.dataset_stats import count_text
from tunectl.views.money import cost_tree, money
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.sentences import rows_sentence
from tunectl.views.text import clean, counted, json_text

_SIGNS = {" ": None, "-": Style.REMOVE, "+": Style.ADD}
Content = Mapping[str, object]
_LINES_SHOWN = 5


class Kinds(Protocol):
    """Where rows stand that differ, by what became of them."""

    @property
    def changed(self) -> Sequence[str]: ...  # noqa: D102  # as the class says
    @property
    def added(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def removed(self) -> Sequence[str]: ...  # noqa: D102


def diff_text(
    names: tuple[str, str],
    stats: tuple[Stats, Stats],
    deltas: Sequence[RowDelta],
    places: Mapping[str, Kinds],
    paint: Paint = PLAIN,
) -> str:
    """Return the difference of two datasets in counts, places, tokens and costs.

    Args:
        names: of both, as they were asked for.
        stats: of both.
        deltas: one a split that differs.
        places: of the first rows that were changed, added and removed, by split.
        paint: puts colour.
    """
    before, after = stats
    if not deltas:
        lines = [f"{clean(names[0])} and {clean(names[1])} hold the same rows."]
    else:
        lines = [f"{clean(names[0])} -> {clean(names[1])}"]
        lines += [f"  {_delta(delta, places.get(delta.split))}" for delta in deltas]
        rows = f"{before.rows:,} -> {after.rows:,}" if before.rows != after.rows else ""
        lines += [f"  rows: {rows}"] if rows else []
    for old, new in zip(before.targets, after.targets, strict=True):
        lines += ["", f"  {paint(str(new.target), Style.BOLD)}"]
        lines += [f"    {line}" for line in _target(old, new)]
    return "\n".join(lines)


def _delta(delta: RowDelta, places: Kinds | None) -> str:
    if places is None:  # the rows are the same in another order
        return rows_sentence(delta)
    parts = [
        f"{number:,} {word}{_where(lines, number)}"
        for number, word, lines in (
            (delta.changed, "changed", places.changed),
            (delta.added, "added", places.added),
            (delta.removed, "removed", places.removed),
        )
        if number
    ]
    return f"{clean(delta.split)} {', '.join(parts)}"


def _where(lines: Sequence[str], number: int) -> str:
    shown = [clean(line) for line in lines[:_LINES_SHOWN]]
    if not shown:
        return ""
    more = f" and {number - len(shown)} more" if number > len(shown) else ""
    return f" ({', '.join(shown)}{more})"


def _target(old: TargetStats, new: TargetStats) -> list[str]:
    def moved(what: str, was: str, is_: str) -> str:
        return f"{what}: {is_}" if was == is_ else f"{what}: {was} -> {is_}"

    return [
        moved("tokens", count_text(old.tokens.total), count_text(new.tokens.total)),
        moved("too long", counted(old.tokens.over, "row"), counted(new.tokens.over, "row")),
        moved("epochs", _epochs(old), _epochs(new)),
        moved("training costs", money(old.cost), money(new.cost)),
    ]


def _epochs(found: TargetStats) -> str:
    return "unknown" if found.epochs is None else str(found.epochs)


def diff_tree(
    names: tuple[str, str],
    stats: tuple[Stats, Stats],
    deltas: Sequence[RowDelta],
    places: Mapping[str, Kinds],
) -> dict[str, object]:
    """Return the same as JSON; never the text of a row."""
    before, after = stats
    return {
        "format_version": "1.0",
        "before": {"name": names[0], "rows": before.rows},
        "after": {"name": names[1], "rows": after.rows},
        "equal": not deltas,
        "splits": [
            {
                "split": delta.split,
                "added": delta.added,
                "removed": delta.removed,
                "changed": delta.changed,
                "lines": {
                    kind: list(getattr(places.get(delta.split), kind, ()))
                    for kind in ("changed", "added", "removed")
                },
            }
            for delta in deltas
        ],
        "targets": [
            {
                "provider": new.target.provider,
                "model": new.target.model,
                "tokens": {"before": _likely(old), "after": _likely(new)},
                "cost": {"before": cost_tree(old.cost), "after": cost_tree(new.cost)},
            }
            for old, new in zip(before.targets, after.targets, strict=True)
        ],
    }


def _likely(found: TargetStats) -> dict[str, int]:
    total = found.tokens.total
    return {"low": total.low, "likely": total.likely, "high": total.high}


def row_text(
    place: str, before: Content | None, after: Content | None, paint: Paint = PLAIN
) -> str:
    """Return one row that differs, word by word. For a person's screen and nothing else."""
    sign, style = ("~", Style.CHANGE) if before and after else ("+", Style.ADD)
    if after is None:
        sign, style = "-", Style.REMOVE
    lines = [f"{paint(sign, style)} {clean(place)}"]
    old, new = dict(_texts(before)), dict(_texts(after))
    for name in dict.fromkeys((*old, *new)):
        was, is_ = old.get(name, ""), new.get(name, "")
        if was != is_ or before is None or after is None:
            lines.append(f"    {name}: {_words(was, is_, paint)}")
    return "\n".join(lines)


def _words(old: str, new: str, paint: Paint) -> str:
    """The words; without colour what is gone and what is new stand in brackets, as git does it."""
    parts = []
    for sign, text in word_diff(clean(old), clean(new)):
        shown = text.replace("\n", "\\n")
        if sign != " " and not paint.color:
            shown = f"[-{shown}-]" if sign == "-" else f"{{+{shown}+}}"
        parts.append(paint(shown, _SIGNS[sign]))
    return "".join(parts)


def _texts(row: Content | None) -> Iterator[tuple[str, str]]:
    """The texts of a row by where they stand; other values as JSON."""
    for key, value in (row or {}).items():
        if key in {"messages", "preferred_output", "non_preferred_output"}:
            yield from _messages(key, value)
        elif key == "input" and isinstance(value, dict):
            yield from ((f"input.{name}", text) for name, text in _texts(value))
        else:
            yield key, value if isinstance(value, str) else json_text(value)


def _messages(key: str, value: object) -> Iterator[tuple[str, str]]:
    for index, message in enumerate(value if isinstance(value, list | tuple) else ()):
        one = message if isinstance(message, dict) else {"content": message}
        content = one.get("content")
        text = content if isinstance(content, str) else json_text(content)
        rest = {k: v for k, v in one.items() if k not in {"role", "content"}}
        more = f" {json_text(rest)}" if rest else ""
        yield f"{key}[{index}] {clean(str(one.get('role', '')))}".rstrip(), text + more
