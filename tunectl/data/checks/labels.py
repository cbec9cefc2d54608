"""Classification: how the answers are spread, and in which order they stand.

Rows count as classification when nearly all answers are short, and few of them differ.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.facts import NO_LABEL, Facts
from tunectl.data.marks import Marks

LABEL_IMBALANCE = Rule(
    name="label-imbalance",
    number="D16",
    hint="add rows of the rare answers, or drop some of the frequent one",
    severity=Severity.WARNING,
    reason="a model scores well by always giving the frequent answer, and learns to",
    threshold=0.5,
)
RARE_LABEL = Rule(
    name="rare-label",
    number="D16",
    hint="add rows with this answer, or correct it where it is a slip",
    severity=Severity.WARNING,
    reason="an answer with fewer than 5 rows, or one in a hundred, is hardly learned",
    threshold=5,
)
ROW_ORDER = Rule(
    name="row-order",
    number="D29",
    hint="shuffle the rows once, with a fixed seed, before they are uploaded",
    severity=Severity.INFO,
    reason="a model that sees what is alike in one go forgets what it saw first",
)

_LEAST_ROWS = 50
_MOST_LABELS = 50
_SHORT_SHARE = 0.98
_RARE_SHARE = 0.01
_SEEN = 10_000  # rows whose lengths are compared: order shows in the first
_SORTED_SHARE = 0.98
_MOVED = 0.5  # of the answers; in random order of 50 rows about 0.1 to 0.2


def is_classification(facts: Facts, rows: int) -> bool:
    """Whether the answers look like labels."""
    labels = len(facts.label_rows)
    return (
        rows >= _LEAST_ROWS
        and 0 < labels <= min(_MOST_LABELS, rows // 5)
        and sum(facts.label_rows) >= _SHORT_SHARE * rows
    )


def _label_imbalance(marks: Marks, context: Context) -> Iterator[Finding]:
    facts = marks.facts
    if facts is None or not is_classification(facts, len(marks)):
        return
    counts = facts.label_rows
    most = max(counts)
    share = most / sum(counts)
    # Of two answers one always has half of the rows.
    limit = context.threshold(LABEL_IMBALANCE)
    if len(counts) == 2:
        limit = (1 + limit) / 2
    if share <= limit:
        return
    what = (
        f"all {most} rows have the same answer"
        if len(counts) == 1
        else f"one of {len(counts)} answers stands in {share:.0%} of the rows"
    )
    yield Finding(what, index=facts.labels.index(counts.index(most)))


def _rare_label(marks: Marks, context: Context) -> Iterator[Finding]:
    facts = marks.facts
    if facts is None or not is_classification(facts, len(marks)):
        return
    rows = sum(facts.label_rows)
    least = context.threshold(RARE_LABEL)
    for label, count in enumerate(facts.label_rows):
        if count < least or count < _RARE_SHARE * rows:
            these = "1 row has" if count == 1 else f"{count} rows have"
            yield Finding(
                f"only {these} this answer, one of {len(facts.label_rows)}",
                index=facts.labels.index(label),
            )


def _row_order(marks: Marks, _: Context) -> Iterator[Finding]:
    """Rows in an order that is not chance; a seeded split takes rows out but keeps their order."""
    facts = marks.facts
    if facts is None:
        return
    if is_classification(facts, len(marks)) and len(facts.label_rows) > 1:
        yield from _labels_order(facts)
    elif found := _lengths_order(facts):
        yield found


def _labels_order(facts: Facts) -> Iterator[Finding]:
    labels = [label for label in facts.labels if label != NO_LABEL]
    changes = sum(1 for a, b in itertools.pairwise(labels) if a != b)
    # In random order nearly every row but for the share of equal neighbours changes the answer.
    equal = sum((count / len(labels)) ** 2 for count in facts.label_rows)
    if changes + 1 <= max(len(facts.label_rows), 0.1 * (1 - equal) * len(labels)):
        yield Finding(
            f"the rows are sorted by their answer: it changes {changes} times in {len(labels)} rows"
        )
        return
    half = len(labels) // 2
    first, second = Counter(labels[:half]), Counter(labels[half:])
    moved = sum(
        abs(first[label] / half - second[label] / (len(labels) - half))
        for label in range(len(facts.label_rows))
    )
    if moved / 2 >= _MOVED:
        yield Finding(
            "the answers of the first half are others than those of the second: "
            f"{moved / 2:.0%} of them would have to move"
        )


def _lengths_order(facts: Facts) -> Finding | None:
    """Rows sorted by how long their answers are."""
    lengths = [length for length in facts.lengths[:_SEEN] if length >= 0]
    steps = [(b > a) - (b < a) for a, b in itertools.pairwise(lengths)]
    up, down = steps.count(1), steps.count(-1)
    if up + down < _LEAST_ROWS or max(up, down) < _SORTED_SHARE * (up + down):
        return None
    return Finding("the rows are sorted by the length of their answers")


RULES = (
    TableRule(LABEL_IMBALANCE, _label_imbalance),
    TableRule(RARE_LABEL, _rare_label),
    TableRule(ROW_ORDER, _row_order),
)
