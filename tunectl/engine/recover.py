"""Settle what an interrupted apply left open, before anything new begins.

Laws: an open intent is settled by looking for **its own** operation and nothing else. One hit is
adopted, none means it never took effect, several stop everything and are listed. "None" is believed
only when the intent is older than a listing may lag behind: what is bought is never bought twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import cast

from tunectl.core.errors import (
    Diagnostic,
    Exit,
    Interrupted,
    Refused,
    StateError,
    UnknownOutcomeError,
)
from tunectl.core.event import Event, Phase
from tunectl.core.project import Project
from tunectl.core.resource import Instance, utc
from tunectl.core.state import Abandoned, Intent, Made, State
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.engine.recognise import seen
from tunectl.engine.run import SPEC, Run, identity, told, uses


def recover(
    run: Run,
    project: Project,
    settle: Callable[[], None],
    retry: Collection[Address] = (),
) -> Iterator[Event]:
    """Settle every open intent.

    Args:
        run: the apply about to begin.
        project: the declaration, to complete what is adopted.
        settle: waits until a provider's listing can be trusted.
        retry: where the user allows another attempt although nothing tells what became of the
            first.

    Raises:
        Refused: an account is not the one in which a step was begun.
        StateError: several remote objects carry the same operation.
        ProviderError: a provider could not be asked, or cannot tell what became of a step.
    """
    intents = run.state.intents
    _same_accounts(run, intents)
    if any(intent.action == "create" for intent in intents):
        settle()
    for intent in intents:
        if intent.action == "create":
            yield _settle_create(run, project, intent, retry=intent.address in retry)
        else:
            run.record(Abandoned(intent.op, "interrupted; the next plan looks again"))
            yield _event(intent, "was interrupted; looked at again")


def _same_accounts(run: Run, intents: Iterable[Intent]) -> None:
    """Another account cannot tell what became of a step: "not found" there says nothing."""
    recorded = run.state.providers
    problems = tuple(
        Diagnostic(
            summary=f"a step of `{intent.address}` was begun in account "
            f"`{recorded[intent.provider].account}`, but provider `{intent.provider}` is account "
            f"`{now}`",
            hint="use the key and address of the account it was begun in; what is gone with its "
            f"account is forgotten with `tunectl state rm {intent.address}`",
            code="wrong-account",
            address=str(intent.address),
            exit=Exit.REFUSED,
        )
        for intent in intents
        if intent.provider in recorded
        and (now := run.tools.connect(intent.provider).account())
        != recorded[intent.provider].account
    )
    if problems:
        raise Refused(problems)


_LAG = 15.0  # seconds; of handlers that do not say
_LONGEST_PAUSE = 4.0


def _found(run: Run, project: Project, intent: Intent) -> list[Instance]:
    """Look for what a step made, for as long as a listing may not show it yet.

    Raises:
        Interrupted: the user wants to stop.
        ProviderError: it cannot be told.
    """
    handler = run.handler(intent.provider, intent.address.kind)
    mark = run.mark(intent.address, intent.op)
    age = (run.tools.clock() - utc(intent.time)).total_seconds() if intent.time else 0.0
    left = cast("float", getattr(handler, "lag", _LAG)) - max(0.0, age)
    pause = 1.0
    while True:
        found = seen(run, project, intent, handler, mark)
        if found or left <= 0:
            return found
        wait = min(pause, left)
        if run.tools.stop.wait(wait):
            raise Interrupted.of(
                f"interrupted before it was told whether `{intent.address}` was made",
                hint="run it again: it looks for it before it makes another",
            )
        left, pause = left - wait, min(pause * 2, _LONGEST_PAUSE)


def _settle_create(run: Run, project: Project, intent: Intent, *, retry: bool) -> Event:
    try:
        found = _found(run, project, intent)
    except UnknownOutcomeError:
        if not retry:
            raise
        found = []
    if len(found) > 1:
        ids = ", ".join(f"`{i.id}`" for i in found)
        raise StateError.of(
            f"several objects were made by one interrupted step of `{intent.address}`: {ids}",
            hint="delete all but one at the provider, then run again",
            code="ambiguous-recovery",
            address=str(intent.address),
        )
    if not found:
        run.record(Abandoned(intent.op, "interrupted before it took effect"))
        return _event(intent, "was interrupted before anything was made")
    account = run.tools.connect(intent.provider).account()
    instance = _adopted(run.state, project, intent, replace(found[0], account=account))
    run.record(Made(intent.op, instance))
    return _event(intent, "was made by an interrupted apply; it is adopted", instance.id)


def _adopted(state: State, project: Project, intent: Intent, found: Instance) -> Instance:
    """Complete an adopted object.

    It counts as made from the declaration only when that is still what it was begun for: data may
    have been edited since.
    """
    own = intent.fingerprint if not (intent.fingerprint or "").startswith(SPEC) else None
    base = replace(
        found,
        address=intent.address,
        provider=intent.provider,
        fingerprint=own,
        op=intent.op,
        created_at=found.created_at or intent.time,
    )
    resource = next((r for r in project.resources if r.address == intent.address), None)
    if resource is None or resource.provider != intent.provider:
        return base
    base = replace(
        base,
        needs=uses(resource, state.instances),
        lifecycle=resource.lifecycle,
        recreate=resource.recreate,
        parent=resource.parent,
        labels=dict(resource.labels),
    )
    spec = told(resource, found, state.instances)
    return replace(base, spec=spec) if identity(resource, spec) == intent.fingerprint else base


def _event(intent: Intent, message: str, id_: str = "") -> Event:
    verb = {"create": Verb.CREATE, "update": Verb.UPDATE, "delete": Verb.DELETE}[intent.action]
    return Event(phase=Phase.RECOVERED, address=intent.address, verb=verb, id=id_, message=message)
