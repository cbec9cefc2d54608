"""The plan as a comment."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.plan import Blocked, Plan
from tunectl.core.value import Address
from tunectl.views.markdown import LIMIT, plan_markdown

FENCED = re.compile(r"^(`{3,})diff\n.*?^\1$", re.MULTILINE | re.DOTALL)


def many(count: int) -> Plan:
    """A plan with very many changes, the deletions last."""
    jobs = [
        samples.create(replace(samples.job(), address=Address.of("tuning_job", f"job_{n}")))
        for n in range(count)
    ]
    gone = [
        samples.gone(replace(samples.OLD_JOB, address=Address.of("tuning_job", f"gone_{n}")))
        for n in range(20)
    ]
    return samples.plan(changes=(*jobs, *gone))


def is_closed(text: str) -> bool:
    """Whether every fence and every `<details>` that opens also closes."""
    outside = FENCED.sub("", text)
    return "```" not in outside and outside.count("<details>") == outside.count("</details>")


@pytest.mark.parametrize("name", samples.PLANS)
def test_comment_shows_the_plan(name: str, snapshot: SnapshotAssertion) -> None:
    assert plan_markdown(samples.PLANS[name]()) == snapshot


def test_the_first_line_is_a_hidden_marker_with_the_digest() -> None:
    plan = samples.first_plan()
    first = plan_markdown(plan).splitlines()[0]
    assert first == f"<!-- tunectl:plan project=helpdesk env=default digest={plan.digest} -->"


@pytest.mark.parametrize("limit", [2_000, 5_000, LIMIT])
def test_a_long_plan_is_cut_outside_of_fences(limit: int) -> None:
    text = plan_markdown(many(600), limit=limit)
    assert len(text) <= limit
    assert is_closed(text)
    assert "Plan: 600 to add, 0 to change, 20 to destroy." in text


def test_deletions_come_first_and_survive_the_cut() -> None:
    text = plan_markdown(many(600))
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all("gone_" in row for row in rows[:20])
    assert "and 10 more" in text


def test_foreign_text_cannot_leave_its_place() -> None:
    evil = "```\n</details><script>@team | [a](http://b) --> x"
    key = Address.of("tuning_job", "a", key="`|@x")
    plan = samples.plan(
        project="a --> b",
        changes=(samples.gone(replace(samples.OLD_JOB, address=key)),),
        blocked=(Blocked(address=key, reason=evil, hint=evil),),
    )
    text = plan_markdown(plan)
    assert is_closed(text)
    marker, rest = text.split("\n", 1)
    assert marker.count("-->") == 1
    prose = FENCED.sub("", rest)
    assert "<script>" not in prose
    assert "@team" not in prose
    assert "[a](" not in prose
