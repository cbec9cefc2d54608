"""The rules of datasets: one file a rule or family.

May: look at one canonical row, or at the marks of all rows, and say what breaks a rule.
Never: change a row, read a file, ask a model or the network, or repeat the text of a row. Every
rule is deterministic and works offline.

Each rule has a name people write (`checks: {allow: {duplicate-row: "reason"}}`), a severity and,
where the published table has one, a number that may be written instead. An error refuses the
dataset, a warning is shown; both can be allowed with a reason.

To add a rule: one file here, with `RULES`, and one entry below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from tunectl.data.checks import (
    characters,
    content,
    duplicates,
    order,
    splits,
    structure,
    tool_calls,
    weight,
)
from tunectl.data.checks.rule import Finding, GatheringRule, RowRule, Rule, TableRule
from tunectl.data.fingerprint import Row

_STRUCTURE, *_OTHERS = structure.RULES
ROW_RULES: tuple[RowRule, ...] = (
    *_OTHERS,
    *order.RULES,
    *content.RULES,
    *characters.RULES,
    *weight.RULES,
    *tool_calls.RULES,
)
TABLE_RULES: tuple[TableRule, ...] = (*duplicates.RULES, *splits.RULES)
GATHERING_RULES: tuple[GatheringRule, ...] = ()
RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        _STRUCTURE.rule,
        *(one.rule for one in ROW_RULES),
        *(one.rule for one in TABLE_RULES),
        *(one.rule for one in GATHERING_RULES),
        splits.MISSING_GROUP,
    )
}


def check_row(row: Row) -> Iterator[tuple[Rule, Finding]]:
    """What one canonical row breaks; rows that are `plain` need not be asked."""
    broken = [(_STRUCTURE.rule, finding) for finding in _STRUCTURE.check(row)]
    yield from broken
    if broken:
        return
    for one in ROW_RULES:
        for finding in one.check(row):
            yield one.rule, finding


def rules_called(name: str) -> tuple[Rule, ...]:
    """The rules of that name or number; empty when there are none."""
    if name in RULES:
        return (RULES[name],)
    return tuple(rule for rule in RULES.values() if rule.number and rule.number == name.upper())


def near_rule(name: str) -> str:
    """A hint for a rule that does not exist."""
    close = get_close_matches(name, RULES, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"rules are {', '.join(f'`{known}`' for known in sorted(RULES))}"
