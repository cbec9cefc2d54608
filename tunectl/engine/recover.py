"""Settle what an interrupted apply left open, before anything new begins.

Law: an open intent is settled by looking for **its own** operation and nothing else. One hit is
adopted, none means it never took effect, several stop everything and are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tunectl.core.errors import StateError
from tunectl.core.event import Event, Phase
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Need, Resource
from tunectl.core.state import Abandoned, Intent, Made, State
from tunectl.core.steps import Verb
from tunectl.core.value import Plain, Ref, plain, resolve
from tunectl.engine.run import Run, lookup


def recover(run: Run, project: Project, settle: Callable[[], None]) -> Iterator[Event]:
    """Settle every open intent.

    Args:
        run: the apply about to begin.
        project: the declaration, to complete what is adopted.
        settle: waits until a provider's listing can be trusted.

    Raises:
        StateError: several remote objects carry the same operation.
        ProviderError: a provider could not be asked.
    """
    intents = run.state.intents
    if any(intent.action == "create" for intent in intents):
        settle()
    for intent in intents:
        if intent.action == "create":
            yield _settle_create(run, project, intent)
        else:
            run.record(Abandoned(intent.op, "interrupted; the next plan looks again"))
            yield _event(intent, "was interrupted; looked at again")


def _settle_create(run: Run, project: Project, intent: Intent) -> Event:
    handler = run.handler(intent.provider, intent.address.kind)
    found = list(handler.find(run.mark(intent.address, intent.op)))
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
    """Complete an adopted object; what it was made from is the declaration it was begun for."""
    resource = next((r for r in project.resources if r.address == intent.address), None)
    base = replace(
        found,
        address=intent.address,
        provider=intent.provider,
        fingerprint=intent.fingerprint,
        op=intent.op,
        created_at=found.created_at or intent.time,
    )
    if resource is None or resource.fingerprint != intent.fingerprint:
        return base
    needs = tuple(
        sorted(Need(a, state.instances[a].id) for a in resource.needs if a in state.instances)
    )
    return replace(
        base,
        spec=_spec(state, resource, found),
        needs=needs,
        lifecycle=resource.lifecycle,
        recreate=resource.recreate,
        parent=resource.parent,
        labels=dict(resource.labels),
    )


def _spec(state: State, resource: Resource, found: Instance) -> dict[str, Plain]:
    spec: dict[str, Plain] = dict(found.spec)
    for key, value in resource.spec.items():
        done = resolve(value, lambda ref: lookup(state, ref))
        if not isinstance(done, Ref):
            try:
                spec[key] = plain(done)
            except TypeError:
                continue
    return spec


def _event(intent: Intent, message: str, id_: str = "") -> Event:
    verb = {"create": Verb.CREATE, "update": Verb.UPDATE, "delete": Verb.DELETE}[intent.action]
    return Event(phase=Phase.RECOVERED, address=intent.address, verb=verb, id=id_, message=message)
