"""Long jobs: wait for them, read their events, cancel them."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from tunectl.app.interrupting import interruptible
from tunectl.app.options import Options
from tunectl.app.reading import applied
from tunectl.app.waiting import Stopped, ended, retaken
from tunectl.app.workspace import Workspace, locked, open_workspace
from tunectl.core.abilities import Cancellable, Results
from tunectl.core.errors import ConfigError, Diagnostic, Interrupted
from tunectl.core.event import Event
from tunectl.core.ports import Connect, Events, Handler, JobEvent
from tunectl.core.resource import Instance, Status
from tunectl.core.state import Settled, State, fold
from tunectl.core.underway import without_lost
from tunectl.engine.watch import Watch

_POLL = 1.0  # seconds between looks at a followed job
_LINGER = 0.5  # seconds to look for others that end together with one


def wait(
    options: Options,
    address: str | None,
    on_event: Callable[[Event], None],
    on_interrupt: Callable[[], None] = lambda: None,
) -> tuple[Diagnostic, ...]:
    """Wait until pending objects are settled, and record how. Starts and changes nothing.

    Looks without the lock, so that others can go on; takes it for a moment to record.

    Args:
        options: which project.
        address: the one to wait for; None for all.
        on_event: told what happens.
        on_interrupt: told of the first Ctrl-C.

    Returns:
        what failed, was cancelled, or was deleted meanwhile.

    Raises:
        ConfigError: nothing is recorded at the address.
        Interrupted: stopped by the user; the objects go on.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    chosen = [applied(workspace, state, address)] if address else list(state.instances.values())
    pending = [i for i in chosen if i.status is Status.PENDING]
    failures: list[Diagnostic] = []
    with interruptible(on_interrupt) as stop:
        watch = Watch(workspace.connector(state), stop)
        while pending and not stop.is_set():
            for event in watch.until_settled(pending, _LINGER):
                on_event(event)
            settled = [i for i in pending if not watch.runs(i)]
            if stop.is_set() or not settled:
                break
            try:
                with retaken(workspace, "wait", stop) as (_, now):
                    state = _recorded(workspace, now, [watch.seen(i) for i in settled])
            except Stopped:
                break
            for event in _endings(settled, state, watch):
                on_event(event)
                failures.extend([event.error] if event.error else [])
            pending = [i for i in pending if i not in settled]
        if pending and stop.is_set():
            raise Interrupted.of(
                "stopped waiting; the jobs go on", hint="run `tunectl wait` or `tunectl apply`"
            )
    return tuple(failures)


def _endings(settled: Sequence[Instance], state: State, watch: Watch) -> Iterator[Event]:
    for before in settled:
        now = None if watch.gone(before) else state.instances.get(before.address)
        event = ended(before, now, watch)
        if event is not None:
            yield event


def _recorded(workspace: Workspace, state: State, seen: Sequence[Instance]) -> State:
    """Store how objects ended, where they are still what is recorded."""
    entries = tuple(
        Settled("", replace(state.instances[i.address], **_ending(i)))
        for i in seen
        if i.address in state.instances and state.instances[i.address].id == i.id
    )
    return workspace.ledger.save(fold(state, entries)) if entries else state


def _ending(seen: Instance) -> dict[str, Any]:
    return {
        "outputs": seen.outputs,
        "status": seen.status,
        "progress": seen.progress,
        "reason": seen.reason,
    }


def _handler(workspace: Workspace, state: State, found: Instance) -> tuple[Connect, Handler]:
    connect = workspace.connector(state)
    return connect, connect(found.provider).handlers[found.address.kind]


def logs(options: Options, address: str, *, follow: bool = False) -> Iterator[JobEvent]:
    """Yield a job's events; with `follow` until it is settled. Then what it leaves to look at.

    Raises:
        ConfigError: nothing is recorded there, or it has no events.
        ProviderError: the provider could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    found = applied(workspace, state, address)
    _, handler = _handler(workspace, state, found)
    if not hasattr(handler, "events"):
        raise ConfigError.of(
            f"`{found.address}` has no log",
            hint="tuning jobs have one: `tunectl logs tuning_job.NAME`",
        )
    source = cast("Events", handler)
    since: str | None = None
    steps: set[object] = set()
    while True:
        for event in source.events(found, since):
            since = event.id
            steps.add(event.data.get("step"))
            yield event
        if not follow or found.status is not Status.PENDING:
            break
        time.sleep(_POLL)
        found = handler.poll(found)
    if hasattr(handler, "results"):
        yield from _results(cast("Results", handler), handler.poll(found), steps)


def _results(source: Results, found: Instance, steps: Container[object]) -> Iterator[JobEvent]:
    """Yield the checkpoints of a job that is over, and the steps that its events did not tell."""
    if found.status is Status.PENDING:
        return
    for event in source.results(found):
        if event.message or event.data.get("step") not in steps:
            yield event


def cancel(options: Options, address: str) -> Instance:
    """Cancel a running job and record it.

    Raises:
        ConfigError: nothing is recorded there, it is settled already, or cannot be cancelled.
        ProviderError: the provider refused or could not be asked.
    """
    workspace = open_workspace(options)
    with locked(workspace, "cancel") as (_, recorded):
        state = recorded
        found = applied(workspace, state, address)
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
        state = fold(state, (Settled("", now),))
        rest = (without_lost(a, state) for a in state.approvals)
        workspace.ledger.save(replace(state, approvals=tuple(a for a in rest if a is not None)))
        return now
