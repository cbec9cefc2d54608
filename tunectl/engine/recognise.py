"""Where a service may drop marks: what an interrupted step made is told by what it was made of.

Laws: a mark comes first. By its content an object is adopted only where nothing else can have made
it: it is of the very settings that the step was begun for, no other step of its kind is open, and
the record knows it under no other operation. Several are none.
"""

from __future__ import annotations

from typing import cast

from tunectl.core.errors import UnknownOutcomeError
from tunectl.core.ports import Handler, Mark, Recognises
from tunectl.core.project import Project
from tunectl.core.resource import Instance, utc
from tunectl.core.state import Intent
from tunectl.core.value import Plain
from tunectl.engine.run import Run, identity, told


def seen(
    run: Run, project: Project, intent: Intent, handler: Handler, mark: Mark
) -> list[Instance]:
    """Return what carries the mark of a step; else what only that step can have made.

    Raises:
        ProviderError: it cannot be told.
    """
    try:
        return list(handler.find(mark))
    except UnknownOutcomeError:
        alike = getattr(handler, "alike", None)
        spec = _begun_for(run, project, intent) if alike is not None else None
        if spec is None or not intent.time:
            raise
        found = cast("Recognises", handler).alike(mark, spec, utc(intent.time))
        known = {one.id for one in run.state.everything if one.provider == intent.provider}
        left = [one for one in found if one.id not in known]
        if len(left) > 1:
            raise
        return left


def _begun_for(run: Run, project: Project, intent: Intent) -> dict[str, Plain] | None:
    """Return the settings a step was begun for; None where they are not known, or not alone."""
    others = [
        one
        for one in run.state.intents
        if one.action == "create"
        and (one.provider, one.address.kind) == (intent.provider, intent.address.kind)
    ]
    resource = next((r for r in project.resources if r.address == intent.address), None)
    if resource is None or resource.provider != intent.provider or len(others) != 1:
        return None
    blank = Instance(address=intent.address, provider=intent.provider, account="", id="", spec={})
    spec = told(resource, blank, run.state.instances)
    return spec if identity(resource, spec) == intent.fingerprint else None
