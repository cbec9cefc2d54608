"""The steps with effects: one function a verb. Each writes its intent before it calls."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import cast

from tunectl.core.errors import (
    ClosedError,
    Diagnostic,
    ProviderError,
    TunectlError,
    UnknownOutcomeError,
)
from tunectl.core.event import Phase
from tunectl.core.plan import Action, Cause
from tunectl.core.ports import Copies, Handler, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.state import Abandoned, Began, Deleted, Forgot, Intent, Lapsed, Made, Settled
from tunectl.core.steps import Step, Verb
from tunectl.engine.adopt import adopt
from tunectl.engine.conductor import Acts, Detached, Failed, called
from tunectl.engine.patience import patiently
from tunectl.engine.run import Run, completed, identity, mint, told_of
from tunectl.engine.take_back import take_back
from tunectl.engine.watch import Following


def perform(run: Run, step: Step) -> Acts[None]:
    """Do one step.

    Raises:
        Failed: the object settled as failed.
        Detached: it is still being made.
        TunectlError: what went wrong.
    """
    began = time.monotonic()
    match step.verb:
        case Verb.CREATE:
            yield from _create(run, step, began)
        case Verb.UPDATE:
            yield from _update(run, step, began)
        case Verb.WAIT:
            yield from _wait(run, step, began)
        case Verb.DELETE:
            yield from _delete(run, step, began)
        case Verb.FORGET:
            yield from _forget(run, step, began)
        case Verb.ADOPT:
            yield from adopt(run, step)


def _wanted(step: Step) -> Resource:
    assert step.change.after is not None, f"{step.id} has nothing to make"
    return step.change.after


def _live(run: Run, step: Step) -> Instance:
    found = run.live(step.address)
    if found is None:
        raise LookupError(f"nothing is recorded at `{step.address}`")
    return found


def _create(run: Run, step: Step, began: float) -> Acts[None]:
    resource = _wanted(step)
    op = mint()
    original = step.change.original
    former = run.live(step.address) or step.change.before
    request = run.request(resource, op, former=former, copied=original is not None)
    account = run.account(resource.provider)
    handler = run.handler(resource.provider, resource.address.kind)
    yield Began(_intent(run, step, op, "create", identity(resource, request.spec)))
    yield from _clear_vanished(run, step)
    yield told_of(Phase.START, step, began)
    try:
        made = yield from called(
            partial(patiently, run, partial(_made, run, step, handler, request))
        )
    except UnknownOutcomeError as error:
        look = partial(_look_for_it, run, op, resource, error)
        made = yield from called(look)
    except ClosedError as error:
        yield Abandoned(op, str(error))
        raise (yield from take_back(run, step, request, error, _delete)) from None
    except TunectlError as error:
        yield Abandoned(op, str(error))
        raise
    instance = completed(made, request, account)
    yield Made(op, instance)
    if instance.status is Status.READY:
        yield told_of(Phase.COMPLETE, step, began, id_=instance.id)


def _made(run: Run, step: Step, handler: Handler, request: Request) -> Instance:
    """Create it, or copy it: both carry the mark, so both are found again."""
    original = step.change.original
    if original is None:
        return handler.create(request)
    return cast("Copies", handler).copy(request, run.tools.original(step.change.origin, original))


def _clear_vanished(run: Run, step: Step) -> Acts[None]:
    """What is to be made again because it is gone must not count as superseded.

    It is recorded after the intent, with which a step takes its place: before it all that vanished
    would begin at once, and go on after a stop.
    """
    stale = run.live(step.address)
    if step.change.action is Action.CREATE and stale is not None:
        yield Deleted("", stale.address, stale.id, stale.account)


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


def _update(run: Run, step: Step, began: float) -> Acts[None]:
    resource = _wanted(step)
    prior = _live(run, step)
    op = mint()
    request = run.request(resource, op, prior)
    handler = run.handler(resource.provider, resource.address.kind)
    yield Began(_intent(run, step, op, "update", resource.fingerprint, prior.id))
    yield told_of(Phase.START, step, began, id_=prior.id)
    try:
        made = yield from called(partial(patiently, run, partial(handler.update, request)))
    except TunectlError as error:
        yield from _close_if_definite(op, error)
        raise
    instance = replace(
        completed(made, request, prior.account), created_at=prior.created_at, op=prior.op
    )
    yield Settled(op, instance)
    if instance.status is Status.READY:
        yield told_of(Phase.COMPLETE, step, began, id_=instance.id)


def _wait(run: Run, step: Step, began: float) -> Acts[None]:
    instance = _live(run, step)
    if instance.status is Status.PENDING:
        instance = yield from called(partial(_poll, run, step, instance, began))
        yield Settled("", instance)
        if instance.status is Status.READY:
            yield told_of(Phase.COMPLETE, step, began, id_=instance.id)
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
    following = Following(handler, instance)
    while not following.settled:
        if run.tools.stop.is_set() or run.let_go.is_set() or not run.tools.wait:
            id_, message = instance.id, instance.progress
            run.tell(told_of(Phase.DETACHED, step, began, id_=id_, message=message))
            raise Detached
        run.nap(following.pause)
        news = following.look()
        if news is not None:
            id_, message, detail = instance.id, news.message, news.detail
            run.tell(told_of(Phase.PROGRESS, step, began, id_=id_, message=message, detail=detail))
    return following.instance


def _delete(run: Run, step: Step, began: float) -> Acts[None]:
    assert step.doomed is not None, f"{step.id} has nothing to delete"
    doomed = step.doomed
    op = mint()
    handler = run.handler(doomed.provider, doomed.address.kind)
    yield Began(_intent(run, step, op, "delete", doomed.fingerprint, doomed.id))
    yield told_of(Phase.START, step, began, id_=doomed.id)
    if not (yield from called(partial(run.tools.shares.release, doomed))):
        yield from _left_to_others(step, op, began)
        return
    try:
        remains = yield from called(partial(patiently, run, partial(handler.delete, doomed)))
    except TunectlError as error:
        yield from _close_if_definite(op, error)
        raise
    lapse = step.change.lapse
    if lapse is not None:
        yield Lapsed(op, lapse, doomed.id, doomed.account)
    else:
        yield Deleted(op, doomed.address, doomed.id, doomed.account)
    yield told_of(Phase.COMPLETE, step, began, id_=doomed.id)
    if remains is not None:
        yield told_of(Phase.REMAINS, step, began, id_=remains.id, message=remains.reason)


def _left_to_others(step: Step, op: str, began: float) -> Acts[None]:
    """Another environment uses it: only the last one deletes it."""
    assert step.doomed is not None, f"{step.id} has nothing to delete"
    doomed = step.doomed
    yield Deleted(op, doomed.address, doomed.id, doomed.account)
    yield told_of(Phase.COMPLETE, replace(step, verb=Verb.FORGET), began, id_=doomed.id)
    message = f"`{doomed.id}` of `{doomed.address}`: another environment uses it"
    yield told_of(Phase.REMAINS, step, began, id_=doomed.id, message=message)


def _close_if_definite(op: str, error: TunectlError) -> Acts[None]:
    """A definite refusal had no effect; an unknown outcome stays open until the next run looks."""
    if not isinstance(error, UnknownOutcomeError):
        yield Abandoned(op, str(error))


def _forget(run: Run, step: Step, began: float) -> Acts[None]:
    assert step.doomed is not None, f"{step.id} has nothing to forget"
    doomed, kept = step.doomed, _on_purpose(step)
    last = not kept and (yield from called(partial(run.tools.shares.release, doomed)))
    if kept:
        yield Forgot(doomed.address, doomed.id, doomed.account)
    else:  # where no environment uses it any more, `gc` may have it
        yield Deleted("", doomed.address, doomed.id, doomed.account)
    yield told_of(Phase.COMPLETE, step, began, id_=doomed.id)
    if last:  # the guards said yes to its being left, and not to its end
        message = (
            f"`{doomed.id}` of `{doomed.address}`: its other environment let it go too meanwhile; "
            "`tunectl gc --delete` deletes it"
        )
        yield told_of(Phase.REMAINS, step, began, id_=doomed.id, message=message)


def _on_purpose(step: Step) -> bool:
    """Whether it stays for the user's word; else it stays for other environments that use it."""
    change = step.change
    if change.action is Action.FORGET:
        return change.cause is not Cause.SHARED
    return change.after is not None and change.after.lifecycle.keep_on_destroy


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
