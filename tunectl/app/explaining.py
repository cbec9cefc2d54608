"""dataset rules: what rules there are, and why."""

from __future__ import annotations

from tunectl.core.errors import ConfigError
from tunectl.data.checks import RULES, near_rule, rules_called
from tunectl.data.targets import Level
from tunectl.views.datasets import RuleRow
from tunectl.views.sarif import Described


def rules(name: str | None = None) -> tuple[RuleRow, ...]:
    """Return the rules; with a name or number only those it means.

    Raises:
        ConfigError: there is no such rule.
    """
    wanted = rules_called(name) if name else tuple(RULES.values())
    if not wanted:
        raise ConfigError.of(
            f"there is no rule `{name}`", hint=near_rule(name or ""), code="unknown-rule"
        )
    return tuple(
        RuleRow(r.name, r.number, r.severity.value, _ASKED[r.level], r.reason, r.hint)
        for r in wanted
    )


def described() -> dict[str, Described]:
    """Return every rule as SARIF describes it."""
    return {
        r.name: Described(r.name, r.number, r.severity, r.reason, r.hint) for r in RULES.values()
    }


_ASKED = {
    Level.SYNTAX: "always",
    Level.DEFAULT: "by default",
    Level.ALL: "with --all",
}
