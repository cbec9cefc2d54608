"""apply and destroy: plan under the lock, ask, execute, and go on when what runs is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tunectl.app import planfile
from tunectl.app.acting import Actor, actor
from tunectl.app.interrupting import interruptible
from tunectl.app.options import Aim, Options
from tunectl.app.planning import Planned
from tunectl.app.publishing import write_files
from tunectl.app.rounds import Rounds
from tunectl.app.tallying import Ended
from tunectl.app.workspace import Workspace, locked, open_workspace
from tunectl.core.approval import Approval
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit, Interrupted, LockError, strongest
from tunectl.core.event import Event
from tunectl.core.plan import Plan
from tunectl.core.resource import Instance, Status
from tunectl.core.state import State, fold
from tunectl.core.steps import Verb
from tunectl.core.underway import approval_of, busy
from tunectl.core.value import Address, Plain
from tunectl.engine.run import mint

_NAMED = 20  # addresses that an interruption names


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply did.

    Attributes:
        remains: records that stay at a provider and bill nothing, one sentence each.
        running: objects that are still being made.
        failures: what went wrong.
        aside: approved addresses where the change is no longer the approved one.
        ended: how each address ended.
        exit: the process's exit code.
    """

    plan: Plan
    state: State
    added: int = 0
    imported: int = 0
    changed: int = 0
    destroyed: int = 0
    forgotten: int = 0
    remains: tuple[str, ...] = ()
    outputs: Mapping[str, Plain] = field(default_factory=dict)
    running: tuple[Instance, ...] = ()
    failures: tuple[Diagnostic, ...] = ()
    aside: tuple[Address, ...] = ()
    skipped: int = 0
    ended: Ended = field(default_factory=Ended)
    exit: Exit = Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How an apply was asked for.

    Attributes:
        expect_digest: `sha256:…` of the plan that was reviewed; None for any. An empty text is
            none at all: a variable that is not set would lift the check.
        actor: who approves; found out where not given.
        together: what `on_event` is called with inside of it is known at the same time.
        retry_unknown: resources of which another may be made although nothing tells whether an
            interrupted step already made one.
    """

    approve: Callable[[Planned], None]
    on_event: Callable[[Event], None]
    planned_file: Path | None = None
    expect_digest: str | None = None
    aim: Aim = field(default_factory=Aim)
    actor: Actor | None = None
    retry_unknown: tuple[str, ...] = ()
    wait: bool = True
    on_interrupt: Callable[[], None] = lambda: None
    together: Callable[[], AbstractContextManager[object]] = nullcontext


def apply(options: Options, asked: Asked) -> Applied:
    """Make the world as declared, or empty it.

    The lock is held while something is done, and not while jobs run.

    Raises:
        ConfigError, Refused, ProviderError, StateError: nothing was begun. A PlanRefused carries
            the plan.
        LockError: the plan touches what is under way; or the lock is held by another, or was lost.
        StaleError: a saved plan, or an expected digest, no longer holds.
        Interrupted: stopped by the user; everything is stored.
    """
    stored = planfile.read(asked.planned_file) if asked.planned_file else None
    if stored is not None:
        options = replace(
            options,
            env=stored.plan.env,
            variables={**stored.variables, **options.variables},
            var_files=(*(Path(p) for p in stored.var_files), *options.var_files),
        )
        asked = replace(asked, aim=stored.aim)
    workspace = open_workspace(options)
    operation = "destroy" if asked.aim.destroy else "apply"
    with interruptible(asked.on_interrupt) as stop:
        with locked(workspace, operation) as (lease, recorded):
            wait, retry = asked.wait, asked.retry_unknown
            rounds = Rounds(
                workspace,
                recorded,
                asked.on_event,
                stop,
                wait=wait,
                retry_unknown=retry,
                together=asked.together,
            )
            planned = rounds.planned(recorded, asked.aim)
            _check(planned, asked, stored)
            if stop.is_set():
                raise Interrupted.of("interrupted; nothing was begun", hint="run it again")
            asked.approve(planned)
            if planned.plan.refresh_only:
                return _refreshed(workspace, planned)
            if planned.plan.empty:
                return _unchanged(workspace, planned, rounds.state)
            rounds.execute(planned, lease, _approvals(workspace, planned, asked))
        if wait and not asked.aim.destroy:
            rounds.until_done(operation)
    return finished(planned.plan, rounds, asked.on_event, stop)


def _check(planned: Planned, asked: Asked, stored: planfile.PlanFile | None) -> None:
    """Refuse what cannot be done now, or is not what was reviewed."""
    if problems := tuple(busy(planned.plan, planned.state)):
        raise LockError(problems)
    if stored is not None:
        planfile.check(stored, planned.plan)
    if asked.expect_digest is not None:
        planfile.check_digest(asked.expect_digest, planned.plan, Path(planned.project.root))


def _approvals(workspace: Workspace, planned: Planned, asked: Asked) -> tuple[Approval, ...]:
    """The approval of a plan; none of a destroy: nothing of it is ever waited for."""
    if planned.plan.destroy:
        return ()
    by, options = asked.actor or actor(), workspace.options
    sensitive = workspace.project.sensitive
    made = approval_of(
        planned.plan,
        planned.state,
        id_=mint(),
        who=by.who,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return (
        replace(
            made,
            info=by.info,
            aim=asdict(asked.aim),
            variables={k: v for k, v in options.variables.items() if k not in sensitive},
            var_files=tuple(str(p) for p in options.var_files),
        ),
    )


def _refreshed(workspace: Workspace, planned: Planned) -> Applied:
    """Take over into the record what was changed or deleted outside of tunectl."""
    state = workspace.ledger.save(fold(planned.state, planned.accepted))
    workspace.agree(state, fulfilled=False)
    return Applied(plan=planned.plan, state=state, outputs=state.outputs)


def _unchanged(workspace: Workspace, planned: Planned, before: State) -> Applied:
    """Store what the record caught up with, and write files that are missing or old.

    Where the whole declaration is fulfilled, nothing of any approval can be left.
    """
    state, fulfilled = planned.state, not planned.plan.partial and not planned.plan.blocked
    if fulfilled:
        state = replace(state, approvals=())
    if state != before:
        state = workspace.ledger.save(state)
    workspace.agree(state, fulfilled=fulfilled)
    if not planned.plan.destroy:
        write_files(workspace.project, state.outputs)
    return Applied(
        plan=planned.plan, state=state, outputs=state.outputs, exit=_blocked(planned.plan)
    )


def finished(
    plan: Plan, rounds: Rounds, on_event: Callable[[Event], None], stop: threading.Event
) -> Applied:
    """Say how all rounds of a command ended.

    Raises:
        Interrupted: the user stopped it, and something is left.
    """
    not_begun = list(rounds.tally.skipped())
    for event in not_begun:
        on_event(event)
    skipped = len({e.address for e in not_begun})
    running = rounds.pending()
    if stop.is_set():
        raise _interrupted(rounds.state, sorted({e.address for e in not_begun}))
    codes = [_blocked(plan)]
    if rounds.failures:
        codes.append(Exit.PARTIAL if rounds.tally.any_done else Exit.ERROR)
        telling = {Exit.CREDENTIALS, Exit.STALE}
        codes.extend(d.exit for d in rounds.failures if d.exit in telling)
    if running:
        codes.append(Exit.RUNNING)
    tally, state = rounds.tally, rounds.state
    return Applied(
        plan=plan,
        state=state,
        added=tally.done(Verb.CREATE),
        imported=tally.done(Verb.ADOPT),
        changed=tally.done(Verb.UPDATE),
        destroyed=tally.done(Verb.DELETE),
        forgotten=tally.done(Verb.FORGET),
        remains=tuple(tally.remains),
        outputs=state.outputs,
        running=running,
        failures=tuple(rounds.failures),
        aside=tuple(sorted({c.address for c in rounds.aside})),
        skipped=skipped,
        ended=rounds.tally.ended(i.address for i in running),
        exit=strongest(codes),
    )


def _blocked(plan: Plan) -> Exit:
    return Exit.ERROR if plan.blocked else Exit.DONE


def _interrupted(state: State, skipped: list[Address]) -> Interrupted:
    running = [i for i in state.instances.values() if i.status is Status.PENDING]
    lines = [f"`{i.address}` goes on running as {i.id}" for i in running]
    if skipped:
        named = ", ".join(f"`{a}`" for a in skipped[:_NAMED])
        more = f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
        word = "change was" if len(skipped) == 1 else "changes were"
        lines.append(f"{len(skipped)} {word} not begun: {named}{more}")
    return Interrupted.of(
        "interrupted; everything done so far is stored",
        detail="\n".join(lines),
        hint="run `tunectl apply` again to go on"
        + (", `tunectl wait` to only wait, or later `tunectl resume`" if running else ""),
    )
