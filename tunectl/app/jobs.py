"""Long jobs: wait for them, read their events, cancel them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from tunectl.app.interrupting import interruptible
from tunectl.app.options import Options
from tunectl.app.reading import instance
from tunectl.app.workspace import Workspace, locked, open_workspace
from tunectl.core.errors import ConfigError, Interrupted
from tunectl.core.event import Event
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.ports import Cancellable, Connect, Events, Handler, JobEvent
from tunectl.core.resource import Instance, Status
from tunectl.core.state import Settled, State
from tunectl.engine.apply import Execution
from tunectl.engine.run import Tools

_POLL = 1.0  # seconds between looks at a followed job


def wait(
    options: Options,
    address: str | None,
    on_event: Callable[[Event], None],
    on_interrupt: Callable[[], None] = lambda: None,
) -> tuple[State, Execution]:
    """Wait until pending objects are settled, and record how. Starts and changes nothing.

    Args:
        options: which project.
        address: the one to wait for; None for all.
        on_event: told what happens.
        on_interrupt: told of the first Ctrl-C.

    Raises:
        ConfigError: nothing is recorded at the address.
        Interrupted: stopped by the user; the objects go on.
    """
    workspace = open_workspace(options)
    with (
        interruptible(on_interrupt) as stop,
        locked(workspace, "wait") as (lease, state),
    ):
        chosen = [instance(state, address)] if address else list(state.instances.values())
        pending = [i for i in chosen if i.status is Status.PENDING]
        if not pending:
            return state, Execution(_waiting(state, []), state, _tools(workspace, state))
        saved = workspace.ledger.save(state)
        tools = replace(_tools(workspace, saved), stop=stop, hold=lease.check)
        execution = Execution(_waiting(saved, pending), saved, tools)
        try:
            for event in execution.events():
                on_event(event)
        finally:
            saved = workspace.ledger.save(execution.state)
        if execution.outcome.fatal is not None:
            raise execution.outcome.fatal
        if stop.is_set() and execution.outcome.detached:
            raise Interrupted.of(
                "stopped waiting; the jobs go on", hint="run `tunectl wait` or `tunectl apply`"
            )
    return saved, execution


def _tools(workspace: Workspace, state: State) -> Tools:
    return Tools(
        connect=workspace.connector(state),
        journal=workspace.ledger.journal(state),
        reader=workspace.reader,
        clock=lambda: datetime.now(UTC),
    )


def _waiting(state: State, pending: list[Instance]) -> Plan:
    changes = tuple(
        Change(
            address=i.address,
            provider=i.provider,
            action=Action.WAIT,
            cause=Cause.RUNNING,
            before=i,
        )
        for i in pending
    )
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        project=state.project,
        env=state.env,
        changes=changes,
    )


def _handler(workspace: Workspace, state: State, found: Instance) -> tuple[Connect, Handler]:
    connect = workspace.connector(state)
    return connect, connect(found.provider).handlers[found.address.kind]


def logs(options: Options, address: str, *, follow: bool = False) -> Iterator[JobEvent]:
    """Yield a job's events; with `follow` until it is settled.

    Raises:
        ConfigError: nothing is recorded there, or it has no events.
        ProviderError: the provider could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    found = instance(state, address)
    _, handler = _handler(workspace, state, found)
    if not hasattr(handler, "events"):
        raise ConfigError.of(
            f"`{found.address}` has no log",
            hint="tuning jobs have one: `tunectl logs tuning_job.NAME`",
        )
    source = cast("Events", handler)
    since: str | None = None
    while True:
        for event in source.events(found, since):
            since = event.id
            yield event
        if not follow or found.status is not Status.PENDING:
            return
        time.sleep(_POLL)
        found = handler.poll(found)


def cancel(options: Options, address: str) -> Instance:
    """Cancel a running job and record it.

    Raises:
        ConfigError: nothing is recorded there, it is settled already, or cannot be cancelled.
        ProviderError: the provider refused or could not be asked.
    """
    workspace = open_workspace(options)
    with locked(workspace, "cancel") as (_, recorded):
        state = recorded
        found = instance(state, address)
        _, handler = _handler(workspace, state, found)
        if not hasattr(handler, "cancel"):
            raise ConfigError.of(
                f"`{found.address}` cannot be cancelled: it is no job",
                hint="tuning jobs can be: `tunectl cancel tuning_job.NAME`",
            )
        now = handler.poll(found) if found.status is Status.PENDING else found
        if now.status is not Status.PENDING:
            raise ConfigError.of(
                f"`{address}` is not running: it is {now.status.value}",
                hint="nothing was changed",
            )
        now = cast("Cancellable", handler).cancel(now)
        state = workspace.ledger.save(state)
        workspace.ledger.journal(state).append(Settled("", now))
        workspace.ledger.save(replace(state, instances={**state.instances, now.address: now}))
        return now
