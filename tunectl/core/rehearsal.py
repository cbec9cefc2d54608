"""What a rehearsal found: a whole life of a project, on services that only pretend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Final

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.plan import Plan

# What may go wrong on purpose, on the first upload and the first tuning job of each provider.
FAULTS: Final = ("lost-reply", "reset", "503", "slow")


class Verdict(Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # what it looks at was not reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise.

    Attributes:
        name: stable, for machines: `plan-again-is-empty`.
        promise: what is promised, for people.
        detail: what was found instead, or a number worth telling.
    """

    name: str
    promise: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One command of the rehearsal.

    Attributes:
        name: as it is typed: `plan`, `apply`, `drift`, `destroy`.
        steps: what was done, in the order in which it ended: `create tuning_job.support`.
        calls: requests by provider; the buckets of a provider count for `storage`.
    """

    name: str
    steps: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One object at a provider.

    Attributes:
        provider: the name under `providers:`, or `storage`.
        kind: what it is called there.
        record: it cannot be deleted and bills nothing.
        bills: what it costs while nobody uses it; empty when nothing.
    """

    provider: str
    kind: str
    name: str
    record: bool = False
    bills: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A rehearsal that was carried out as far as it went.

    Attributes:
        plan: what a first apply would do, with its estimates of cost.
        stages: provider by provider, what stood in for it.
        durations: minutes that each tuning job is said to take really, at least and at most; None
            where nobody tells.
        operations: in order.
        standing: what stood at the providers after apply.
        left: what still stood there after destroy.
        notes: what could not be rehearsed as it is declared, one sentence each.
        fault: what went wrong on purpose; empty for nothing.
        warnings: what the plan warns of.
        refusals: why the plan is refused.
        failures: what went wrong by itself.
    """

    project: str
    env: str
    plan: Plan
    stages: Mapping[str, str] = field(default_factory=dict)
    durations: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    checks: tuple[Check, ...] = ()
    standing: tuple[Standing, ...] = ()
    left: tuple[Standing, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    failures: tuple[Diagnostic, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return all(check.verdict is Verdict.PASSED for check in self.checks)

    @property
    def exit(self) -> Exit:
        """The exit code: 0, 3 where the plan is refused, 1 where a promise was broken."""
        if self.refusals:
            return Exit.REFUSED
        return Exit.DONE if self.passed else Exit.ERROR

    @property
    def billing(self) -> tuple[Standing, ...]:
        """What would go on billing if it were left after apply."""
        return tuple(one for one in self.standing if one.bills)
