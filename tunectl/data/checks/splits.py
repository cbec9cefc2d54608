"""Splits that hold something, and nothing of each other."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.duplicates import MANY, repeated
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.marks import NO_GROUP, Marks
from tunectl.data.spec import TRAIN
from tunectl.data.split import rows_needed

SPLIT_OVERLAP = Rule(
    name="split-overlap",
    number="D21",
    hint="remove it from one of them",
    reason="scores are inflated when a split holds what was trained on",
)
GROUP_OVERLAP = Rule(
    name="group-overlap",
    number="D21",
    hint="group by more, or allow it",
    severity=Severity.WARNING,
    reason="another group asked the same and lies in another split, so scores are inflated",
)
GROUP_LEAK = Rule(
    name="group-leak",
    number="D21",
    hint="move all rows of the group into one of them, or divide one file by `split: {group: …}`",
    reason="what one user writes is alike, so scores are inflated when training holds some of it",
)
EMPTY_SPLIT = Rule(
    name="empty-split",
    number="",
    hint="add rows, enlarge the fraction, or try another `seed`",
    reason="a split that holds nothing can neither be trained on nor score anything",
)
MISSING_GROUP = Rule(
    name="missing-group",
    number="",
    hint="give every row its group, or drop `group:`",
    reason="a row without a group may land beside rows of the same user in another split",
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


def _split_overlap(marks: Marks, context: Context) -> Iterator[Finding]:
    if context.spec.splits is not None:
        yield from _overlap(marks)


def _group_overlap(marks: Marks, context: Context) -> Iterator[Finding]:
    divided = context.spec.divided
    if divided is not None and divided.group is not None:
        yield from _overlap(marks)


def _group_leak(marks: Marks, context: Context) -> Iterator[Finding]:
    """One finding for each further split that a group stands in, at its first row there."""
    group = context.spec.group
    if context.spec.splits is None or group is None:
        return
    leaked = _in_two_splits(marks)
    first: dict[int, int] = {}
    told: dict[tuple[int, int], list[int]] = {}
    for index, value in enumerate(marks.groups) if leaked else ():
        if value in leaked:
            earlier = first.setdefault(value, index)
            here = marks.of_split[index]
            if here != marks.of_split[earlier]:
                told.setdefault((value, here), [index, 0])[1] += 1
    for (value, here), (index, count) in told.items():
        earlier = first[value]
        names = (marks.splits[marks.of_split[earlier]], marks.splits[here])
        rows = "a row" if count == 1 else f"{count:,} rows"
        yield Finding(
            f"{rows} of `{names[1]}` and {marks.place(earlier)} of `{names[0]}` have the same "
            f"`{group}`",
            about=f"`{names[0]}` and `{names[1]}`",
            index=index,
        )


def _in_two_splits(marks: Marks) -> frozenset[int]:
    """The groups with rows in more than one split."""
    each = array("Q")
    if len(marks) > MANY:
        import numpy as np

        groups = np.frombuffer(marks.groups, marks.groups.typecode)
        places = np.frombuffer(marks.of_split, marks.of_split.typecode)
        for split in range(len(marks.splits)):
            each.frombytes(np.unique(groups[places == split]).tobytes())
    else:
        for _, value in set(zip(marks.of_split, marks.groups, strict=True)):
            each.append(value)
    return repeated(each) - {NO_GROUP}


def _empty_split(marks: Marks, context: Context) -> Iterator[Finding]:
    divided = context.spec.divided
    if divided is None:
        return
    filled = set(marks.of_split)
    group = divided.group
    distinct = len(set(marks.groups if group else marks.inputs))
    rest = 1.0 - sum(f for name, f in divided.fractions.items() if name != TRAIN)
    for index, name in enumerate(marks.splits):
        if index in filled:
            continue
        fraction = rest if name == TRAIN else divided.fractions[name]
        what = f"different values of `{group}`" if group else "different inputs"
        yield Finding(
            f"the split `{name}` ({fraction:.4g} of the rows) gets none: it needs about "
            f"{rows_needed(fraction)} {what}, there are {distinct}"
        )


RULES = (
    TableRule(SPLIT_OVERLAP, _split_overlap),
    TableRule(GROUP_OVERLAP, _group_overlap),
    TableRule(GROUP_LEAK, _group_leak),
    TableRule(EMPTY_SPLIT, _empty_split),
)
