"""apply and destroy: plan under the lock, ask, execute, store, publish."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tunectl.app import planfile
from tunectl.app.connecting import Connector
from tunectl.app.interrupting import interruptible
from tunectl.app.options import Aim, Options
from tunectl.app.planning import Planned, addresses, plan_for
from tunectl.app.publishing import publish, write_files
from tunectl.app.workspace import Workspace, locked, open_workspace
from tunectl.core.errors import Diagnostic, Exit, Interrupted, strongest
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Action, Plan
from tunectl.core.ports import Lease
from tunectl.core.resource import Instance, Status
from tunectl.core.state import Renamed, State, fold
from tunectl.core.steps import Verb
from tunectl.core.value import Address, Plain
from tunectl.engine.apply import Execution
from tunectl.engine.recover import recover
from tunectl.engine.run import Run, Tools

_SETTLE = 2.0  # seconds before a provider's listing is trusted about what it does not show


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What an apply did.

    Attributes:
        remains: records that stay at a provider and bill nothing, one sentence each.
        running: objects that are still being made.
        failures: what went wrong.
        exit: the process's exit code.
    """

    plan: Plan
    state: State
    added: int = 0
    changed: int = 0
    destroyed: int = 0
    forgotten: int = 0
    remains: tuple[str, ...] = ()
    outputs: Mapping[str, Plain] = field(default_factory=dict)
    running: tuple[Instance, ...] = ()
    failures: tuple[Diagnostic, ...] = ()
    skipped: int = 0
    exit: Exit = Exit.DONE


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How an apply was asked for.

    Attributes:
        retry_unknown: resources of which another may be made although nothing tells whether an
            interrupted step already made one.
    """

    approve: Callable[[Planned], None]
    on_event: Callable[[Event], None]
    planned_file: Path | None = None
    aim: Aim = field(default_factory=Aim)
    retry_unknown: tuple[str, ...] = ()
    wait: bool = True
    on_interrupt: Callable[[], None] = lambda: None


def apply(options: Options, asked: Asked) -> Applied:
    """Make the world as declared, or empty it.

    Raises:
        ConfigError, Refused, ProviderError, StateError: nothing was begun.
        StaleError: a saved plan no longer holds.
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
    with (
        interruptible(asked.on_interrupt) as stop,
        locked(workspace, "destroy" if asked.aim.destroy else "apply") as (lease, recorded),
    ):
        connect = workspace.connector(recorded)
        state = _recovered(workspace, recorded, connect, asked)
        planned = plan_for(workspace, state, connect, asked.aim)
        if stored is not None:
            planfile.check(stored, planned.plan)
        if stop.is_set():
            raise Interrupted.of("interrupted; nothing was begun", hint="run it again")
        asked.approve(planned)
        if planned.plan.empty:
            return _unchanged(workspace, planned, state)
        return _executed(workspace, planned, connect, asked, lease, stop)


def _unchanged(workspace: Workspace, planned: Planned, before: State) -> Applied:
    """Store what the record caught up with, and write files that are missing or old."""
    state = planned.state
    if state != before:
        state = workspace.ledger.save(state)
    if not planned.plan.destroy:
        write_files(workspace.project, state.outputs)
    return Applied(
        plan=planned.plan, state=state, outputs=state.outputs, exit=_blocked(planned.plan)
    )


def _recovered(workspace: Workspace, state: State, connect: Connector, asked: Asked) -> State:
    """Settle what an interrupted apply left open, before anything is planned."""
    if not state.intents:
        return state
    state = workspace.ledger.save(state)
    run = Run(state, _tools(workspace, state, connect, asked))
    retry = addresses(asked.retry_unknown)
    for event in recover(run, workspace.project, lambda: time.sleep(_SETTLE), retry):
        asked.on_event(event)
    return workspace.ledger.save(run.state)


def _executed(
    workspace: Workspace,
    planned: Planned,
    connect: Connector,
    asked: Asked,
    lease: Lease,
    stop: threading.Event,
) -> Applied:
    plan = planned.plan
    names = {c.provider for c in plan.changes} | {i.provider for i in planned.state.everything}
    recorded = {**planned.state.providers, **connect.recorded(names)}
    state = workspace.ledger.save(replace(planned.state, providers=recorded))
    tools = replace(
        _tools(workspace, state, connect, asked), stop=stop, wait=asked.wait, hold=lease.check
    )
    moves = [Renamed(before, after) for before, after in plan.moved]
    for move in moves:
        tools.journal.append(move)
    execution = Execution(plan, fold(state, moves), tools)
    tally = _Tally({c.address: c.action for c in plan.changes if c.action in _WAITED})
    try:
        for change in plan.changes:
            if change.after is not None and change.address in workspace.datasets:
                workspace.keep_rows(change.address)
        for event in execution.events():
            tally.count(event)
            asked.on_event(event)
        if not execution.outcome.failures and not execution.outcome.skipped:
            publish(execution.run, workspace.project, destroy=plan.destroy)
    finally:
        state = workspace.ledger.save(_pruned(execution.state))
    if execution.outcome.fatal is not None:
        raise execution.outcome.fatal
    if stop.is_set():
        raise _interrupted(state, execution)
    return _applied(plan, state, execution, tally)


def _tools(workspace: Workspace, state: State, connect: Connector, asked: Asked) -> Tools:
    return Tools(
        connect=connect,
        journal=workspace.ledger.journal(state),
        reader=workspace.reader,
        clock=lambda: datetime.now(UTC),
        wait=asked.wait,
        parallelism=workspace.options.parallelism,
    )


def _pruned(state: State) -> State:
    """Forget the settings of providers that hold nothing any more."""
    used = {i.provider for i in state.everything} | {i.provider for i in state.intents}
    return replace(state, providers={n: a for n, a in state.providers.items() if n in used})


@dataclass
class _Tally:
    """Counts what completed; what only was waited for counts nowhere."""

    actions: Mapping[Address, Action]
    done: dict[Verb, int] = field(default_factory=dict)
    remains: list[str] = field(default_factory=list)

    def count(self, event: Event) -> None:
        if event.phase is Phase.REMAINS:
            self.remains.append(event.message)
        elif event.phase is Phase.COMPLETE:
            verb = event.verb
            if verb is Verb.WAIT:
                verb = (
                    _WAITED[self.actions[event.address]] if event.address in self.actions else verb
                )
            self.done[verb] = self.done.get(verb, 0) + 1


_WAITED = {
    Action.CREATE: Verb.CREATE,
    Action.REPLACE: Verb.CREATE,
    Action.RECREATE: Verb.CREATE,
    Action.UPDATE: Verb.UPDATE,
}


def _applied(plan: Plan, state: State, execution: Execution, tally: _Tally) -> Applied:
    outcome = execution.outcome
    running = tuple(
        state.instances[s.address] for s in outcome.detached if s.address in state.instances
    )
    codes = [_blocked(plan)]
    if outcome.failures:
        codes.append(Exit.PARTIAL if outcome.done else Exit.ERROR)
        codes.extend(d.exit for d in outcome.failures if d.exit is Exit.CREDENTIALS)
    if running:
        codes.append(Exit.RUNNING)
    return Applied(
        plan=plan,
        state=state,
        added=tally.done.get(Verb.CREATE, 0),
        changed=tally.done.get(Verb.UPDATE, 0),
        destroyed=tally.done.get(Verb.DELETE, 0),
        forgotten=tally.done.get(Verb.FORGET, 0),
        remains=tuple(tally.remains),
        outputs=state.outputs,
        running=running,
        failures=tuple(outcome.failures),
        skipped=len({s.address for s in outcome.skipped} - outcome.begun),
        exit=strongest(codes),
    )


def _blocked(plan: Plan) -> Exit:
    return Exit.ERROR if plan.blocked else Exit.DONE


def _interrupted(state: State, execution: Execution) -> Interrupted:
    running = [i for i in state.instances.values() if i.status is Status.PENDING]
    lines = [f"`{i.address}` goes on running as {i.id}" for i in running]
    left = len({s.address for s in execution.outcome.skipped} - execution.outcome.begun)
    if left:
        lines.append(f"{left} {'change was' if left == 1 else 'changes were'} not begun")
    return Interrupted.of(
        "interrupted; everything done so far is stored",
        detail="\n".join(lines),
        hint="run `tunectl apply` again to go on"
        + (", or `tunectl wait` to only wait" if running else ""),
    )
