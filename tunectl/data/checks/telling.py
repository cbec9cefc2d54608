"""Numbers that tell the answer: an id in the question from which the label can be read off.

A model learns such a number instead of the question (cleanlab calls it an identifier column). It is
looked for in classification alone: where answers are labels, a number that nearly every row has and
that differs from row to row should say nothing about them.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from tunectl.core.errors import Severity
from tunectl.data.checks.labels import is_classification
from tunectl.data.checks.rule import Context, Finding, Gatherer, GatheringRule, Rule
from tunectl.data.checks.sampling import Sample
from tunectl.data.checks.texts import question_of
from tunectl.data.facts import LABEL_CHARS, NO_LABEL
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.pattern import regex

TELLING_ID = Rule(
    name="telling-id",
    number="D27",
    hint="take the number out of the questions, or shuffle how numbers are given",
    reason="a model learns to read the answer off the number, and fails on numbers it never saw",
    severity=Severity.WARNING,
)
# `#17`, `id: 17`, `"id": 17`, `nr 17`, `ABC-17`, and a number that begins the question.
_ID = regex(
    r"(?:#|№|\b(?:id|nr|no|row|number|numer|wiersz|zgłoszenie|ticket|case|номер|заявка|строка)\b"
    r"[\"'’.:=\s#№-]{0,4})(?P<named>\d{1,12})(?!\d)"
    r"|\b(?P<prefix>[^\W\d_]{1,8})-(?P<coded>\d{2,12})\b"
    r"|^\s*(?P<first>\d{1,9})\s*[.):;,|\t-]",
    re.IGNORECASE,
)
_CHARS = 300  # of a question that are looked at
_LOOKED_AT = Sample(5_000)
_LEAST_ROWS = 50
_HAVE, _DIFFER = 0.8, 0.8  # the share of rows with a number, and of different ones among them
_TELLS, _LEAST_GAIN = 0.95, 0.2  # how often the label follows, and how much oftener than by chance


class _Ids:
    """Remembers the number of each question it looks at, at most about one in 32 of many."""

    def __init__(self) -> None:
        self._ids: list[tuple[int, str, int]] = []
        self._looked = 0

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        """See the next row."""
        if not _LOOKED_AT.holds(index):
            return
        self._looked += 1
        found = _ID.search(question_of(row)[:_CHARS])
        if found is not None:
            digits = found["named"] or found["coded"] or found["first"]
            self._ids.append((index, (found["prefix"] or "").lower(), int(digits)))

    def wanted(
        self,
        index: int,
        split: int,  # noqa: ARG002
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],
    ) -> list[int]:
        """Choose rows whose answers may be labels."""
        among = _LOOKED_AT.among(index, len(answers))
        return [at for at in among if len(answers[at]) <= LABEL_CHARS]

    def findings(self, marks: Marks) -> Iterator[Finding]:
        """Say once how the number tells the label."""
        facts = marks.facts
        if facts is None or not is_classification(facts, len(marks)):
            return
        known = [(*one, facts.labels[one[0]]) for one in self._ids]
        known = [one for one in known if one[3] != NO_LABEL]
        labels = [label for *_, label in known]
        numbers = {(prefix, number) for _, prefix, number, _ in known}
        if (
            len(known) < max(_LEAST_ROWS, _HAVE * self._looked)
            or len(numbers) < _DIFFER * len(known)
            or len(set(labels)) < 2
        ):
            return
        how = _told_by(known)
        if how:
            yield Finding(f"the number in the questions tells the answer: {how}", index=known[0][0])


def _told_by(known: Sequence[tuple[int, str, int, int]]) -> str:
    """How the label follows from the number; empty where it does not."""
    labels = [label for *_, label in known]
    chance = Counter(labels).most_common(1)[0][1] / len(labels)
    ranked = [label for *_, label in sorted(known, key=lambda one: (one[1], one[2]))]
    changes = sum(a != b for a, b in itertools.pairwise(ranked))
    expected = len(labels) * (1 - sum((n / len(labels)) ** 2 for n in Counter(labels).values()))
    if changes <= 0.1 * expected:
        return f"in its order the answer changes {changes} times in {len(labels)} rows"
    for what, keys in (
        ("what stands before it", [prefix for _, prefix, _, _ in known]),
        ("its last digit", [number % 10 for _, _, number, _ in known]),
        ("how many digits it has", [len(str(number)) for _, _, number, _ in known]),
    ):
        share = _predicted(keys, labels)
        if share >= _TELLS and share >= chance + _LEAST_GAIN:
            return f"from {what} it follows in {share:.0%} of {len(labels)} rows"
    return ""


def _predicted(keys: Sequence[Hashable], labels: Sequence[int]) -> float:
    """In which share of the rows the label is the most frequent one of their key."""
    of: dict[Hashable, Counter[int]] = {}
    for key, label in zip(keys, labels, strict=True):
        of.setdefault(key, Counter())[label] += 1
    return sum(counts.most_common(1)[0][1] for counts in of.values()) / len(labels)


def _ids(_: Context) -> Gatherer:
    return _Ids()


GATHERING = (GatheringRule(TELLING_ID, _ids),)
