"""What an apply tells while it runs: for display and for machines, never for deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic
from tunectl.core.steps import Verb
from tunectl.core.value import Address, Plain


class Phase(Enum):
    """Where a step is. Values are the NDJSON stream's types, Terraform's where it has one."""

    START = "apply_start"
    PROGRESS = "apply_progress"
    COMPLETE = "apply_complete"
    ERRORED = "apply_errored"
    SKIPPED = "apply_skipped"  # something it needs did not succeed
    DETACHED = "apply_detached"  # still running remotely; a later apply goes on
    RECOVERED = "apply_recovered"  # an interrupted step was settled
    REMAINS = "apply_remains"  # a record that cannot be deleted, and bills nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        id: the remote object's id, once known.
        elapsed: seconds since the step began.
        detail: numbers for a progress bar (`step`, `total_steps`, `train_loss`, `valid_loss`,
            `seconds_left`), or what remains (`what`).
        message: one sentence for people.
    """

    phase: Phase
    address: Address
    verb: Verb
    id: str = ""
    elapsed: float = 0.0
    message: str = ""
    detail: Mapping[str, Plain] = field(default_factory=dict)
    error: Diagnostic | None = None
