"""How much the answers differ from each other, in their words, their beginnings and lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.labels import is_classification
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.marks import Marks
from tunectl.data.targets import Level

SAME_OPENING = Rule(
    name="same-opening",
    number="D28",
    hint="vary how answers begin, or allow it where the beginning is part of the format",
    severity=Severity.WARNING,
    reason="the tuned model begins every answer that way",
    threshold=0.5,
)
FEW_WORDS = Rule(
    name="few-words",
    number="D28",
    hint="add answers that say other things in other words",
    severity=Severity.WARNING,
    reason="answers made of one template teach the template",
    threshold=0.05,
)
ANSWER_LENGTH = Rule(
    name="answer-length",
    number="D09",
    hint="look at the row: a cut answer, a slip, or two answers in one",
    severity=Severity.WARNING,
    reason="very long or very short answers are mostly broken ones",
    level=Level.ALL,
    threshold=3,
    shown=5,
)

_LEAST_ROWS = 50
_LEAST_WORDS = 5_000
# One MAD of normally distributed values is 0.6745 standard deviations.
_MAD = 1.4826


def _same_opening(marks: Marks, context: Context) -> Iterator[Finding]:
    facts = marks.facts
    if facts is None or facts.sampled < _LEAST_ROWS or is_classification(facts, len(marks)):
        return
    most = max(facts.openers.values(), key=lambda one: one.rows, default=None)
    if most is not None and most.rows > context.threshold(SAME_OPENING) * facts.sampled:
        yield Finding(
            f"{most.rows / facts.sampled:.0%} of {facts.sampled} answers begin with the same "
            "five words",
            index=most.first,
        )


def _few_words(marks: Marks, context: Context) -> Iterator[Finding]:
    """Distinct-2: the share of word pairs that are not repetitions."""
    facts = marks.facts
    if facts is None or facts.all_pairs < _LEAST_WORDS or is_classification(facts, len(marks)):
        return
    share = len(facts.pairs) / facts.all_pairs
    if share < context.threshold(FEW_WORDS):
        words = len(facts.words) / facts.all_words
        yield Finding(
            f"of {facts.all_pairs} word pairs in {facts.sampled} answers {share:.1%} differ, "
            f"of the words {words:.1%}"
        )


def _answer_length(marks: Marks, context: Context) -> Iterator[Finding]:
    """Further from the median than so many deviations, in logarithms: lengths are skewed."""
    facts = marks.facts
    if facts is None or is_classification(facts, len(marks)):
        return
    lengths = [length for length in facts.lengths if length > 0]
    if len(lengths) < _LEAST_ROWS:
        return
    from statistics import median  # it brings fractions and random numbers with it

    middle = median(lengths)
    spread = _MAD * median([abs(math.log(length / middle)) for length in lengths])
    far = max(spread * context.threshold(ANSWER_LENGTH), math.log(2))
    low, high = middle * math.exp(-far), middle * math.exp(far)
    for index, length in enumerate(facts.lengths):
        if length > 0 and not low <= length <= high:
            what = "long" if length > middle else "short"
            yield Finding(
                f"the answer is unusually {what}: {length} characters, half of all have "
                f"{middle:.0f} or fewer",
                about=what,
                index=index,
            )


RULES = (
    TableRule(SAME_OPENING, _same_opening),
    TableRule(FEW_WORDS, _few_words),
    TableRule(ANSWER_LENGTH, _answer_length),
)
