"""The record as people and programs see it: its history, its repair, its locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tunectl.core.ports import Holder
from tunectl.core.statediff import StateDiff
from tunectl.core.value import Address
from tunectl.views.text import counted, cut, one_line, scrub, table

_LONGEST_CHANGE = 60  # columns


def diff_line(diff: StateDiff | None) -> str:
    """Return what is different in one line: `+ endpoint.a, ~ tuning_job.b`."""
    if diff is None:
        return ""
    found = scrub(diff)
    signs = (("+", found.added), ("-", found.removed), ("+/-", found.replaced))
    words = [f"{sign} {address}" for sign, addresses in signs for address in addresses]
    words += [f"~ {address}" for address in found.changed]
    words += ["outputs"] if found.outputs else []
    words += [f"{counted(found.open, 'step')} open"] if found.open else []
    return ", ".join(words) or "no changes"


def diff_lines(diff: StateDiff) -> str:
    """Return what would be different, an address a line."""
    found = scrub(diff)
    lines = [f"  + {a}: recorded again" for a in found.added]
    lines += [f"  - {a}: forgotten" for a in found.removed]
    lines += [f"  +/- {a}: another object" for a in found.replaced]
    lines += [f"  ~ {a}: another record of the same object" for a in found.changed]
    lines += ["  ~ outputs"] if found.outputs else []
    return "\n".join(lines) or "  nothing is different"


def diff_tree(diff: StateDiff | None) -> dict[str, Any] | None:
    """Return what is different as JSON."""
    if diff is None:
        return None
    return {
        "added": _texts(diff.added),
        "removed": _texts(diff.removed),
        "replaced": _texts(diff.replaced),
        "changed": _texts(diff.changed),
        "outputs": diff.outputs,
        "open_steps": diff.open,
    }


def _texts(addresses: Iterable[Address]) -> list[str]:
    return [str(address) for address in addresses]


def moment(when: datetime | None) -> str:
    """Return a moment as people read it, UTC; `now` for the present."""
    return f"{when:%Y-%m-%d %H:%M:%S}" if when is not None else "now"


def history_text(
    rows: Sequence[tuple[str, datetime | None, int, str, int, StateDiff | None, str]],
) -> str:
    """Return the history, a generation a line.

    Args:
        rows: id, when it was replaced, serial, version, number of resources, what changed in it,
            and why it cannot be read.
    """
    if not rows:
        return "There is no state yet."
    lines = [
        (
            id_,
            moment(when),
            "-" if problem else str(serial),
            one_line(scrub(version)) or "-",
            "-" if problem else str(resources),
            cut(one_line(scrub(problem)) if problem else diff_line(change), _LONGEST_CHANGE),
        )
        for id_, when, serial, version, resources, change, problem in rows
    ]
    head = ("GENERATION", "REPLACED (UTC)", "SERIAL", "TUNECTL", "RESOURCES", "CHANGED")
    return "\n".join(table(head, lines))


def locks_text(locks: Iterable[tuple[str, Holder]]) -> str:
    """Return the held locks, one a line."""
    rows = [
        (
            one_line(env),
            one_line(holder.id),
            one_line(holder.who),
            one_line(holder.operation),
            one_line(holder.created) or "-",
            one_line(holder.info) or "-",
        )
        for env, holder in scrub(tuple(locks))
    ]
    if not rows:
        return "No lock is held."
    head = ("ENVIRONMENT", "LOCK ID", "HELD BY", "FOR", "SINCE (UTC)", "MORE")
    return "\n".join(table(head, rows))


def lock_tree(env: str, holder: Holder) -> dict[str, Any]:
    """Return a held lock as JSON."""
    return {
        "env": env,
        "id": holder.id,
        "who": holder.who,
        "operation": holder.operation,
        "created": holder.created,
        "pid": holder.pid,
        "info": holder.info,
    }


def found_text(groups: Mapping[str, Iterable[str]]) -> str:
    """Return headed groups of lines; a group without lines is left out."""
    blocks = []
    for title, lines in scrub(dict(groups)).items():
        if shown := [f"  {one_line(line)}" for line in lines]:
            blocks.append("\n".join([f"{title}:", *shown]))
    return "\n".join(blocks)
