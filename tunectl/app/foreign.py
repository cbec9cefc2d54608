"""Whose an object is that shall be imported: one with another history's mark is never just taken.

Law: an object that carries our address but another lineage is reported and not adopted unasked: its
own record may still manage it, and would change or delete it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from tunectl.app.connecting import Connector
from tunectl.core.abilities import Marked
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.ports import Mark
from tunectl.core.project import Project
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.listing import handler_for

CODE = "foreign-mark"


def mark_of(instance: Instance, connect: Connector) -> Mark | None:
    """Return the mark of an object at a provider; None where it has none or that cannot be told.

    Raises:
        ProviderError: the provider could not be asked.
    """
    handler = handler_for(connect, instance)
    return cast("Marked", handler).mark(instance) if hasattr(handler, "mark") else None


def foreign(
    instance: Instance, address: Address, state: State, connect: Connector
) -> Diagnostic | None:
    """Return a warning about an object that carries a mark which is not ours; else None.

    Args:
        instance: as its provider shows it.
        address: where it shall be recorded.
        state: of the environment that wants it.
        connect: the providers.

    Raises:
        ProviderError: the provider could not be asked.
    """
    mark = mark_of(instance, connect)
    if mark is None or mark.lineage == state.lineage:
        return None
    near = mark.project == state.project and mark.env != state.env
    hint = "if nothing manages it there any more, go on; else leave it where it is"
    if near and address.kind == "tuning_job":
        hint = (
            f"`from: {{env: {mark.env}, address: {mark.address}}}` uses it without taking it away"
        )
    return Diagnostic(
        summary=f"`{instance.id}` carries another history's mark: `{mark.address}` of project "
        f"`{mark.project}`, environment `{mark.env}`, lineage `{mark.lineage}`",
        severity=Severity.WARNING,
        detail="an apply, a destroy or a `gc` there may still change or delete it",
        hint=hint,
        code=CODE,
        address=str(address),
    )


def foreign_imports(
    project: Project, imports: Mapping[Address, Instance], state: State, connect: Connector
) -> Iterator[Diagnostic]:
    """Yield a warning for each object under `import:` that carries another history's mark.

    Raises:
        ProviderError: a provider could not be asked.
    """
    for block in project.imports:
        found = imports.get(block.address)
        if found is not None and (told := foreign(found, block.address, state, connect)):
            yield told
