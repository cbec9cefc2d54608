"""Rows that are longer than a model trains on, and what training on all of them costs."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from tunectl.catalog.contexts import TrainingContext
from tunectl.catalog.tokenizers import tokenizer_of
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, GatheringRule, Rule
from tunectl.data.cost import context_of, passes, tally_for, training_cost
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.spec import TRAIN
from tunectl.data.targets import Level, Target

if TYPE_CHECKING:
    from tunectl.data.tokens import Counter

TOO_LONG = Rule(
    name="too-long",
    number="D08",
    hint="shorten the row, or split it into several",
    reason="what does not fit is cut off at the end, and the end is the answer",
)
TOKEN_COST = Rule(
    name="token-cost",
    number="D31",
    severity=Severity.INFO,
    level=Level.ALL,
    hint="fewer epochs or a smaller model cost less; `tunectl dataset stats` shows the parts",
    reason="what training will cost is known before anything is uploaded",
)

# Bytes of the shortest row that is counted, for each token of the limit. No vocabulary has more
# tokens than bytes. One that is not here gives bounds only, and its low end never reaches the
# limit below two bytes a token in any text that was measured.
_BYTES_EXACT, _BYTES_BOUNDED = 1, 2
_IMAGE = b'"image'
_LOCAL = "local"


@dataclass(slots=True)
class _Limit:
    target: Target
    context: TrainingContext
    bytes: int
    counter: Counter | None = None
    # 16 bytes of each row that is too long: its place, and twice its tokens (odd: at least so many)
    rows: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))

    def take(self, index: int, row: Row) -> None:
        if self.counter is None:
            from tunectl.data.own_vocabulary import counter_of  # few rows are nearly too long

            self.counter = counter_of(self.target)
        count = self.counter.example(row)
        if count.low > self.context.tokens:
            self.rows.append(index)
            self.sizes.append(2 * count.low + (not count.exact))


class _TooLong:
    """Counts only rows that could be too long; remembers those that are."""

    def __init__(self, limits: list[_Limit]) -> None:
        self._limits = limits
        self._least = min(one.bytes for one in limits)

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        size = len(packed)
        if size < self._least and _IMAGE not in packed:
            return
        for one in self._limits:
            if size >= one.bytes or _IMAGE in packed:
                one.take(index, row)

    def wanted(
        self,
        index: int,  # noqa: ARG002
        split: int,  # noqa: ARG002
        packed: list[bytes],
        answers: list[str],  # noqa: ARG002
    ) -> list[int]:
        # Plain rows hold no images.
        return [at for at, row in enumerate(packed) if len(row) >= self._least]

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        for one in self._limits:
            for index, size in zip(one.rows, one.sizes, strict=True):
                yield Finding(_sentence(one, size), str(one.target), index, _severity(one))


def _start(context: Context) -> _TooLong | None:
    if not context.asks(TOO_LONG):
        return None
    limits = []
    for target in context.targets:
        known = context_of(target)
        if known is not None:
            exact = bool(target.vocabulary) or tokenizer_of(target.model).exact
            least = known.tokens * (_BYTES_EXACT if exact else _BYTES_BOUNDED)
            limits.append(_Limit(target, known, least))
    return _TooLong(limits) if limits else None


def _severity(limit: _Limit) -> Severity | None:
    """On this machine the limit is a setting, and nothing is paid: a warning."""
    return Severity.WARNING if limit.target.provider == _LOCAL else None


def _sentence(limit: _Limit, size: int) -> str:
    most = f"{limit.context.tokens:,}"
    has = f"at least {size // 2:,}" if size % 2 else f"{size // 2:,}"
    if limit.context.effect == "dropped":
        return f"the row has {has} tokens, and `{limit.target}` leaves out rows of over {most}"
    return f"the row has {has} tokens, and `{limit.target}` trains on the first {most} only"


class _Cost:
    """Adds up the training rows for each target; keeps eight bytes of each row."""

    def __init__(self, targets: tuple[Target, ...], trained: int) -> None:
        self._trained = trained
        self._tallies = [(target, tally_for(target)) for target in targets]

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        if split == self._trained:
            for _, tally in self._tallies:
                tally.add(row)

    def wanted(
        self,
        index: int,  # noqa: ARG002
        split: int,
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],  # noqa: ARG002
    ) -> tuple[int, ...] | None:
        return None if split == self._trained else ()

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        for target, tally in self._tallies:
            found = tally.tokens()
            if not found.rows:
                continue
            epochs = passes(target, found.rows)
            estimate = training_cost(target, found.billed, epochs)
            said = "an unknown number of" if epochs is None else f"{epochs}"
            money = "the cost is unknown"
            if estimate.known:
                money = f"about {estimate.likely:.2f} {estimate.currency}".rstrip()
                money = "nothing to pay" if estimate.free else money
            yield Finding(
                f"training on `{target}`: {found.billed.likely:,} tokens, {said} epochs, {money}",
                str(target),
            )


def _start_cost(context: Context) -> _Cost | None:
    if not context.asks(TOKEN_COST):
        return None
    names = context.spec.split_names
    targets = tuple(one for one in context.targets if one.model is not None)
    if not targets or not names:
        return None
    return _Cost(targets, names.index(TRAIN) if TRAIN in names else 0)


RULES = (GatheringRule(TOO_LONG, _start), GatheringRule(TOKEN_COST, _start_cost))
