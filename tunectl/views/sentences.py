"""Why things happen, in sentences: the one place that puts actions and causes into words."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from tunectl.core.plan import Action, Cause, Change, Drift, Plan, RowDelta
from tunectl.core.value import Address
from tunectl.views.paint import Style
from tunectl.views.text import counted, cut, one_line
from tunectl.views.values import dotted

_REASON_LONGEST = 200


class Symbol(Enum):
    """What stands before a change; Terraform's symbols, where it has one."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"
    RECREATE = "-/+"
    REPLACE = "+/-"
    KEEP = "+/="  # a replacement whose old object stays
    LET_GO = "+/."  # a replacement whose old object is forgotten
    FORGET = "."
    ADOPT = "="  # it exists already
    SWAP = "=/-"  # the same, and the old object goes
    WAIT = "…"


MEANING = {
    Symbol.CREATE: "create",
    Symbol.UPDATE: "update in place",
    Symbol.DELETE: "destroy",
    Symbol.RECREATE: "destroy and then create replacement",
    Symbol.REPLACE: "create replacement and then destroy",
    Symbol.KEEP: "create replacement and keep the old one",
    Symbol.LET_GO: "create replacement and then forget the old one, which stays",
    Symbol.FORGET: "forget, the object stays",
    Symbol.ADOPT: "take over what exists; nothing is made",
    Symbol.SWAP: "take over what exists and then destroy the old one",
    Symbol.WAIT: "wait, it is still running",
}
STYLE = {
    Symbol.CREATE: Style.ADD,
    Symbol.UPDATE: Style.CHANGE,
    Symbol.DELETE: Style.REMOVE,
    Symbol.RECREATE: Style.REMOVE,
    Symbol.REPLACE: Style.REMOVE,
    Symbol.KEEP: Style.ADD,
    Symbol.LET_GO: Style.REMOVE,
    Symbol.FORGET: Style.REMOVE,
    Symbol.ADOPT: Style.ADD,
    Symbol.SWAP: Style.REMOVE,
    Symbol.WAIT: Style.NOTE,
}


def symbol(change: Change) -> Symbol:
    """Return the symbol of a change."""
    match change.action:
        case Action.CREATE:
            return Symbol.CREATE
        case Action.UPDATE:
            return Symbol.UPDATE
        case Action.REPLACE:
            if change.lets_go:
                return Symbol.LET_GO
            return Symbol.KEEP if change.held else Symbol.REPLACE
        case Action.RECREATE:
            return Symbol.RECREATE
        case Action.DELETE:
            return Symbol.DELETE
        case Action.FORGET:
            return Symbol.FORGET
        case Action.ADOPT:
            swap = change.doomed is not None and not change.held and not change.lets_go
            return Symbol.SWAP if swap else Symbol.ADOPT
        case Action.WAIT:
            return Symbol.WAIT
        case _:
            assert_never(change.action)


def heading(change: Change) -> str:
    """Return `tuning_job.support must be replaced (training rows changed)`."""
    why = reason(change)
    return f"{change.address} {_fate(change)}" + (f" ({why})" if why else "")


def _fate(change: Change) -> str:
    match change.action:
        case Action.CREATE:
            return "will be created" if change.original is None else _copied(change)
        case Action.UPDATE:
            return "will be updated in place"
        case Action.REPLACE | Action.RECREATE:
            return (
                "will be replaced, as requested"
                if change.cause is Cause.REQUESTED
                else "must be replaced"
            )
        case Action.DELETE:
            return "will be destroyed"
        case Action.FORGET:
            return "will no longer be managed by tunectl, but will not be destroyed"
        case Action.ADOPT:
            found = f"`{one_line(change.found.id)}`" if change.found else "what exists"
            if change.cause is Cause.IMPORTED:
                return f"will be imported from {found}"
            return f"will reuse {found}, and nothing new is made"
        case Action.WAIT:
            progress = one_line(change.before.progress) if change.before else ""
            told = ", ".join(filter(None, (progress, one_line(change.who))))
            return "is still running" + (f" ({told})" if told else "")
        case _:
            assert_never(change.action)


def _copied(change: Change) -> str:
    found = one_line(change.original.id) if change.original is not None else ""
    where = f" of environment `{one_line(change.origin)}`" if change.origin else ""
    return f"will be copied from `{found}`{where}"


_WHY = {
    Cause.VANISHED: "it was deleted remotely",
    Cause.MISSING: "it is missing here, or its file was edited",
    Cause.DEPENDANT: "needed again by what depends on it",
    Cause.UNDECLARED: "because it is not in the configuration",
    Cause.SUPERSEDED: "superseded, and nothing uses it any more",
    Cause.REMOVED: "because of a `removed` block",
    Cause.KEPT: "because of `keep_on_destroy`",
    Cause.EXPIRED: "because it expired",
    Cause.SHARED: "another environment uses it too",
}


def reason(change: Change) -> str:
    """Return why, in a few words; nothing where the heading says it all."""
    match change.cause:
        case Cause.CANNOT_UPDATE:
            return _forcing(change)
        case Cause.OTHER_PROVIDER:
            before = change.before.provider if change.before else "another"
            return f"provider changed from {before} to {change.provider}"
        case Cause.REQUESTED:
            return "made again, as requested" if change.action is Action.CREATE else ""
        case Cause.REUSED:
            if change.origin:
                return f"environment `{one_line(change.origin)}` made it: equal fingerprint"
            return "a kept previous one: equal fingerprint"
        case _:
            return _WHY.get(change.cause, "")


def _forcing(change: Change) -> str:
    found = list(dict.fromkeys(_field(d.path) for d in change.deltas if d.forces))
    if not found:
        return "its fingerprint changed"
    return cut(", ".join(found), _REASON_LONGEST) + " changed"


def _field(path: tuple[str, ...]) -> str:
    if len(path) > 1 and path[-1] in {"sha256", "rows"}:
        return f"{one_line(path[-2])} rows"
    if path == ("sha256",):
        return "rows"
    return dotted(path)


def rows_sentence(delta: RowDelta) -> str:
    """Return `train 1 changed, 2 added (data/support.jsonl:17, data/support.jsonl:18)`."""
    parts = [
        f"{number} {word}"
        for number, word in (
            (delta.changed, "changed"),
            (delta.added, "added"),
            (delta.removed, "removed"),
        )
        if number
    ]
    where = ", ".join(one_line(line) for line in delta.lines[:_ROWS_SHOWN])
    left = delta.added + delta.changed - min(len(delta.lines), _ROWS_SHOWN)
    if where and left > 0:
        where += f" and {left} more"
    text = f"{one_line(delta.split)} {', '.join(parts) or 'unchanged'}"
    return f"{text} ({where})" if where else text


_ROWS_SHOWN = 5


def drift_heading(drift: Drift) -> str:
    """Return `endpoint.support has changed`."""
    if drift.released:
        return f"{drift.address} is gone, and is made again only when a job needs it"
    if drift.gone:
        said = "is missing here, or its file was edited" if drift.local else "has been deleted"
        return f"{drift.address} {said}"
    return f"{drift.address} has changed"


def summary(plan: Plan) -> str:
    """Return Terraform's summary line. Tools parse it: never change a byte of it.

    What is imported or reused exists already: both count under "to import".
    """
    head = f"{plan.adopts} to import, " if plan.adopts else ""
    forgets = plan.forgets
    tail = f", {forgets} to forget" if forgets else ""
    return (
        f"Plan: {head}{plan.adds} to add, {plan.updates} to change, "
        f"{plan.destroys} to destroy{tail}."
    )


def refreshed(plan: Plan) -> str:
    """Return what a refresh-only plan comes to; of the declaration it tells nothing.

    It begins with `No changes. ` where apply would write nothing, and has no full stop.
    """
    said = []
    if plan.recover:
        steps = counted(len(plan.recover), "open step")
        said.append(f"{steps} of an interrupted apply will be settled")
    if plan.drift:
        said.append(f"{counted(len(plan.drift), 'record')} will be brought up to date")
    if plan.notes:  # what is gone and would be bought again, were it forgotten
        verbs = ("was", "stays") if len(plan.notes) == 1 else ("were", "stay")
        gone = f"{counted(len(plan.notes), 'object')} {verbs[0]} deleted remotely and {verbs[1]}"
        said.append(f"{gone} recorded")
    if not said:
        chosen = "What was chosen" if plan.partial else "Everything"
        said.append(f"{chosen} is still as it is recorded")
    return ("No changes. " if plan.empty else "") + "; ".join(said)


def moved_sentence(moved: tuple[Address, Address]) -> str:
    """Return `tuning_job.old has moved to tuning_job.new`."""
    before, after = moved
    return f"{before} has moved to {after}"


def blocked_count(plan: Plan) -> str:
    """Return `Blocked: 2 resources.`, or nothing."""
    return f"Blocked: {counted(len(plan.blocked), 'resource')}." if plan.blocked else ""
