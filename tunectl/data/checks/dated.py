"""The order of rows whose questions name dates: sorted by them, one season is learned last."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tunectl.data.checks.labels import ROW_ORDER
from tunectl.data.checks.rule import Context, Finding, Gatherer, GatheringRule
from tunectl.data.checks.sampling import Sample
from tunectl.data.checks.texts import question_of
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.pattern import regex

_MONTHS = {
    stem: month
    for month, stems in enumerate(
        (
            "jan sty янв", "feb lut фев", "mar мар", "apr kwi апр", "may maj мая май",
            "jun cze июн", "jul lip июл", "aug sie авг", "sep wrz сен", "oct paź окт",
            "nov lis ноя", "dec gru дек",
        ),
        1,
    )
    for stem in stems.split()
}  # fmt: skip
_MONTH = rf"(?:{'|'.join(_MONTHS)})[^\W\d_]{{0,9}}"
_DATE = regex(
    r"(?<!\d)(?:(?P<y>[12]\d{3})(?P<s>[-/.])(?P<m>\d\d)(?P=s)(?P<d>\d\d)"
    r"|(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?P<y2>[12]\d{3})"
    rf"|(?P<d3>\d{{1,2}})\.?\s(?P<m3>{_MONTH})\.?,?\s(?P<y3>[12]\d{{3}})"
    rf"|(?<![^\W\d_])(?P<m4>{_MONTH})\.?\s(?P<d4>\d{{1,2}}),?\s(?P<y4>[12]\d{{3}}))(?!\d)",
    re.IGNORECASE,
)
_YEAR = regex(r"[12]\d{3}")  # in every date, and found many times faster than one
_CHARS = 1_000  # of a question that are looked at
_LOOKED_AT = Sample(200, 128)  # order shows in some of the rows
_LEAST_ROWS, _LEAST_DATES = 50, 5
_DATED_SHARE, _SORTED_SHARE = 0.8, 0.98


class _Dates:
    """Remembers the first date of the questions it looks at: the first 200, then one of 128."""

    def __init__(self) -> None:
        self._dates: list[int] = []
        self._looked = 0

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        """See the next row."""
        if not _LOOKED_AT.holds(index):
            return
        self._looked += 1
        if date := first_date(question_of(row)):
            self._dates.append(date)

    def wanted(
        self,
        index: int,
        split: int,  # noqa: ARG002
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],
    ) -> range:
        """Choose the rows that are looked at."""
        return _LOOKED_AT.among(index, len(answers))

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        """Say once whether the rows are sorted by their dates."""
        dates = self._dates
        if len(dates) < max(_LEAST_ROWS, _DATED_SHARE * self._looked):
            return
        steps = [(b > a) - (b < a) for a, b in itertools.pairwise(dates)]
        up, down = steps.count(1), steps.count(-1)
        if len(set(dates)) >= _LEAST_DATES and max(up, down) >= _SORTED_SHARE * (up + down):
            yield Finding("the rows are sorted by the date that their questions name")


def first_date(text: str) -> int:
    """The first date of a text as a number such as 20261122; 0 for none.

    Dates are such as `2026-11-22`, `22.11.2026`, `22 listopada 2026` and `November 22, 2026`; of
    `11/12/2026` it is not sure which is the month.
    """
    looked_at = text[:_CHARS]
    if not _YEAR.search(looked_at):
        return 0
    for found in _DATE.finditer(looked_at):
        year, month, day = (_part(found, part) for part in "ymd")
        if 1 <= month <= 12 and 1 <= day <= 31:
            return year * 10_000 + month * 100 + day
    return 0


def _part(found: re.Match[str], part: str) -> int:
    text = next(t for t in (found[part], *(found[f"{part}{n}"] for n in (2, 3, 4))) if t)
    return int(text) if text.isdigit() else _MONTHS[text[:3].lower()]


def _dates(_: Context) -> Gatherer:
    return _Dates()


GATHERING = (GatheringRule(ROW_ORDER, _dates),)
