"""The token report, costs and citations as people read them."""

from dataclasses import dataclass
from decimal import Decimal

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.money import FREE, Estimate
from tunectl.core.ports import Citation, Delta
from tunectl.views.prompt_findings import findings_text, findings_tree
from tunectl.views.prompts import (
    citations_text,
    cost_text,
    ending_text,
    report_text,
    usage_text,
    usage_tree,
)


@dataclass
class Line:
    id: str
    role: str
    tokens: int
    limit: int | None = None
    note: str = ""


@dataclass
class Report:
    report: tuple[Line, ...]
    tokens: int
    context_tokens: int | None = None
    reserve_output: int = 0


@dataclass
class Found:
    name: str
    findings: tuple[Diagnostic, ...] = ()
    tests: int = 0
    stable: float | None = None
    possible: float | None = None


def test_a_report_has_a_line_for_each_section_and_the_room_that_is_left():
    lines = (
        Line("system", "system", 1200),
        Line("historia", "history", 900, 1000, "2 oldest turns left out\x1b[2J"),
    )
    shown = report_text(Report(lines, 2103, 8000, 1024))
    assert shown.splitlines() == [
        "section   role     tokens  limit     left out",
        "system    system   1,200",
        "historia  history  900     of 1,000  2 oldest turns left out",
        (
            "2,103 tokens (estimated) of 6,976, with 1,024 kept for the answer; "
            "3 of them mark the messages"
        ),
    ]


def test_an_answer_that_ended_early_says_so():
    assert "cut off" in ending_text(Delta(finish_reason="length"))
    assert "content filter" in ending_text(Delta(finish_reason="content_filter"))
    assert ending_text(Delta(finish_reason="stop")) == ending_text(Delta()) == ""


def test_costs_have_the_digits_that_count():
    def cost(low: str, high: str) -> str:
        low_, high_ = Decimal(low), Decimal(high)
        return cost_text(Estimate(low=low_, likely=high_, high=high_, currency="EUR"))

    assert cost("0.000314159", "0.000314159") == "0.00031 EUR"
    assert cost("1234.567", "1234.567") == "1,234.57 EUR"
    assert cost("0", "0.02") == "at most 0.02 EUR"
    assert cost_text(FREE) == "free"
    assert cost_text(Estimate(unknown=("no price",))) == "cost unknown (no price)"


def test_cached_tokens_are_told_where_there_are_any():
    used = Delta(prompt_tokens=1500, completion_tokens=9, cache_read_tokens=1024)
    assert usage_text(used, FREE) == "1,500 in (1,024 from the cache), 9 out, free"
    assert usage_text(Delta(prompt_tokens=5), FREE, what="turn 1: ") == "turn 1: 5 in, 0 out, free"
    assert usage_tree(used, Estimate(unknown=("?",)))["cost"]["known"] is False


def test_why_a_cost_is_unknown_is_said_once():
    cost = Estimate(unknown=("no price",))
    used = Delta(prompt_tokens=5)
    assert usage_text(used, cost).endswith("0 out, cost unknown (no price)")
    assert usage_text(used, cost, told=("no price",)) == "5 in, 0 out"
    other = Estimate(unknown=("no price", "no count"))
    assert usage_text(used, other, told=("no price",)).endswith("cost unknown (no price; no count)")


def test_citations_are_numbered_and_cut():
    shown = citations_text(
        [
            Citation(text="a\nb " * 200, source="docs/żółw.md", title="Zwroty"),
            Citation(index=1),
            Citation(),
        ]
    )
    first, second, third = shown.splitlines()
    assert first.startswith("[1] docs/żółw.md · Zwroty: “a b a b")
    assert first.endswith("…”")
    assert len(first) < 200
    assert (second, third) == ("[2] document 2", "[3] the prompt's documents")


def test_findings_are_told_by_template():
    warning = Diagnostic(summary="a", severity=Severity.WARNING, code="volatility")
    found = [Found("support", (warning,), 2, 0.5, 0.75), Found("other")]
    shown = findings_text(found)
    assert shown.startswith("support: 1 warning, 2 tests, 50% of it can be cached\n\nwarning: a")
    assert shown.endswith("other: nothing found")
    tree = findings_tree(found)
    assert tree["warning_count"] == 1
    assert tree["prompts"][0]["possible_prefix"] == 0.75
    assert findings_text([]) == "no prompt template is declared"
