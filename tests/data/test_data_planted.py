"""Each rule finds what is planted for it, at its line and alone, and is silent about its twin."""

from __future__ import annotations

import pytest

from tests.data.planted import CASES
from tunectl.core.errors import Exit, Severity
from tunectl.data.checks import RULES


@pytest.fixture(params=CASES, ids=lambda case: f"{case.rule}: {case.what}")
def case(request, monkeypatch):
    request.param.shrink(monkeypatch.setattr)
    return request.param


def test_every_rule_has_a_planted_case():
    planted = {case.rule for case in CASES}
    assert sorted(RULES.keys() - planted) == [], "plant a case for these rules"
    assert sorted(planted - RULES.keys()) == [], "these are no rules any more"


def test_what_is_planted_is_found_by_its_rule_alone(case, tmp_path):
    problems = case.read_broken(tmp_path)
    assert problems is not None
    found = [d for d in problems if not waived(d, case)]
    assert {d.code for d in found} == {case.rule}
    first = found[0]
    assert first.severity is (case.severity or RULES[case.rule].severity)
    assert (place(first), first.address) == (case.place, case.about)
    assert (first.exit is Exit.REFUSED) is (first.severity is Severity.ERROR)
    assert first.hint
    assert RULES[case.rule].reason in first.detail


def test_the_nearest_clean_dataset_breaks_no_rule(case, tmp_path):
    problems = case.read_twin(tmp_path)
    assert problems is not None
    assert [f"{d.code}: {d.summary}" for d in problems if not waived(d, case)] == []


def test_every_rule_says_why_it_matters_and_what_to_do():
    assert [name for name, rule in RULES.items() if not rule.reason or not rule.hint] == []


def waived(found, case):
    """Whether a finding is of a rule that the case allows."""
    allowed = case.options.get("allow", {})
    return found.code in RULES and bool({found.code, RULES[found.code].number} & allowed.keys())


def place(found):
    return f"{found.source.file}:{found.source.line}" if found.source else ""
