"""resume: go on with what was approved, as far as running objects let it; start nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.app.applying import Applied, finished
from tunectl.app.interrupting import interruptible
from tunectl.app.options import Options
from tunectl.app.rounds import Rounds
from tunectl.app.workspace import locked, open_record, open_workspace
from tunectl.core.approval import Approval
from tunectl.core.event import Event
from tunectl.core.plan import Plan
from tunectl.core.resource import Instance, Status
from tunectl.core.state import State


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """What one resume did for the approvals that share their variables.

    Attributes:
        approvals: what it went on with.
        applied: what it did.
        hidden: names of sensitive outputs.
    """

    approvals: tuple[Approval, ...]
    applied: Applied
    hidden: frozenset[str] = frozenset()


def resume(
    options: Options,
    on_event: Callable[[Event], None],
    on_interrupt: Callable[[], None] = lambda: None,
) -> Iterator[Resumed]:
    """Go on with every open approval: record what ended, move and delete as approved, publish.

    Nothing is started that was not approved, and no job is bought again. A plan is made from the
    declaration as it is now, with the variables the approval was given; where it is not the
    approved one any more, it is left aside.

    Yields:
        one for each set of variables; nothing when nothing is under way.

    Raises:
        LockError: the lock is held by another.
        Interrupted: stopped by the user; everything is stored.
        TunectlError: as planning and executing do.
    """
    _, ledger = open_record(options)
    for told, ids in _groups(ledger.load()).items():
        yield _resumed(_with(options, *told), ids, on_event, on_interrupt)


_Told = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]


def _groups(state: State) -> Mapping[_Told, frozenset[str]]:
    found: dict[_Told, frozenset[str]] = {}
    for approval in state.approvals:
        told = (tuple(sorted(approval.variables.items())), approval.var_files)
        found[told] = found.get(told, frozenset()) | {approval.id}
    return found


def _with(
    options: Options, variables: tuple[tuple[str, str], ...], var_files: tuple[str, ...]
) -> Options:
    """What is given now has the last word: values that are never stored must be given again."""
    return replace(
        options,
        variables={**dict(variables), **options.variables},
        var_files=(*(Path(p) for p in var_files), *options.var_files),
    )


def _resumed(
    options: Options,
    ids: frozenset[str],
    on_event: Callable[[Event], None],
    on_interrupt: Callable[[], None],
) -> Resumed:
    workspace = open_workspace(options)
    with (
        interruptible(on_interrupt) as stop,
        locked(workspace, "resume") as (lease, recorded),
    ):
        rounds = Rounds(workspace, recorded, on_event, stop, wait=False)
        mine = tuple(a for a in recorded.approvals if a.id in ids)
        if mine:
            rounds.again(recorded, lease, mine, _waited(recorded, mine))
        nothing = Plan(
            lineage=recorded.lineage,
            serial=recorded.serial,
            project=recorded.project,
            env=recorded.env,
        )
        applied = finished(nothing, rounds, on_event, stop)
    hidden = frozenset(o.name for o in workspace.project.outputs if o.sensitive)
    return Resumed(approvals=mine, applied=applied, hidden=hidden)


def _waited(state: State, approvals: tuple[Approval, ...]) -> list[Instance]:
    waited = {a for approval in approvals for a in approval.left}
    return [i for a, i in state.instances.items() if a in waited and i.status is Status.PENDING]
