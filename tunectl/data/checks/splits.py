"""Splits that hold something, and nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.duplicates import repeated
from tunectl.data.checks.rule import Finding, Rule, TableRule
from tunectl.data.marks import Marks
from tunectl.data.spec import TRAIN, DataSpec
from tunectl.data.split import rows_needed

SPLIT_OVERLAP = Rule(
    name="split-overlap",
    number="D21",
    hint="scores are inflated when a split holds what was trained on: remove it from one of them",
)
GROUP_OVERLAP = Rule(
    name="group-overlap",
    number="D21",
    hint="another group asked the same and lies in another split: group by more, or allow it",
    severity=Severity.WARNING,
)
EMPTY_SPLIT = Rule(
    name="empty-split", number="", hint="add rows, enlarge the fraction, or try another `seed`"
)
MISSING_GROUP = Rule(
    name="missing-group",
    number="",
    hint="give every row its group, or drop `group:`",
    shown=3,
)


def _overlap(marks: Marks) -> Iterator[Finding]:
    twice = repeated(marks.inputs)
    first: dict[int, int] = {}
    for index, input_ in enumerate(marks.inputs) if twice else ():
        if input_ not in twice:
            continue
        earlier = first.setdefault(input_, index)
        here, there = marks.of_split[index], marks.of_split[earlier]
        if here == there:
            continue
        names = (marks.splits[there], marks.splits[here])
        what = "row" if marks.hashes[index] == marks.hashes[earlier] else "input"
        yield Finding(
            f"the {what} of `{names[1]}` stands in `{names[0]}` too, at {marks.place(earlier)}",
            about=f"`{names[0]}` and `{names[1]}`",
            index=index,
        )


def _split_overlap(marks: Marks, spec: DataSpec) -> Iterator[Finding]:
    if spec.splits is not None:
        yield from _overlap(marks)


def _group_overlap(marks: Marks, spec: DataSpec) -> Iterator[Finding]:
    if spec.split is not None and spec.split.group is not None:
        yield from _overlap(marks)


def _empty_split(marks: Marks, spec: DataSpec) -> Iterator[Finding]:
    if spec.split is None:
        return
    filled = set(marks.of_split)
    group = spec.split.group
    distinct = len(set(marks.groups if group else marks.inputs))
    rest = 1.0 - sum(f for name, f in spec.split.fractions.items() if name != TRAIN)
    for index, name in enumerate(marks.splits):
        if index in filled:
            continue
        fraction = rest if name == TRAIN else spec.split.fractions[name]
        what = f"different values of `{group}`" if group else "different inputs"
        yield Finding(
            f"the split `{name}` ({fraction:.4g} of the rows) gets none: it needs about "
            f"{rows_needed(fraction)} {what}, there are {distinct}"
        )


RULES = (
    TableRule(SPLIT_OVERLAP, _split_overlap),
    TableRule(GROUP_OVERLAP, _group_overlap),
    TableRule(EMPTY_SPLIT, _empty_split),
)
