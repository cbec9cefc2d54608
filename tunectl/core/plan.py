"""Decide what to do: a pure function from what is wanted, recorded and observed to a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import Enum

from tunectl.core.dataclass import dataclass
from tunectl.core.diff import Absent, Delta
from tunectl.core.errors import Source
from tunectl.core.money import Estimate
from tunectl.core.prompt_delta import PromptDelta
from tunectl.core.resource import Instance, Need, Resource
from tunectl.core.state import Intent, Lapse
from tunectl.core.value import Address, Plain, Value, canonical, refs, shown


class Action(Enum):
    """What happens to one object. The value is its symbol (Terraform's, where it has one)."""

    CREATE = "+"
    UPDATE = "~"
    REPLACE = "+/-"  # the new one first, then the old one goes
    RECREATE = "-/+"  # a fixed name: the old one must go first
    DELETE = "-"
    FORGET = "."
    ADOPT = "="  # it exists already: managed from now on, and nothing is made
    WAIT = "…"  # it is still being made; apply waits for it


class Cause(Enum):
    """Why: stable names, repeated in the JSON plan as `action_reason`."""

    NEW = "new"
    CHANGED = "update"
    CANNOT_UPDATE = "replace_because_cannot_update"
    OTHER_PROVIDER = "replace_because_provider"
    REQUESTED = "replace_by_request"
    VANISHED = "create_because_deleted_remotely"
    MISSING = "create_because_missing_locally"
    DEPENDANT = "create_for_dependant"
    UNDECLARED = "delete_because_no_resource_config"
    DESTROY = "delete_by_request"
    SUPERSEDED = "delete_because_superseded"
    REMOVED = "forget_by_removed_block"
    KEPT = "forget_because_keep_on_destroy"
    RUNNING = "still_running"
    IMPORTED = "import_by_block"
    REUSED = "reuse_of_equal_fingerprint"
    EXPIRED = "delete_because_expired"
    SHARED = "forget_because_shared"


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
class TokenDelta:
    """How much a job trains on before and after its rows changed.

    Attributes:
        before, after: the tokens of one pass over the training rows: at least, likely, at most.
        cost: what training on the rows of before would cost, at the prices of now.
    """

    before: tuple[int, int, int]
    after: tuple[int, int, int]
    cost: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    Attributes:
        before: the object as recorded, None for a create.
        after: what is wanted, None for a delete or forget.
        doomed: the object that ends, for replace, delete and forget.
        lapse: why it is not made again, for the end of what expired.
        lets_go: the old object of a replacement is forgotten instead of deleted.
        found: the object that is taken over, for an adoption.
        origin: the environment it was made in, for one that is reused or copied; empty for this
            one.
        original: the object of another account that the new one is a copy of.
        held: the old object of a replacement stays: something still uses it, or it is kept.
        needs: the addresses in this plan that come first.
        rows: how a dataset's rows changed; added by whoever can read datasets.
        notes: sentences for the reader.
        who: who approved it already: it goes on as soon as it can. Empty for what is new.
        uses: the models it refers to and that this plan leaves alone, running ones included.
        estimate: what making it costs or, for what is reused, what is saved; None where there is
            nothing to pay.
        tokens: what changed rows of a job do to its tokens, where they are paid for and known.
        prompt: what the change of a prompt template does to its tokens and examples.
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
    lapse: Lapse | None = None
    lets_go: bool = False
    found: Instance | None = None
    origin: str = ""
    original: Instance | None = None
    held: bool = False
    parent: Address | None = None
    rows: tuple[RowDelta, ...] = ()
    notes: tuple[str, ...] = ()
    who: str = ""
    uses: tuple[Need, ...] = ()
    estimate: Estimate | None = None
    tokens: TokenDelta | None = None
    prompt: PromptDelta | None = None

    @property
    def source(self) -> Source | None:
        """Where the resource is declared."""
        return self.after.source if self.after else None

    @property
    def saves(self) -> bool:
        """Whether its estimate is of what is saved: it is reused or copied instead of made."""
        return self.cause is Cause.REUSED or self.original is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """One output that will differ; `after` with references is known after apply.

    Attributes:
        declared: hash of what the declaration says, whatever is known of it.
        who: who approved it already; empty for what is new.
    """

    name: str
    before: Plain = None
    after: Value = None
    sensitive: bool = False
    gone: bool = False
    declared: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An object that is not as recorded.

    Attributes:
        gone: it does not exist any more.
        released: its going costs nothing: it is made again when something needs it.
        local: it is a file of the project, in nobody's account.
    """

    address: Address
    gone: bool
    released: bool = False
    local: bool = False
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
        noted: what the user says anew and only the record takes in (address, sentence).
        unchanged: how many resources stay as they are.
        refresh_only: nothing changes but the record, which takes over the drift.
        partial: only a part of the declaration was looked at (`--target`, `--exclude`).
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
    noted: tuple[tuple[Address, str], ...] = ()
    unchanged: int = 0
    destroy: bool = False
    refresh_only: bool = False
    partial: bool = False

    @property
    def empty(self) -> bool:
        """Whether apply would change nothing, the record of the user's word included."""
        accepted = self.refresh_only and self.drift
        changed = self.changes or self.outputs or self.moved or self.noted
        return not (changed or self.recover or accepted)

    def count(self, *actions: Action) -> int:
        """How many changes have one of these actions."""
        return sum(change.action in actions for change in self.changes)

    @property
    def adds(self) -> int:
        """Objects that will be made; a replacement counts here and under `destroys`."""
        return self.count(Action.CREATE, Action.REPLACE, Action.RECREATE)

    @property
    def forgets(self) -> int:
        """Objects that are let go and stay where they are."""
        return self.count(Action.FORGET) + sum(c.lets_go for c in self.changes)

    @property
    def adopts(self) -> int:
        """Objects that exist already and will be managed."""
        return self.count(Action.ADOPT)

    @property
    def updates(self) -> int:
        """Objects that will be changed in place."""
        return self.count(Action.UPDATE)

    @property
    def destroys(self) -> int:
        """Objects that will be deleted."""
        ends = (Action.DELETE, Action.REPLACE, Action.RECREATE, Action.ADOPT)
        return sum(
            c.action in ends and c.doomed is not None and not c.held and not c.lets_go
            for c in self.changes
        )

    @property
    def digest(self) -> str:
        """sha256 over what changes alone: not serial, clock, prices or tool version.

        What somebody approved already and what is only waited for stand outside: whether a job
        has finished meanwhile makes no difference.
        """
        lines = sorted(canonical(_binding(change)) for change in self._new)
        head = canonical(
            {
                "env": self.env,
                "accounts": dict(self.accounts),
                "moved": tuple((str(before), str(after)) for before, after in self.moved),
                "outputs": {o.name: _output(o) for o in self.outputs if not o.who},
                **self._accepted(),
                **({"noted": tuple(sorted(_told(self.noted)))} if self.noted else {}),
            }
        )
        return "sha256:" + hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()

    @property
    def lines(self) -> Mapping[str, str]:
        """What the digest is over, one line for each change, with a hash of its details."""
        return {
            f"{change.action.value} {change.address}": hashlib.sha256(
                canonical(_binding(change)).encode()
            ).hexdigest()
            for change in self._new
        } | dict.fromkeys(_told(self.noted), "")

    @property
    def _new(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if c.action is not Action.WAIT and not c.who)

    def _accepted(self) -> dict[str, Plain]:
        if not self.refresh_only:
            return {}
        return {"accepted": {str(d.address): _drifted(d) for d in self.drift}}


def _told(noted: Iterable[tuple[Address, str]]) -> Iterable[str]:
    return (f"recorded only: {address}: {sentence}" for address, sentence in noted)


def _drifted(drift: Drift) -> Plain:
    return None if drift.gone else _differences(drift.deltas)


def _binding(change: Change) -> dict[str, Plain]:
    found: dict[str, Plain] = {"found": change.found.id} if change.found else {}
    if change.original is not None:
        found["original"] = {"account": change.original.account, "id": change.original.id}
    if change.uses:
        found["uses"] = {str(need.address): need.id for need in change.uses}
    return found | {
        "address": str(change.address),
        "provider": change.provider,
        "action": change.action.value,
        "fingerprint": change.after.fingerprint if change.after else None,
        "before": change.before.id if change.before else None,
        "doomed": change.doomed.id if change.doomed else None,
        "held": change.held,
        **({"lets_go": True} if change.lets_go else {}),
        "deltas": _differences(
            [_as_declared(change, d) for d in change.deltas] if change.uses else change.deltas
        ),
    }


def _as_declared(change: Change, delta: Delta) -> Delta:
    """What comes of a model is bound by the model's id: its outputs may become known meanwhile."""
    declared = change.after.spec.get(delta.path[0]) if change.after else None
    models = {need.address for need in change.uses}
    if any(ref.address in models for ref in refs(declared)):
        return replace(delta, after=declared)
    return delta


def _output(output: OutputChange) -> Plain:
    return None if output.gone else output.declared or _side(output.after)


def _differences(deltas: Iterable[Delta]) -> Plain:
    return tuple(
        {"path": d.path, "before": _side(d.before), "after": _side(d.after)} for d in deltas
    )


def _side(value: Value | Absent) -> Plain:
    return {"absent": True} if isinstance(value, Absent) else {"is": shown(value)}
