"""Decide what to do: a pure function from what is wanted, recorded and observed to a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tunectl.core.diff import Absent, Delta
from tunectl.core.errors import Source
from tunectl.core.resource import Instance, Resource
from tunectl.core.state import Intent
from tunectl.core.value import Address, Plain, Value, canonical, shown


class Action(Enum):
    """What happens to one object. The value is its symbol (Terraform's, where it has one)."""

    CREATE = "+"
    UPDATE = "~"
    REPLACE = "+/-"  # the new one first, then the old one goes
    RECREATE = "-/+"  # a fixed name: the old one must go first
    DELETE = "-"
    FORGET = "."
    WAIT = "…"  # it is still being made; apply waits for it


class Cause(Enum):
    """Why: stable names, repeated in the JSON plan as `action_reason`."""

    NEW = "new"
    CHANGED = "update"
    CANNOT_UPDATE = "replace_because_cannot_update"
    OTHER_PROVIDER = "replace_because_provider"
    REQUESTED = "replace_by_request"
    VANISHED = "create_because_deleted_remotely"
    DEPENDANT = "create_for_dependant"
    UNDECLARED = "delete_because_no_resource_config"
    DESTROY = "delete_by_request"
    SUPERSEDED = "delete_because_superseded"
    REMOVED = "forget_by_removed_block"
    KEPT = "forget_because_keep_on_destroy"
    RUNNING = "still_running"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDelta:
    """How the rows of one split changed.

    Attributes:
        lines: `file:line` of added and changed rows, the first 20.
    """

    split: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    Attributes:
        before: the object as recorded, None for a create.
        after: what is wanted, None for a delete or forget.
        doomed: the object that ends, for replace, delete and forget.
        held: the old object of a replacement stays: something still uses it, or it is kept.
        needs: the addresses in this plan that come first.
        rows: how a dataset's rows changed; added by whoever can read datasets.
        notes: sentences for the reader.
    """

    address: Address
    provider: str
    action: Action
    cause: Cause
    before: Instance | None = None
    after: Resource | None = None
    deltas: tuple[Delta, ...] = ()
    needs: tuple[Address, ...] = ()
    doomed: Instance | None = None
    held: bool = False
    parent: Address | None = None
    rows: tuple[RowDelta, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> Source | None:
        """Where the resource is declared."""
        return self.after.source if self.after else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """One output that will differ; `after` with references is known after apply."""

    name: str
    before: Plain = None
    after: Value = None
    sensitive: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An object that is not as recorded.

    Attributes:
        gone: it does not exist any more.
        released: its going costs nothing: it is made again when something needs it.
    """

    address: Address
    gone: bool
    released: bool = False
    deltas: tuple[Delta, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A resource that cannot go on until a person acts."""

    address: Address
    reason: str
    hint: str = ""
    by: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What apply would do, bound to one state.

    Attributes:
        changes: in an order in which they could be applied.
        moved: addresses that changed without touching the object.
        recover: intents of an interrupted apply, settled first.
        notes: what was noticed and changes nothing (address, sentence).
        unchanged: how many resources stay as they are.
    """

    lineage: str
    serial: int
    project: str
    env: str
    accounts: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    moved: tuple[tuple[Address, Address], ...] = ()
    drift: tuple[Drift, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    recover: tuple[Intent, ...] = ()
    notes: tuple[tuple[Address, str], ...] = ()
    unchanged: int = 0
    destroy: bool = False

    @property
    def empty(self) -> bool:
        """Whether apply would change nothing."""
        return not (self.changes or self.outputs or self.moved or self.recover)

    def count(self, *actions: Action) -> int:
        """How many changes have one of these actions."""
        return sum(change.action in actions for change in self.changes)

    @property
    def adds(self) -> int:
        """Objects that will be made; a replacement counts here and under `destroys`."""
        return self.count(Action.CREATE, Action.REPLACE, Action.RECREATE)

    @property
    def updates(self) -> int:
        """Objects that will be changed in place."""
        return self.count(Action.UPDATE)

    @property
    def destroys(self) -> int:
        """Objects that will be deleted."""
        held = sum(change.held for change in self.changes)
        return self.count(Action.DELETE, Action.REPLACE, Action.RECREATE) - held

    @property
    def digest(self) -> str:
        """sha256 over what changes alone: not serial, clock, prices or tool version."""
        lines = sorted(canonical(_binding(change)) for change in self.changes)
        head = canonical(
            {
                "env": self.env,
                "accounts": dict(self.accounts),
                "moved": tuple((str(before), str(after)) for before, after in self.moved),
                "outputs": {o.name: None if o.gone else _side(o.after) for o in self.outputs},
            }
        )
        return "sha256:" + hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()


def _binding(change: Change) -> dict[str, Plain]:
    return {
        "address": str(change.address),
        "provider": change.provider,
        "action": change.action.value,
        "fingerprint": change.after.fingerprint if change.after else None,
        "before": change.before.id if change.before else None,
        "doomed": change.doomed.id if change.doomed else None,
        "held": change.held,
        "deltas": tuple(
            {"path": d.path, "before": _side(d.before), "after": _side(d.after)}
            for d in change.deltas
        ),
    }


def _side(value: Value | Absent) -> Plain:
    return {"absent": True} if isinstance(value, Absent) else {"is": shown(value)}
