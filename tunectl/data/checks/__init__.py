"""The rules of datasets: one file a rule or family.

May: look at one canonical row, or at the marks of all rows, and say what breaks a rule.
Never: change a row, read a file, ask a model or the network, or repeat the text of a row. Every
rule is deterministic and works offline.

Each rule has a name people write (`checks: {allow: {duplicate-row: "reason"}}`), a severity and,
where the published table has one, a number that may be written instead. An error refuses the
dataset, a warning is shown; both can be allowed with a reason.

A rule of single rows either looks at structure, and is asked about every row that is not plain, or
at words, and then names the bytes (`needles`) without which nothing can be wrong: one automaton
looks for all needles in one pass, so that most rows are asked nothing. What depends on the
provider, the method or a declaration is started with its context. Rules of severity error are asked
by default; opinions on style, which good data may break, only at the level `all` or when a policy
names them.

To add a rule: one file here, with `RULES`, and one entry below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from tunectl.data.checks import (
    answers,
    characters,
    contamination,
    content,
    credentials,
    dated,
    duplicates,
    file_form,
    images,
    labels,
    language,
    letters,
    narrow,
    near,
    order,
    personal,
    phrases,
    preference,
    prompts,
    providers,
    residue,
    served,
    splits,
    structure,
    telling,
    too_long,
    tool_calls,
    variety,
    weight,
)
from tunectl.data.checks.asking import RowChecks
from tunectl.data.checks.rule import (
    Context,
    ContextRule,
    FileRule,
    Finding,
    GatheringRule,
    RowRule,
    Rule,
    TableRule,
)
from tunectl.data.fingerprint import Row
from tunectl.data.policy import Policy
from tunectl.data.spec import DataSpec

_STRUCTURE, *_OTHERS = structure.RULES
ROW_RULES: tuple[RowRule, ...] = (
    *_OTHERS,
    *order.RULES,
    *content.RULES,
    *weight.RULES,
    *tool_calls.RULES,
    *characters.RULES,
    *letters.RULES,
    *residue.RULES,
    *credentials.RULES,
    *personal.RULES,
    *phrases.RULES,
)
CONTEXT_RULES: tuple[ContextRule, ...] = (
    *order.BOUND,
    *providers.BOUND,
    *narrow.BOUND,
    *answers.BOUND,
    *content.BOUND,
    *images.BOUND,
    *preference.RULES,
)
FILE_RULES: tuple[FileRule, ...] = file_form.FILES
TABLE_RULES: tuple[TableRule, ...] = (
    *duplicates.RULES,
    *near.RULES,
    *splits.RULES,
    *prompts.RULES,
    *labels.RULES,
    *variety.RULES,
)
GATHERING_RULES: tuple[GatheringRule, ...] = (
    *providers.GATHERING,
    *answers.GATHERING,
    *language.GATHERING,
    *too_long.RULES,
    *contamination.RULES,
    *dated.GATHERING,
    *telling.GATHERING,
)
RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        _STRUCTURE.rule,
        *(one.rule for one in ROW_RULES),
        *(one.rule for one in CONTEXT_RULES),
        *(one.rule for one in FILE_RULES),
        *(one.rule for one in TABLE_RULES),
        *(one.rule for one in GATHERING_RULES),
        splits.MISSING_GROUP,
        *served.RULES,
    )
}


def row_checks(context: Context, size: int | None = None) -> RowChecks:
    """The rules of single rows, for one reading of so many bytes; None where that is not known."""
    return RowChecks(context, _STRUCTURE, ROW_RULES, CONTEXT_RULES, size)


def check_row(row: Row, context: Context | None = None) -> Iterator[tuple[Rule, Finding]]:
    """What one canonical row breaks, found by asking every rule of single rows."""
    yield from row_checks(context or Context(DataSpec())).ask_all(row)


def settled(policy: Policy) -> tuple[Policy, tuple[str, ...]]:
    """The policy with every rule by its name, and the names in it that are no rules.

    A number stands for all rules that have it.
    """
    unknown = tuple(name for name in policy.names if not rules_called(name))
    return (
        Policy(
            {rule.name: v for name, v in policy.severity.items() for rule in rules_called(name)},
            {rule.name: v for name, v in policy.thresholds.items() for rule in rules_called(name)},
            {rule.name: v for name, v in policy.allow.items() for rule in rules_called(name)},
        ),
        unknown,
    )


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
