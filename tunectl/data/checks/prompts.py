"""The system messages of all rows: missing in some, and variants that look like slips."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, Rule, TableRule
from tunectl.data.facts import DISTINCT, Facts, Prompt
from tunectl.data.marks import Marks
from tunectl.data.targets import Level

SYSTEM_MISSING = Rule(
    name="system-missing",
    number="D14",
    hint="give every row the system message the model will be asked with, or none",
    severity=Severity.WARNING,
    reason="a model learns to expect the system message, and is then asked without it",
)
SYSTEM_VARIANT = Rule(
    name="system-variant",
    number="D14",
    hint="use one wording; where both are meant, allow it",
    severity=Severity.WARNING,
    reason="nearly equal system messages are mostly one that was mistyped or edited in some rows",
    threshold=0.9,
)
SYSTEM_PROMPTS = Rule(
    name="system-prompts",
    number="D14",
    hint="ask the tuned model with the system messages it was trained with",
    severity=Severity.INFO,
    reason="the answers were learned together with the system message before them",
    level=Level.ALL,
)

_LEAST_ROWS = 10
_COMPARED = 50
_COMPARED_CHARS = 4_000


def _system_missing(marks: Marks, _: Context) -> Iterator[Finding]:
    facts = marks.facts
    if facts is None or not facts.bare.rows or not facts.prompts or len(marks) < _LEAST_ROWS:
        return
    first = min(facts.prompts.values(), key=lambda prompt: prompt.first)
    yield Finding(
        f"{facts.bare.rows} of {len(marks)} rows have no system message, the others have one, "
        f"such as {marks.place(first.first)}",
        index=facts.bare.first,
    )


def _system_variant(marks: Marks, context: Context) -> Iterator[Finding]:
    """Rare wordings beside a frequent one; each frequent one is compared with few others."""
    facts = marks.facts
    if facts is None or len(facts.prompts) < 2:
        return
    ordered = _by_rows(facts)
    least = context.threshold(SYSTEM_VARIANT)
    for place, (text, prompt) in enumerate(ordered[:_COMPARED]):
        for other, main in ordered[: min(place, 5)]:
            if main.rows < 10 * prompt.rows or not _similar(text, other, least):
                continue
            yield Finding(
                f"{_rows(prompt.rows)} a system message nearly the same as that of "
                f"{main.rows} others, such as {marks.place(main.first)}",
                index=prompt.first,
            )
            break


def _system_prompts(marks: Marks, _: Context) -> Iterator[Finding]:
    facts = marks.facts
    if facts is None or len(facts.prompts) < 2:
        return
    main = _by_rows(facts)[0][1]
    many = "more than " if facts.other_prompts else ""
    known = DISTINCT if facts.other_prompts else len(facts.prompts)
    yield Finding(
        f"there are {many}{known} different system messages; the most frequent stands in "
        f"{main.rows / len(marks):.0%} of the rows",
        index=main.first,
    )


def _by_rows(facts: Facts) -> list[tuple[str, Prompt]]:
    return sorted(facts.prompts.items(), key=lambda one: (-one[1].rows, one[1].first))


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count} rows have"


def _similar(one: str, other: str, least: float) -> bool:
    matcher = SequenceMatcher(None, one[:_COMPARED_CHARS], other[:_COMPARED_CHARS], autojunk=False)
    return (
        matcher.real_quick_ratio() >= least
        and matcher.quick_ratio() >= least
        and matcher.ratio() >= least
    )


RULES = (
    TableRule(SYSTEM_MISSING, _system_missing),
    TableRule(SYSTEM_VARIANT, _system_variant),
    TableRule(SYSTEM_PROMPTS, _system_prompts),
)
