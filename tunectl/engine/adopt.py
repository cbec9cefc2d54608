"""Take over what exists already: nothing is made, nothing is paid."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from tunectl.core.errors import StaleError
from tunectl.core.event import Phase
from tunectl.core.plan import Cause
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.state import Adopted, Deleted
from tunectl.core.steps import Step
from tunectl.engine.conductor import Acts, called
from tunectl.engine.run import Run, told, told_of, uses


def adopt(run: Run, step: Step) -> Acts[None]:
    """Record an object of this account at the step's address.

    Raises:
        StaleError: it is gone, or another environment has just deleted it.
        ProviderError: it could not be looked at.
    """
    change, began = step.change, time.monotonic()
    resource, found = change.after, change.found
    assert resource is not None, f"{step.id} has nothing to adopt for"
    assert found is not None, f"{step.id} has nothing to adopt"
    yield told_of(Phase.START, step, began, id_=found.id)
    shared = change.cause is Cause.REUSED and change.origin
    if shared and not (yield from called(partial(run.tools.shares.claim, found))):
        raise _gone(resource, found)
    at_home = replace(found, address=resource.address, provider=resource.provider)
    handler = run.handler(resource.provider, resource.address.kind)
    now = yield from called(partial(handler.read, at_home))
    if now is None or now.status in {Status.FAILED, Status.CANCELLED}:
        raise _gone(resource, found)
    stale = run.live(resource.address)
    if change.before is None and stale is not None and stale.key != at_home.key:
        # It is gone: it must not count as superseded.
        yield Deleted("", stale.address, stale.id, stale.account)
    instance = _taken(run, resource, found, now)
    yield Adopted("", instance)
    if instance.status is Status.READY:
        yield told_of(Phase.COMPLETE, step, began, id_=instance.id)


def _gone(resource: Resource, found: Instance) -> StaleError:
    return StaleError.of(
        f"`{found.id}` is not there any more, so `{resource.address}` cannot use it",
        hint="run `tunectl plan` again",
        address=str(resource.address),
        source=resource.source,
    )


def _taken(run: Run, resource: Resource, found: Instance, now: Instance) -> Instance:
    state = run.state
    return Instance(
        address=resource.address,
        provider=resource.provider,
        account=run.account(resource.provider),
        id=found.id,
        spec=told(resource, found, state.instances),
        outputs=now.outputs,
        status=now.status,
        needs=uses(resource, state.instances),
        fingerprint=resource.fingerprint,
        progress=now.progress,
        reason=now.reason,
        op=found.op,
        created_at=found.created_at or now.created_at or run.now(),
        lifecycle=resource.lifecycle,
        recreate=resource.recreate,
        parent=resource.parent,
        labels=dict(resource.labels),
    )
