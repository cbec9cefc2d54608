"""Rows that say the same, and rows that contradict each other: exact comparison of marks."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.marks import Marks
from tunectl.data.targets import REINFORCEMENT, SUPERVISED

DUPLICATE_ROW = Rule(
    name="duplicate-row",
    number="D11",
    hint="remove the copies",
    severity=Severity.WARNING,
    reason="repeated rows weigh more, and some providers drop them, so that rows may get too few",
)
CONFLICTING_TARGETS = Rule(
    name="conflicting-targets",
    number="D13",
    hint="keep one",
    severity=Severity.WARNING,
    reason="the same input with different answers teaches neither",
    # Of one question there may be many pairs of answers.
    methods=(SUPERVISED, REINFORCEMENT),
)

MANY = 10_000


def repeated(values: array[int]) -> frozenset[int]:
    """The values that stand more than once; sorts a copy, holds no table of all rows."""
    if len(values) > MANY:  # as numbers of Python they would take five times the memory
        import numpy as np

        column = np.sort(np.frombuffer(values, values.typecode))
        again = column[1:][column[1:] == column[:-1]]
        # Rising: of equal ones the first is kept, without `np.unique`, which imports much more.
        return frozenset(again[np.diff(again, prepend=again[:1] - 1) != 0].tolist())
    ordered = sorted(values)
    return frozenset(a for a, b in pairwise(ordered) if a == b)


def copies(marks: Marks) -> Iterator[tuple[int, int]]:
    """The rows that repeat another of their split but for spelling, each with the first of them."""
    normals = marks.normals or marks.hashes
    twice = repeated(normals)
    first: dict[tuple[int, int], int] = {}
    for index, normal in enumerate(normals) if twice else ():
        if normal in twice:
            # A copy in another split is an overlap, and told as such.
            key = (normal, marks.of_split[index])
            earlier = first.setdefault(key, index)
            if earlier != index:
                yield index, earlier


def _duplicate_row(marks: Marks, _: Context) -> Iterator[Finding]:
    for index, earlier in copies(marks):
        exact = marks.hashes[index] == marks.hashes[earlier]
        but = "" if exact else " but for white space or composed letters"
        yield Finding(f"the row repeats {marks.place(earlier)}{but}", index=index)


def _conflicting_targets(marks: Marks, _: Context) -> Iterator[Finding]:
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
