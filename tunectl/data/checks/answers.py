"""What answers are: whole, of the declared form, and more than an echo of the question."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import compress, count
from operator import contains, or_
from typing import cast

import orjson

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import (
    Context,
    ContextRule,
    Finding,
    Gatherer,
    GatheringRule,
    RowCheck,
    Rule,
)
from tunectl.data.checks.texts import answers_of, content_text
from tunectl.data.fingerprint import Json, Row
from tunectl.data.marks import Marks
from tunectl.data.pattern import regex
from tunectl.data.targets import PREFERENCE, SUPERVISED

CUT_ANSWER = Rule(
    name="cut-answer",
    number="D09",
    hint="fetch the whole answer, or remove the row",
    reason="answers that stop in the middle teach the model to stop in the middle",
    severity=Severity.WARNING,
    methods=(SUPERVISED, PREFERENCE),
    threshold=0.05,
    shown=5,
)
WRONG_OUTPUT = Rule(
    name="wrong-output",
    number="D26",
    hint="correct the answer, or change `checks: {output: …}`",
    reason="the form of the answers was declared, and is what the tuning is for",
    severity=Severity.WARNING,
    methods=(SUPERVISED, PREFERENCE),
)
ECHOED_INPUT = Rule(
    name="echoed-input",
    number="D27",
    hint="let the answer say what the question does not",
    reason="an answer that repeats the question teaches to repeat",
    severity=Severity.WARNING,
    methods=(SUPERVISED, PREFERENCE),
    shown=3,
)
_LONG = 80  # characters; shorter answers end as they like
_CLOSED = frozenset(".!?…。！？:;\"'”’»«)]}>`*_~|#$%€°)\u00a0")
_OPEN_ENDS = frozenset(",(–—-/&=+")
_SEEN = 100_000  # answers that end without a mark are remembered up to here: 8 bytes each
_FENCE = regex(r"^\s*```", re.MULTILINE)
_JSON_BEGINS = regex(r'\s*(?:\{\s*["}]|\[\s*[\[{"\d\]])')
_GREETING = 20  # characters; a greeting may be given back
_ECHO = 60  # characters of a question that are more than a quotation


def unclosed(text: str) -> str:
    """What an answer opens and does not close, empty when nothing."""
    bare = text.rstrip()
    if "```" in bare:
        return "its code fence is not closed" if len(_FENCE.findall(bare)) % 2 else ""
    if bare[:1] in "{[" and _JSON_BEGINS.match(bare) and bare[-1] not in "}]":
        return "its JSON is not closed" if not _parses(bare) else ""
    if len(bare) >= _LONG and bare[-1] not in _CLOSED and bare.count("(") > bare.count(")"):
        return "its bracket is not closed"
    return ""


def _parses(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


class _CutAnswers:
    """Answers that end in the middle of something.

    That an answer opens what it does not close, or ends with a comma, is told of each row. That it
    ends without a mark is told where nearly all others end with one. Keeps a number a row for at
    most 100,000 such rows.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._long = 0
        self._bare = array("Q")
        self._open: list[tuple[int, str]] = []

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        """See the next row."""
        text = _last_answer(row)
        if text[-1:].isspace():
            text = text.rstrip()
        if not text:
            return
        end = text[-1]
        if end in _OPEN_ENDS and len(text) >= _LONG and text[-3:] not in ("---", "___"):
            self._remember(index, f"the answer ends with `{end}`")
        elif "(" in text or "```" in text or text[0] in "{[":
            what = unclosed(text)
            if what:
                self._remember(index, f"the answer is cut: {what}")
        if len(text) >= _LONG:
            self._long += 1
            if end not in ".!?" and end.isalpha() and len(self._bare) < _SEEN:
                self._bare.append(index)

    def wanted(
        self,
        index: int,  # noqa: ARG002
        split: int,  # noqa: ARG002
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],
    ) -> list[int]:
        """See the answers that end with a mark and open nothing; the others are to be taken."""
        self._long += sum(map(_LONG.__le__, map(len, answers)))
        odd = [
            at
            for at, text in enumerate(answers)
            if text[-1] not in ".!?" or "(" in text or "`" in text or text[0] in "{["
        ]
        # Those are counted when they are taken.
        self._long -= sum([len(answers[at]) >= _LONG for at in odd])
        return odd

    def _remember(self, index: int, what: str) -> None:
        if len(self._open) < _SEEN:
            self._open.append((index, what))

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        """Say which rows are cut."""
        told = {index for index, _ in self._open}
        for index, what in self._open:
            yield Finding(what, index=index)
        if self._long >= 20 and len(self._bare) <= self._share * self._long:
            for index in self._bare:
                if index not in told:
                    yield Finding(
                        "the answer ends in the middle of a sentence, unlike the others",
                        index=index,
                    )


def _last_answer(row: Row) -> str:
    """The text the row teaches last, empty when there is none."""
    try:
        last = cast(
            "list[Json]", row["messages"] if "messages" in row else row["preferred_output"]
        )[-1]
    except (KeyError, IndexError, TypeError):
        return ""
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return ""
    content = last.get("content")
    return content if isinstance(content, str) else content_text(last)


def _cut_answers(context: Context) -> Gatherer | None:
    if context.spec.output is not None:
        return None  # what does not parse is told by `wrong-output`
    return _CutAnswers(context.threshold(CUT_ANSWER))


def _echoed_input(_: Context) -> RowCheck:
    def check(row: Row) -> Iterable[Finding]:
        try:  # most rows are chats of texts: asked about nothing else than that
            asked, said = cast("list[dict[str, Json]]", row["messages"])[-2:]
            question, answer = asked["content"], said["content"]
            order = asked["role"], said["role"]
        except (KeyError, TypeError, ValueError):
            return ()
        if type(question) is not str or type(answer) is not str or order != ("user", "assistant"):
            return ()
        what = _echo(question, answer)
        return (Finding(what),) if what else ()

    return check


def _echo(question: str, answer: str) -> str:
    """What of a question and its answer is the same, empty when nothing."""
    if question == answer:
        return "the answer repeats the question word for word" if len(answer) >= _GREETING else ""
    if len(question) >= _ECHO and question.strip() in answer:
        return "the answer contains the whole question"
    if len(answer) >= _ECHO and answer.strip() in question:
        return "the question contains the whole answer"
    return ""


def _echoing(questions: list[str], answers: list[str]) -> list[int]:
    """The places where one of question and answer is or holds the other."""
    asked, said = map(str.strip, questions), map(str.strip, answers)
    # Most texts hold nothing of each other: told without a loop over them.
    holds = map(or_, map(contains, answers, asked), map(contains, questions, said))
    return [at for at in compress(count(), holds) if _echo(questions[at], answers[at])]


def _wrong_output(context: Context) -> RowCheck | None:
    if context.spec.output is None:
        return None
    says = context.spec.output.judge()

    def check(row: Row) -> Iterator[Finding]:
        for path, text in answers_of(row):
            wrong = says(text)
            if wrong:
                yield Finding(f"`{path}` {wrong}")

    return check


BOUND = (
    ContextRule(WRONG_OUTPUT, _wrong_output, plain=True),
    ContextRule(ECHOED_INPUT, _echoed_input, plain=True, wanted=_echoing),
)
GATHERING = (GatheringRule(CUT_ANSWER, _cut_answers),)
