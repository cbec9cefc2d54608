"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Severity
from tunectl.data.datafile import FileFacts
from tunectl.data.fingerprint import Json, Row
from tunectl.data.marks import Marks
from tunectl.data.policy import Policy
from tunectl.data.spec import DataSpec
from tunectl.data.targets import METHODS, SUPERVISED, Level, Target

if TYPE_CHECKING:
    from tunectl.data.against import Known


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the rows.

    Attributes:
        spec: the dataset as declared.
        targets: for whom it is checked; none when that is not known.
        level: how much is looked at.
        policy: what was decided about the rules, by their names.
        known: what training rows are compared with.
        method: what the rows teach by; before the first row was read, `supervised`.
    """

    spec: DataSpec
    targets: tuple[Target, ...] = ()
    level: Level = Level.DEFAULT
    policy: Policy = field(default_factory=Policy)
    method: str = SUPERVISED
    known: tuple[Known, ...] = ()

    def asks(self, rule: Rule) -> bool:
        """Whether a rule is asked: by its level, or because the policy names it."""
        if self.level is Level.SYNTAX:
            return False
        weight = self.policy.severity.get(rule.name, rule.severity)
        if weight is None:
            return False
        named = rule.name in self.policy.severity or rule.name in self.policy.thresholds
        return named or self.level >= rule.level

    def threshold(self, rule: Rule) -> float:
        """The number a rule compares with: the policy's, else its own."""
        return self.policy.thresholds.get(rule.name, rule.threshold or 0.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    Attributes:
        text: one line, names in backticks, never the text of the row.
        about: what it speaks of, when findings about different things are to be counted apart.
        index: the row's place among the marks, for rules over the whole dataset; -1 for none.
        severity: where it differs from the rule's own, for a provider or a policy.
        hint: what to do, where it differs from the rule's own.
    """

    text: str
    about: str = ""
    index: int = -1
    severity: Severity | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        name: what a person writes under `checks: {allow: …}`.
        number: the same in short (`D11`); empty when it has none.
        hint: what to do.
        reason: why it matters, in one sentence.
        methods: the methods of tuning whose rows it is for.
        level: from which level on it is asked; what is of severity error is so by default.
        threshold: the number it compares with, where a policy may set another.
        shown: how many findings are shown one by one before they are counted.
        secretive: whether no excerpt is shown, because the length of a masked word would tell.
    """

    name: str
    number: str
    hint: str
    severity: Severity = Severity.ERROR
    reason: str = ""
    methods: tuple[str, ...] = METHODS
    level: Level = Level.DEFAULT
    threshold: float | None = None
    shown: int = 10
    secretive: bool = False


RowCheck: TypeAlias = Callable[[Row], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule that one row breaks by itself.

    Attributes:
        check: what the row breaks. Without needles it is shown a conversation: the row itself or,
            of a preference row, the question with each of the two answers.
        needles: texts of which one must stand in the folded bytes of a row that breaks the rule;
            empty for rules of structure, which every row may break that is not plain.
    """

    rule: Rule
    check: RowCheck
    needles: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextRule:
    """A rule of single rows that depends on what the dataset is for.

    Attributes:
        start: makes its check, which is shown the whole row; None when there is nothing to ask.
        plain: whether a plain row may break it.
        wanted: of some plain rows those that may break it, by their places, told by the texts of
            their last questions and answers; None to be asked about each.
        talks: whether it is shown a conversation instead, as a `RowRule` of structure is.
    """

    rule: Rule
    start: Callable[[Context], RowCheck | None]
    plain: bool = False
    wanted: Callable[[list[str], list[str]], list[int]] | None = None
    talks: bool = False


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule over a file as it stands, whatever its rows say."""

    rule: Rule
    check: Callable[[FileFacts, Context], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class TableRule:
    """A rule over all rows, of which only the marks are left."""

    rule: Rule
    check: Callable[[Marks, Context], Iterator[Finding]]


class Gatherer(Protocol):
    """What a rule remembers of the rows that went by; its memory must have a stated bound."""

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:
        """See the next row: its place among the marks, its split, and its canonical bytes."""
        ...

    def wanted(
        self, index: int, split: int, packed: list[bytes], answers: list[str]
    ) -> Iterable[int] | None:
        """Choose among plain rows that follow each other, so that not each need be seen.

        Args:
            index: the place of the first among the marks.
            split: the split of them all.
            packed: the canonical bytes of each.
            answers: the text of each one's last message.

        Returns:
            The places, from 0, of those to be taken; what the others tell is seen here. None for
            all.
        """
        ...

    def findings(self, marks: Marks) -> Iterator[Finding]:
        """Say what is broken, once all rows went by and the marks are sealed."""
        ...


@dataclass(frozen=True, slots=True)
class GatheringRule:
    """A family of one rule over all rows that needs more of them than their marks.

    Attributes:
        start: makes the gatherer of one pass; None when there is nothing to look for in it.
    """

    rule: Rule
    start: Callable[[Context], Gatherer | None]


def messages_of(row: Row) -> list[dict[str, Json]]:
    """The messages that are objects; the others are the business of `bad-messages`."""
    messages = row.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
