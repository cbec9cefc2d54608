"""Rows that are nearly the same, within a split and across two."""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.duplicates import DUPLICATE_ROW, copies
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.marks import Marks
from tunectl.data.sketch import LEAST, Sketch

NEAR_DUPLICATE = Rule(
    name="near-duplicate",
    number="D12",
    hint="keep one of them, or allow it where rows repeat on purpose",
    severity=Severity.WARNING,
    reason="what stands in the data several times weighs several times as much",
)
NEAR_OVERLAP = Rule(
    name="near-overlap",
    number="D21",
    hint="remove the row from one of the splits",
    reason="scores are inflated when nearly the same was asked in training",
)
NEAR_SEARCH = Rule(
    name="near-duplicate-search",
    number="",
    hint="`tunectl dataset check --all` compares all rows",
    severity=Severity.INFO,
    reason="comparing every row with every other takes memory, which is bounded",
)


def _near_duplicate(marks: Marks, context: Context) -> Iterator[Finding]:
    alike = marks.alike
    if alike is None:
        return
    told = -1
    normals = marks.normals or marks.hashes
    copied: frozenset[int] = frozenset()
    if len(alike.later_whole) and context.asks(DUPLICATE_ROW):
        copied = frozenset(index for index, _ in copies(marks))
    for later, earlier in zip(alike.later_whole, alike.earlier_whole, strict=True):
        # An exact copy is told as such, and what lies in two splits as an overlap.
        if (
            later != told
            and later not in copied
            and marks.of_split[later] == marks.of_split[earlier]
            and normals[later] != normals[earlier]
        ):
            told = later
            yield Finding(f"the row is nearly the same as {marks.place(earlier)}", index=later)


def _near_overlap(marks: Marks, context: Context) -> Iterator[Finding]:
    alike = marks.alike
    if alike is None:
        return
    given = context.spec.splits is not None
    told = -1
    for later, earlier in zip(alike.later, alike.earlier, strict=True):
        here, there = marks.of_split[later], marks.of_split[earlier]
        if later == told or here == there or marks.inputs[later] == marks.inputs[earlier]:
            continue
        told = later
        names = (marks.splits[there], marks.splits[here])
        yield Finding(
            f"the row of `{names[1]}` asks nearly the same as one of `{names[0]}`, "
            f"at {marks.place(earlier)}",
            about=f"`{names[0]}` and `{names[1]}`",
            index=later,
            # Rows that were there never move: a row that is like two of them can only be told.
            severity=None if given else Severity.WARNING,
        )


def _near_search(marks: Marks, _: Context) -> Iterator[Finding]:
    alike = marks.alike
    if alike is None or not len(marks):
        return
    if isinstance(alike, Sketch):
        yield Finding(_sampled(alike))
    elif alike.sampled_from >= 0:
        yield Finding(
            f"from {marks.place(alike.sampled_from)} on rows were compared by a sample of their "
            "words: some that are nearly the same may have been missed"
        )


def _sampled(sketch: Sketch) -> str:
    """How rows were compared, and which were not."""
    missed = "some that are nearly the same may have been missed"
    if sketch.unsampled:
        were = "was" if sketch.unsampled == 1 else "were"
        missed = (
            f"{_rows(sketch.unsampled)} with fewer than {LEAST} of their own {were} not compared, "
            f"and of the others {missed}"
        )
    return (
        f"{_rows(sketch.rows)} were compared by samples of their text (content-defined pieces of "
        f"{sketch.piece} bytes, one in about {sketch.every}): {missed}"
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


RULES = (
    TableRule(NEAR_DUPLICATE, _near_duplicate),
    TableRule(NEAR_OVERLAP, _near_overlap),
    TableRule(NEAR_SEARCH, _near_search),
)
