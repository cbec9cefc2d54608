"""The steps with effects: one function a verb. Each writes its intent before it calls."""

from __future__ import annotations

import time
from dataclasses import replace

from tunectl.core.errors import (
    Diagnostic,
    ProviderError,
    RateLimitError,
    TunectlError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.core.event import Phase
from tunectl.core.plan import Action
from tunectl.core.ports import JobEvent
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.state import Abandoned, Began, Deleted, Intent, Made, Settled
from tunectl.core.steps import Step, Verb
from tunectl.core.value import Plain
from tunectl.engine.run import Run, completed, identity, mint

_FIRST_POLL, _LAST_POLL, _SLOWER = 0.2, 5.0, 1.5  # seconds, seconds, factor


class Detached(Exception):  # noqa: N818  # not an error: the object goes on being made
    """The wait ended before the object was ready."""


class Failed(Exception):  # noqa: N818  # the object's own failure, already recorded
    """A remote object settled as failed or cancelled; carries what to show."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.summary)


def perform(run: Run, step: Step) -> None:
    """Do one step.

    Raises:
        Failed: the object settled as failed.
        Detached: it is still being made.
        TunectlError: what went wrong.
    """
    began = time.monotonic()
    match step.verb:
        case Verb.CREATE:
            _create(run, step, began)
        case Verb.UPDATE:
            _update(run, step, began)
        case Verb.WAIT:
            _wait(run, step, began)
        case Verb.DELETE:
            _delete(run, step, began)
        case Verb.FORGET:
            _forget(run, step, began)


def _wanted(step: Step) -> Resource:
    assert step.change.after is not None, f"{step.id} has nothing to make"
    return step.change.after


def _create(run: Run, step: Step, began: float) -> None:
    resource = _wanted(step)
    op = mint()
    request = run.request(resource, op)
    account = run.tools.connect(resource.provider).account()
    handler = run.handler(resource.provider, resource.address.kind)
    run.tell(Phase.START, step, began)
    _clear_vanished(run, step)
    run.record(Began(_intent(run, step, op, "create", identity(resource, request.spec))))
    try:
        made = handler.create(request)
    except UnknownOutcomeError as error:
        made = _look_for_it(run, request.mark.op, resource, error)
    except TunectlError as error:
        run.record(Abandoned(op, str(error)))
        raise
    instance = completed(made, request, account)
    run.record(Made(op, instance))
    if instance.status is Status.READY:
        run.tell(Phase.COMPLETE, step, began, id_=instance.id)


def _clear_vanished(run: Run, step: Step) -> None:
    """What is to be made again because it is gone must not count as superseded."""
    stale = run.state.instances.get(step.address)
    if step.change.action is Action.CREATE and stale is not None:
        run.record(Deleted("", stale.address, stale.id))


def _look_for_it(run: Run, op: str, resource: Resource, error: UnknownOutcomeError) -> Instance:
    """Sent, and no answer: look for our own mark; never send it again."""
    handler = run.handler(resource.provider, resource.address.kind)
    mark = run.mark(resource.address, op)
    for pause in run.tools.settle:
        run.tools.stop.wait(pause)
        try:
            found = list(handler.find(mark))
        except ProviderError:
            continue
        if len(found) == 1:
            return found[0]
    raise UnknownOutcomeError.of(
        f"no answer says whether `{resource.address}` was created: {error}",
        hint="run `tunectl apply` again: it looks for it before it makes another",
        address=str(resource.address),
        source=resource.source,
    ) from error


def _update(run: Run, step: Step, began: float) -> None:
    resource = _wanted(step)
    prior = run.state.instances[step.address]
    op = mint()
    request = run.request(resource, op, prior)
    handler = run.handler(resource.provider, resource.address.kind)
    run.tell(Phase.START, step, began, id_=prior.id)
    run.record(Began(_intent(run, step, op, "update", resource.fingerprint, prior.id)))
    try:
        made = handler.update(request)
    except TunectlError as error:
        _close_if_definite(run, op, error)
        raise
    instance = replace(
        completed(made, request, prior.account), created_at=prior.created_at, op=prior.op
    )
    run.record(Settled(op, instance))
    if instance.status is Status.READY:
        run.tell(Phase.COMPLETE, step, began, id_=instance.id)


def _wait(run: Run, step: Step, began: float) -> None:
    instance = run.state.instances[step.address]
    if instance.status is Status.PENDING:
        instance = _poll(run, step, instance, began)
        run.record(Settled("", instance))
        if instance.status is Status.READY:
            run.tell(Phase.COMPLETE, step, began, id_=instance.id)
    if instance.status in {Status.FAILED, Status.CANCELLED}:
        source = step.change.source
        raise Failed(
            Diagnostic(
                summary=f"`{step.address}` {instance.status.value}: {instance.reason}",
                detail=f"id {instance.id}",
                hint=f"edit it, or try again with `--replace {step.address}`",
                code="job-" + instance.status.value,
                address=str(step.address),
                source=source,
            )
        )


def _poll(run: Run, step: Step, instance: Instance, began: float) -> Instance:
    handler = run.handler(instance.provider, instance.address.kind)
    pause, told = _FIRST_POLL, ""
    since: str | None = None
    known: dict[str, Plain] = {}  # a validation loss is told seldom and holds until the next
    while instance.status is Status.PENDING:
        if run.tools.stop.is_set() or not run.tools.wait:
            run.tell(Phase.DETACHED, step, began, id_=instance.id, message=instance.progress)
            raise Detached
        run.tools.stop.wait(pause)
        pause = min(pause * _SLOWER, _LAST_POLL)
        try:
            instance = handler.poll(instance)
        except (UnavailableError, UnknownOutcomeError, RateLimitError) as error:
            run.tell(Phase.PROGRESS, step, began, id_=instance.id, message=f"waiting: {error}")
            continue
        metrics = _metrics(handler, instance, since)
        for event in metrics:
            since, pause = event.id, min(pause, 1.0)
            known.update({name: item for name, item in event.data.items() if item is not None})
        if metrics or instance.progress != told:
            told = instance.progress
            run.tell(Phase.PROGRESS, step, began, id_=instance.id, message=told, detail=dict(known))
    return instance


def _metrics(handler: object, instance: Instance, since: str | None) -> list[JobEvent]:
    """The metrics events since one, where the handler can tell events."""
    events = getattr(handler, "events", None)
    if events is None:
        return []
    try:
        return [e for e in events(instance, since) if e.data]
    except ProviderError:
        return []


def _delete(run: Run, step: Step, began: float) -> None:
    assert step.doomed is not None, f"{step.id} has nothing to delete"
    doomed = step.doomed
    op = mint()
    handler = run.handler(doomed.provider, doomed.address.kind)
    run.tell(Phase.START, step, began, id_=doomed.id)
    run.record(Began(_intent(run, step, op, "delete", doomed.fingerprint, doomed.id)))
    try:
        remains = handler.delete(doomed)
    except TunectlError as error:
        _close_if_definite(run, op, error)
        raise
    run.record(Deleted(op, doomed.address, doomed.id))
    run.tell(Phase.COMPLETE, step, began, id_=doomed.id)
    if remains is not None:
        run.tell(Phase.REMAINS, step, began, id_=remains.id, message=remains.reason)


def _close_if_definite(run: Run, op: str, error: TunectlError) -> None:
    """A definite refusal had no effect; an unknown outcome stays open until the next run looks."""
    if not isinstance(error, UnknownOutcomeError):
        run.record(Abandoned(op, str(error)))


def _forget(run: Run, step: Step, began: float) -> None:
    assert step.doomed is not None, f"{step.id} has nothing to forget"
    run.record(Deleted("", step.doomed.address, step.doomed.id))
    run.tell(Phase.COMPLETE, step, began, id_=step.doomed.id)


def _intent(
    run: Run, step: Step, op: str, action: str, fingerprint: str | None, id_: str = ""
) -> Intent:
    provider = step.doomed.provider if step.doomed else _wanted(step).provider
    return Intent(
        op=op,
        action=action,
        address=step.address,
        provider=provider,
        fingerprint=fingerprint,
        id=id_,
        time=run.now(),
    )
