"""Rows that say the same, and rows that contradict each other: exact comparison of marks."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, Rule, TableRule
from tunectl.data.marks import Marks
from tunectl.data.spec import DataSpec

DUPLICATE_ROW = Rule(
    name="duplicate-row",
    number="D11",
    hint="repeated rows weigh more, and some providers drop them: remove the copies",
    severity=Severity.WARNING,
)
CONFLICTING_TARGETS = Rule(
    name="conflicting-targets",
    number="D13",
    hint="the same input with different answers teaches neither: keep one",
    severity=Severity.WARNING,
)


def repeated(values: array[int]) -> frozenset[int]:
    """The values that stand more than once; sorts a copy, holds no table of all rows."""
    ordered = sorted(values)
    return frozenset(a for a, b in pairwise(ordered) if a == b)


def _duplicate_row(marks: Marks, _: DataSpec) -> Iterator[Finding]:
    twice = repeated(marks.hashes)
    first: dict[tuple[int, int], int] = {}
    for index, hash_ in enumerate(marks.hashes) if twice else ():
        if hash_ in twice:
            # A copy in another split is an overlap, and told as such.
            key = (hash_, marks.of_split[index])
            earlier = first.setdefault(key, index)
            if earlier != index:
                yield Finding(f"the row repeats {marks.place(earlier)}", index=index)


def _conflicting_targets(marks: Marks, _: DataSpec) -> Iterator[Finding]:
    twice = repeated(marks.inputs)
    first: dict[int, int] = {}
    told: set[tuple[int, int]] = set()
    for index, input_ in enumerate(marks.inputs) if twice else ():
        if input_ not in twice:
            continue
        earlier = first.setdefault(input_, index)
        hash_ = marks.hashes[index]
        if hash_ != marks.hashes[earlier] and (input_, hash_) not in told:
            told.add((input_, hash_))
            yield Finding(
                f"the row answers the input of {marks.place(earlier)} differently", index=index
            )


RULES = (
    TableRule(DUPLICATE_ROW, _duplicate_row),
    TableRule(CONFLICTING_TARGETS, _conflicting_targets),
)
