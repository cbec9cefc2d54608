"""The time between two holds of the lock: look at what runs, and take the lock again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from tunectl.app.workspace import Workspace
from tunectl.core.errors import Diagnostic, Exit, LockError
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Blocked
from tunectl.core.ports import Lease
from tunectl.core.resource import Instance, Status
from tunectl.core.state import State
from tunectl.core.steps import Verb
from tunectl.engine.watch import Watch

_RETAKE = 600.0  # seconds a waiting command is ready to wait for the lock that it gave away
# Seconds between two looks at whether the user wants to stop. They grow: a store without a clock
# tells a dead holder only to one who watches the lock for a whole term without a break.
_SLICE, _LONGEST_SLICE = 0.5, 90.0


class Stopped(Exception):  # noqa: N818  # it is an answer, not an error
    """The user stopped the command while it waited for the lock."""


@contextlib.contextmanager
def retaken(
    workspace: Workspace, operation: str, stop: threading.Event
) -> Iterator[tuple[Lease, State]]:
    """Hold the lock once more and give the state as it is now.

    Raises:
        LockError: somebody else holds it for too long.
        Stopped: the user stopped the command meanwhile.
    """
    until = time.monotonic() + max(workspace.options.lock_timeout, _RETAKE)
    slice_ = _SLICE
    with contextlib.ExitStack() as stack:
        while True:
            if stop.is_set():
                raise Stopped
            lock = workspace.store.lock(workspace.options.env, operation, timeout=slice_)
            try:
                lease = stack.enter_context(lock)
                break
            except LockError:
                if time.monotonic() >= until:
                    raise
                slice_ = min(2 * slice_, _LONGEST_SLICE)
        yield lease, workspace.ledger.load()


def ended(
    instance: Instance, now: Instance | None, watch: Watch, blocked: Blocked | None = None
) -> Event | None:
    """Return what became of an object that was waited for; None while it is still running.

    Args:
        instance: as it was when the wait began.
        now: what is recorded at its address now.
        watch: knows since when it was waited for.
        blocked: what the plan says of it, when it cannot go on.
    """
    if now is None or now.id != instance.id:
        return _event(Phase.ERRORED, instance, watch, deleted(instance))
    if now.status is Status.PENDING and blocked is not None:
        return _event(Phase.ERRORED, instance, watch, _stuck(blocked))
    if now.status is Status.PENDING:
        return None
    if now.status is Status.READY:
        return _event(Phase.COMPLETE, instance, watch)
    return _event(Phase.ERRORED, instance, watch, failed(now))


def detached(instance: Instance, watch: Watch) -> Event:
    """Return the event that an object goes on without anybody waiting."""
    return _event(Phase.DETACHED, instance, watch)


def _event(
    phase: Phase, instance: Instance, watch: Watch, error: Diagnostic | None = None
) -> Event:
    known = instance.address in watch.began
    return Event(
        phase=phase,
        address=instance.address,
        verb=Verb.WAIT,
        id=instance.id,
        elapsed=watch.elapsed(instance.address) if known else _age(instance),
        message=error.summary if error else "",
        error=error,
    )


def _age(instance: Instance) -> float:
    """Seconds since it was made."""
    try:
        made = datetime.fromisoformat(instance.created_at)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - made).total_seconds()) if made.tzinfo else 0.0


def _stuck(blocked: Blocked) -> Diagnostic:
    return Diagnostic(
        summary=f"`{blocked.address}` cannot go on: {blocked.reason}",
        hint=blocked.hint,
        code="blocked",
        address=str(blocked.address),
    )


def failed(now: Instance) -> Diagnostic:
    """Return the diagnostic of an object that settled as failed or cancelled."""
    reason = f": {now.reason}" if now.reason else ""
    return Diagnostic(
        summary=f"`{now.address}` {now.status.value}{reason}",
        detail=f"id {now.id}",
        hint=f"edit it, or try again with `--replace {now.address}`",
        code="job-" + now.status.value,
        address=str(now.address),
    )


def deleted(instance: Instance) -> Diagnostic:
    """Return the diagnostic of an object that somebody ended while it was waited for."""
    return Diagnostic(
        summary=f"`{instance.address}` was deleted or replaced while this command waited for it",
        detail=f"id {instance.id}",
        hint="nothing more was done; `tunectl plan` shows where things stand",
        code="ended-meanwhile",
        address=str(instance.address),
        exit=Exit.STALE,
    )
