"""What the rules over all rows remember of the rows that went by, beside their marks.

Memory is bounded: eight bytes a row for the length of its answer and two for its label, at most
`DISTINCT` different system prompts and short answers, and the words of the first `SAMPLE` answers.
"""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex

DISTINCT = 1_000
SAMPLE = 1_000
LABEL_CHARS = 64
NO_LABEL = 65_535
_OPENER_WORDS = 5
_OPENER_CHARS = 120
_WORD = regex(r"\w+")


@dataclass(slots=True)
class Prompt:
    """One system prompt.

    Attributes:
        first: the place of the first row that has it.
        rows: how many rows have it.
    """

    first: int
    rows: int = 0


@dataclass(slots=True)
class Facts:
    """What is remembered.

    Attributes:
        prompts: the first `DISTINCT` system prompts; the text of each leaves no rule.
        other_prompts: how many rows have one that is not among them.
        bare: how many rows have no system message, and which is the first.
        lengths: the characters of each row's answer, -1 where it is no text.
        labels: the number of each row's answer where it is short, else `NO_LABEL`.
        label_rows: how many rows have each label.
        openers: how many of the sampled answers begin with the same five words, and which first.
        words, pairs: the different words of the sampled answers, and pairs of words in a row.
        all_words, all_pairs: how many there were, repeated ones too.
        sampled: how many answers were sampled.
    """

    prompts: dict[str, Prompt] = field(default_factory=dict)
    other_prompts: int = 0
    bare: Prompt = field(default_factory=lambda: Prompt(-1))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("H"))
    label_rows: list[int] = field(default_factory=list)
    openers: dict[tuple[str, ...], Prompt] = field(default_factory=dict)
    words: Counter[str] = field(default_factory=Counter)
    pairs: set[int] = field(default_factory=set)
    all_words: int = 0
    all_pairs: int = 0
    sampled: int = 0
    _label_of: dict[str, int] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Remember the next row."""
        index = len(self.lengths)
        system, answer = _system_and_answer(row)
        if system is None:
            if self.bare.first < 0:
                self.bare.first = index
            self.bare.rows += 1
        else:
            self._take_prompt(system, index)
        if answer is None:
            self.lengths.append(-1)
            self.labels.append(NO_LABEL)
            return
        self.lengths.append(len(answer))
        self.labels.append(self._label(answer) if 0 < len(answer) <= LABEL_CHARS else NO_LABEL)
        if self.sampled < SAMPLE:
            self._sample(answer, index)

    def take_block(self, systems: list[str | None], answers: list[str]) -> None:
        """Remember many rows: the system message and the answer of each."""
        index = len(self.lengths)
        for system, rows in Counter(systems).items():
            first = index + systems.index(system)
            if system is not None:
                self._take_prompt(system, first, rows)
                continue
            if self.bare.first < 0:
                self.bare.first = first
            self.bare.rows += rows
        lengths = list(map(len, answers))
        self.lengths.extend(lengths)
        self.labels.extend(
            [
                self._label(answer) if 0 < length <= LABEL_CHARS else NO_LABEL
                for length, answer in zip(lengths, answers, strict=True)
            ]
            if min(lengths, default=0) <= LABEL_CHARS
            else [NO_LABEL] * len(lengths)
        )
        for at, answer in enumerate(answers[: max(0, SAMPLE - self.sampled)]):
            self._sample(answer, index + at)

    def _take_prompt(self, system: str, index: int, rows: int = 1) -> None:
        found = self.prompts.get(system)
        if found is None:
            if len(self.prompts) >= DISTINCT:
                self.other_prompts += rows
                return
            found = self.prompts[system] = Prompt(index)
        found.rows += rows

    def _label(self, answer: str) -> int:
        label = self._label_of.get(answer)
        if label is None:
            if len(self._label_of) >= DISTINCT:
                return NO_LABEL
            label = self._label_of[answer] = len(self._label_of)
            self.label_rows.append(0)
        self.label_rows[label] += 1
        return label

    def _sample(self, answer: str, index: int) -> None:
        self.sampled += 1
        words = _WORD.findall(answer[: 8 * LABEL_CHARS].lower())
        self.all_words += len(words)
        self.words.update(words)
        if len(words) > 1:
            self.all_pairs += len(words) - 1
            self.pairs.update(map(hash, itertools.pairwise(words)))
        opener = tuple(words[:_OPENER_WORDS])
        if len(opener) == _OPENER_WORDS and sum(map(len, opener)) < _OPENER_CHARS:
            self.openers.setdefault(opener, Prompt(index)).rows += 1


def _system_and_answer(row: Row) -> tuple[str | None, str | None]:
    """The text of the system message, and that of the answer; None where there is none."""
    messages = row.get("messages")
    answers = row.get("preferred_output", messages)
    if not isinstance(messages, list):
        given = row.get("input")
        messages = given.get("messages") if isinstance(given, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    last = answers[-1] if isinstance(answers, list) and answers else None
    return _said(first, ("system", "developer")), _said(last, ("assistant",))


def _said(message: object, roles: tuple[str, ...]) -> str | None:
    if not isinstance(message, dict) or message.get("role") not in roles:
        return None
    content = message.get("content")
    return content if isinstance(content, str) else None
