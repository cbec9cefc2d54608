"""What of the user's word only the record takes in: nothing changes at a provider.

Law: what an apply would record is a change. A plan that hid it would let a CI that applies only
when something changes never protect what is declared as protected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tunectl.core.plan import Plan
from tunectl.core.resource import Instance, Lifecycle
from tunectl.core.state import Settled, State
from tunectl.core.value import Address, canonical

_UNSET = "unset"


def noted(state: State, entries: Iterable[Settled], plan: Plan) -> tuple[tuple[Address, str], ...]:
    """Return what is said anew of recorded objects, an address and a sentence each.

    Args:
        state: as recorded.
        entries: what an apply records before its first step.
        plan: what it does; nothing is told of what ends by it. How objects are now (a job that
            has finished) is no word of the user and is not told either.
    """
    ending = {c.address for c in plan.changes if c.after is None}
    return tuple(
        (entry.instance.address, sentence)
        for entry in entries
        if entry.instance.address in state.instances and entry.instance.address not in ending
        for sentence in _said(state.instances[entry.instance.address], entry.instance)
    )


def _said(before: Instance, now: Instance) -> Iterator[str]:
    was, says = _words(before.lifecycle), _words(now.lifecycle)
    for name, text in says.items():
        if was[name] != text:
            yield f"`lifecycle.{name}` {was[name]} -> {text}"
    for name in sorted(before.labels.keys() | now.labels.keys()):
        old, new = before.labels.get(name), now.labels.get(name)
        if old != new:
            yield f"`labels.{name}` {_label(old)} -> {_label(new)}"
    if before.provider != now.provider:
        yield f"`provider` {before.provider} -> {now.provider} (the same account)"
    if before.renewed_at != now.renewed_at:
        # No instant: the same plan made a minute later is the same plan.
        yield "its time to live begins anew"
    elif before.deadline != now.deadline:
        yield f"`expires` {before.deadline or 'never'} -> {now.deadline or 'never'}"


def _words(life: Lifecycle) -> dict[str, str]:
    return {
        "protect": canonical(life.protect),
        "ignore_changes": f"[{', '.join(sorted(life.ignore_changes))}]",
        "keep_on_destroy": canonical(life.keep_on_destroy),
        "keep_previous": str(life.keep_previous),
    }


def _label(value: str | None) -> str:
    return _UNSET if value is None else canonical(value)
