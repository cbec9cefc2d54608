"""Which rules a row is asked about: the quick way through the rules of single rows.

Laws: a plain row (see `plain`) breaks no rule of structure. A row breaks a rule with needles only
when one of its needles stands in the row's folded bytes; one automaton looks for the needles of all
rules in one pass, so most rows are asked nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from ahocorasick_rs import BytesAhoCorasick, Implementation

from tunectl.data.checks.plain import is_plain
from tunectl.data.checks.preference import placed, sides, whole
from tunectl.data.checks.rule import Context, ContextRule, Finding, RowRule, Rule
from tunectl.data.fingerprint import Row
from tunectl.data.targets import PREFERENCE, REINFORCEMENT, SUPERVISED

if TYPE_CHECKING:
    from tunectl.data.block import Block

_FOLD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b"abcdefghijklmnopqrstuvwxyz000000000"
)


def folded(packed: bytes) -> bytes:
    """The bytes with ASCII letters in lower case and every digit as `0`."""
    return packed.translate(_FOLD)


# Bytes up to which the smaller automaton is faster as a whole: it is built in 4 ms instead of 19
# and finds the same, at 140 MB/s instead of 400 (2026-11, 3,270 needles).
_FEW = 3 << 20


@cache
def _automaton(needles: tuple[bytes, ...], *, few: bool) -> BytesAhoCorasick:
    kind = Implementation.NoncontiguousNFA if few else Implementation.DFA
    return BytesAhoCorasick(list(needles), implementation=kind)


class RowChecks:
    """The rules of single rows for one reading of one dataset.

    Args:
        context: for whom and how closely it is read, and what its rows teach by.
        first: the rule that says whether a row can be understood; broken, nothing else is asked.
        rules: the other rules.
        bound: the rules that depend on the context.
        size: how many bytes of rows there are; None where that is not known.
    """

    def __init__(
        self,
        context: Context,
        first: RowRule,
        rules: tuple[RowRule, ...],
        bound: tuple[ContextRule, ...],
        size: int | None = None,
    ) -> None:
        self._method = context.method
        self._supervised = context.method == SUPERVISED
        asked = [
            one for one in rules if context.asks(one.rule) and context.method in one.rule.methods
        ]
        self._first = first
        self._structure = tuple(one for one in asked if not one.needles)
        self._wordy = tuple(one for one in asked if one.needles)
        self._seeks: list[RowRule] = []
        needles: list[bytes] = []
        for one in self._wordy:
            needles.extend(one.needles)
            self._seeks.extend([one] * len(one.needles))
        few = size is not None and size <= _FEW
        self._find = (
            _automaton(tuple(needles), few=few).find_matches_as_indexes
            if needles
            else _find_nothing
        )
        started = [
            (one, check)
            for one in bound
            if context.asks(one.rule) and context.method in one.rule.methods
            if (check := one.start(context)) is not None
        ]
        self._plain = tuple((one, check) for one, check in started if one.plain)
        self._always = tuple((one.rule, check) for one, check in self._plain)
        self._bound = tuple(
            (one.rule, check) for one, check in started if not one.plain and not one.talks
        )
        talks = (RowRule(one.rule, check) for one, check in started if one.talks)
        self._structure = (*self._structure, *talks)

    def is_plain(self, row: Row) -> bool:
        """Whether no rule of structure needs to be asked about the row."""
        return self._supervised and is_plain(row)

    def ask(self, row: Row, packed: bytes, *, plain: bool) -> list[tuple[Rule, Finding]]:
        """What a row breaks.

        Args:
            row: the canonical row.
            packed: its canonical bytes.
            plain: whether it is plain, as `is_plain` said.
        """
        found: list[tuple[Rule, Finding]] = []
        if not plain and not self._order(row, found):
            return found
        hits = self._find(packed.translate(_FOLD), overlapping=True)
        if hits:
            names = {self._seeks[hit[0]].rule.name for hit in hits}
            for one in self._wordy:
                if one.rule.name in names:
                    found.extend((one.rule, finding) for finding in one.check(row))
        for rule, check in self._always:
            found.extend((rule, finding) for finding in check(row))
        return found

    def suspects(self, joined: bytes, packed: list[bytes]) -> frozenset[int]:
        """The places of the rows that hold a needle.

        Args:
            joined: the canonical bytes of some rows, each ended by a line feed.
            packed: the same, row by row.
        """
        hits = self._find(joined.translate(_FOLD), overlapping=True)
        if not hits:
            return frozenset()
        ends = list(accumulate([len(row) + 1 for row in packed]))
        return frozenset([bisect_right(ends, hit[1]) for hit in hits])

    def ask_block(self, block: Block, answers: list[str]) -> list[tuple[int, Rule, Finding]]:
        """What plain rows break, each with its place.

        Args:
            block: the rows.
            answers: the text of each one's last message.
        """
        suspects = self.suspects(block.joined, block.packed)
        found = [
            (at, rule, finding)
            for at in suspects
            for rule, finding in self.ask(block.row(at), block.packed[at], plain=True)
        ]
        for one, check in self._plain:
            every = range(len(answers))
            told = every if one.wanted is None else one.wanted(block.questions(), answers)
            for at in told:
                if at not in suspects:
                    found += [(at, one.rule, finding) for finding in check(block.row(at))]
        found.sort(key=lambda one: one[0])
        return found

    def ask_all(self, row: Row) -> list[tuple[Rule, Finding]]:
        """What a row breaks, found by asking every rule: the long way to the same answer."""
        found: list[tuple[Rule, Finding]] = []
        if not self._order(row, found):
            return found
        for one in self._wordy:
            found.extend((one.rule, finding) for finding in one.check(row))
        for rule, check in self._always:
            found.extend((rule, finding) for finding in check(row))
        return found

    def _order(self, row: Row, found: list[tuple[Rule, Finding]]) -> bool:
        """Ask the rules of structure; whether the row can be understood at all."""
        for rule, finding in self._of_conversations(row, (self._first,)):
            found.append((rule, finding))
        if found:
            return False
        found.extend(self._of_conversations(row, self._structure))
        for rule, check in self._bound:
            found.extend((rule, finding) for finding in check(row))
        return True

    def _of_conversations(
        self, row: Row, rules: tuple[RowRule, ...]
    ) -> Iterator[tuple[Rule, Finding]]:
        if self._method != PREFERENCE:
            shown = conversation(row) if self._method == REINFORCEMENT else row
            for one in rules:
                for finding in one.check(shown):
                    yield one.rule, finding
            return
        broken = list(whole(row))
        if broken:
            yield from ((self._first.rule, finding) for finding in broken)
            return
        told: set[tuple[str, str]] = set()
        for place, talk, start in sides(row):
            for one in rules:
                for finding in one.check(talk):
                    text = placed(finding.text, place, start)
                    if (one.rule.name, text) not in told:
                        told.add((one.rule.name, text))
                        yield one.rule, replace(finding, text=text)


def _find_nothing(_: bytes, overlapping: bool = False) -> list[tuple[int, int, int]]:
    assert overlapping
    return []


def conversation(row: Row) -> Row:
    """What of a reinforcement row is a conversation; its other keys belong to the grader."""
    return {key: value for key, value in row.items() if key in ("messages", "tools")}
