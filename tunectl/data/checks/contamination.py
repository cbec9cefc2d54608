"""Training rows that hold what the model is to be scored with."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, Gatherer, GatheringRule, Rule
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.spec import TRAIN

if TYPE_CHECKING:
    from tunectl.data.against import Known

CONTAMINATION = Rule(
    name="contamination",
    number="D23",
    hint="remove the row, or score with something else",
    reason="a model that was trained on what it is scored with scores better than it is",
    severity=Severity.WARNING,
)
_BATCH = 1 << 17  # characters that wait to be compared


class _Contamination:
    """Compares rows in batches; keeps eight bytes of each row that shares words with a file."""

    def __init__(self, known: tuple[Known, ...], trained: int) -> None:
        from tunectl.data.against import WORDS, spoken  # only where something is compared

        self._spoken, self._words = spoken, WORDS
        self._known = known
        self._trained = trained
        self._found = [array("Q") for _ in known]
        self._places: list[int] = []
        self._texts: list[str] = []
        self._size = 0

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:
        """See the next row."""
        if split != self._trained:
            return
        self._places.append(index)
        self._texts.append(self._spoken(row))
        self._size += len(packed)
        if self._size >= _BATCH:
            self._compare()

    def wanted(
        self,
        index: int,  # noqa: ARG002
        split: int,
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],  # noqa: ARG002
    ) -> tuple[int, ...] | None:
        """Choose the rows that are trained on."""
        return None if split == self._trained else ()

    def _compare(self) -> None:
        for known, found in zip(self._known, self._found, strict=True):
            found.extend([self._places[at] for at in known.among(self._texts)])
        self._places, self._texts, self._size = [], [], 0

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        """Say which rows share words with which file."""
        if self._texts:
            self._compare()
        for known, found in zip(self._known, self._found, strict=True):
            for index in found:
                what = f"{self._words} words in a row stand in `{known.name}` too"
                yield Finding(what, about=f"`{known.name}`", index=index)


def _start(context: Context) -> Gatherer | None:
    names = context.spec.split_names
    if not context.known or not names:
        return None
    return _Contamination(context.known, names.index(TRAIN) if TRAIN in names else 0)


RULES = (GatheringRule(CONTAMINATION, _start),)
