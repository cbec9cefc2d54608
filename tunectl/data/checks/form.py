"""What the form that rows are uploaded in has no place for.

Law: an upload refuses to lose anything, so what it would lose is told before the plan. OpenAI's own
forms are the rows as they are and lose nothing; of a service whose form depends on the base model
nothing is said until a model is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from tunectl.catalog.provider_types import Service, provider_types
from tunectl.catalog.row_form import row_form
from tunectl.data.checks.rule import Finding
from tunectl.data.fingerprint import Row
from tunectl.data.targets import PREFERENCE, SUPERVISED, Target

if TYPE_CHECKING:
    from tunectl.data.wire.format import Convert

# What a job calls the methods, where it has another word.
_NAMES = {PREFERENCE: "dpo"}
_KEYS = "keys"


def form_of(target: Target) -> Convert | None:
    """What makes the rows that are uploaded for a target; None where it is OpenAI's, or unknown."""
    service = _services().get(target.provider)
    if service is None or (service.by_model and target.model is None):
        return None
    name = row_form(service, _NAMES.get(target.method, target.method), target.model or "")
    from tunectl.data.wire import FORMATS  # every format: only for services that have their own

    form = FORMATS.get(name or "")
    return form.of.get(target.method) if form is not None else None


def no_place(target: Target, form: Convert, what: str) -> Finding:
    """Say that rows for a target have no place for something, and what helps.

    Args:
        target: for whom the rows are.
        form: what makes the rows that are uploaded.
        what: that would be lost.
    """
    from tunectl.data.wire.prompt_completion import PROMPT_COMPLETION

    about = target.provider
    if form is not PROMPT_COMPLETION.of[SUPERVISED]:
        return Finding(f"rows for `{target}` have no place for {what}", about=about)
    return Finding(
        f"rows for `{target}` are a `prompt` and its `completion`, with no place for {what}",
        about=about,
        hint="say it within the one question of the row, or choose a base model that is tuned on "
        "whole conversations",
    )


def out_of_place(row: Row, form: Convert, method: str, *, keys: bool) -> Iterator[str]:
    """What of a row the form has no place for; of a row that is no conversation, nothing.

    Args:
        row: canonical.
        form: what makes the row that is uploaded.
        method: what the row teaches by.
        keys: whether keys that the form does not know are to be told.
    """
    if method not in (SUPERVISED, PREFERENCE):
        return
    if not _is_whole(row, method):
        return
    from tunectl.data.wire.conversation import UnreadableRowError
    from tunectl.data.wire.losses import Losses

    losses = Losses()
    try:
        form(row, losses)
    except UnreadableRowError as error:
        yield f"such a row ({error})"
    for loss in losses.refused:
        if loss.kind != _KEYS or keys:
            yield loss.what


def _is_whole(row: Row, method: str) -> bool:
    """Whether a row is a whole conversation; of any other the rules of structure say why."""
    from tunectl.data.wire.conversation import UnreadableRowError, conversation, preference

    try:
        if method == PREFERENCE:
            preference(row)
            return True
        return all(turn.role != "tool" or turn.answers >= 0 for turn in conversation(row).turns)
    except UnreadableRowError:
        return False


@cache
def _services() -> dict[str, Service]:
    return {
        service.name: service
        for kind in provider_types().values()
        for service in kind.services.values()
    }
