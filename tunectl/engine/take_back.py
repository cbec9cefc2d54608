"""What was made only for an object that can never be: it is removed again, and the message says so.

Law: only what is made again on demand is taken back (an uploaded file), and only where nothing
that is recorded, or still to be made, uses it and nobody wants it kept. Of several that are refused
the last one takes it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tunectl.core.errors import ClosedError, Diagnostic, TunectlError
from tunectl.core.ports import Request
from tunectl.core.resource import Instance, Recreate
from tunectl.core.steps import Step, Verb
from tunectl.engine.conductor import Acts
from tunectl.engine.run import Run

Delete = Callable[[Run, Step, float], Acts[None]]


def take_back(
    run: Run, step: Step, request: Request, error: ClosedError, delete: Delete
) -> Acts[ClosedError]:
    """Remove what an object that was refused for good needed, and return the error that says it.

    Args:
        run: the apply.
        step: the create that was refused.
        request: what was asked for, with what it needed.
        error: the refusal.
        delete: removes one object, with its intent and its record.
    """
    run.refuse(step.address)
    gone, left = [], []
    for found in request.dependencies.values():
        if not _is_idle(run, found):
            continue
        ending = replace(
            step,
            id=f"delete {found.address}",
            verb=Verb.DELETE,
            address=found.address,
            doomed=found,
            after=frozenset(),
        )
        try:
            yield from delete(run, ending, time.monotonic())
            gone.append(found.id)
        except TunectlError as refusal:
            left.append(f"`{found.id}` could not be removed: {refusal}")
    told = [*([f"removed again: {_named(gone)}"] if gone else []), *left]
    return ClosedError(tuple(_with(d, told) for d in error.diagnostics), error.exit)


def _is_idle(run: Run, found: Instance) -> bool:
    """Whether it is there for the refused object alone, and nobody wants it kept."""
    lifecycle = found.lifecycle
    if found.recreate is not Recreate.ON_DEMAND or lifecycle.protect or lifecycle.keep_on_destroy:
        return False
    if run.live(found.address) is None:
        return False  # another refused object has just let it go
    if run.wants(found.address):
        return False
    return not any(found.key in other.needs for other in run.state.everything)


def _named(ids: list[str]) -> str:
    noun = "file" if len(ids) == 1 else "files"
    return f"the uploaded {noun} {', '.join(f'`{one}`' for one in ids)}"


def _with(diagnostic: Diagnostic, told: list[str]) -> Diagnostic:
    return replace(
        diagnostic, detail="; ".join(part for part in (diagnostic.detail, *told) if part)
    )
