"""What people decide about the checks: how much a rule weighs, from which number on, what may pass.

A policy names rules by name or number (`near-duplicate`, `D12`). A dataset's own `allow` is laid
over it. To name a rule in a policy is to ask it, whatever the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit, Severity


@dataclass(frozen=True, slots=True)
class Policy:
    """The decisions, by rule.

    Attributes:
        severity: how much a rule weighs here; None turns it off.
        thresholds: the number a rule compares with.
        allow: the rules that may be broken, each with the reason.
    """

    severity: Mapping[str, Severity | None] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    allow: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every rule it names, as written, each once."""
        return tuple(dict.fromkeys((*self.severity, *self.thresholds, *self.allow)))

    def over(self, under: Policy) -> Policy:
        """This policy laid over another: what it says itself wins."""
        return Policy(
            {**under.severity, **self.severity},
            {**under.thresholds, **self.thresholds},
            {**under.allow, **self.allow},
        )


NO_POLICY = Policy()


def strictly(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The same where every warning refuses as an error does."""
    return tuple(
        replace(one, severity=Severity.ERROR, exit=Exit.REFUSED)
        if one.severity is Severity.WARNING
        else one
        for one in diagnostics
    )
