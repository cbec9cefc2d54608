"""Objects of which a provider makes only so many at once: the rest waits for its turn.

Law: whatever may begin begins; only among equals, those that stand later in the plan wait until one
that stands earlier is done. What fails gives its turn to nobody in this run: the next one goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tunectl.core.graph import order
from tunectl.core.steps import Step, Verb

Group = tuple[str, str]
"""A provider's name, and a kind."""


class TakesTurns(Protocol):
    """A handler of whose objects only so many are made at once; the rest waits for its turn."""

    @property
    def at_once(self) -> int:
        """How many may be pending together."""
        ...


def groups(steps: Sequence[Step]) -> frozenset[Group]:
    """Return the groups of which more than one object is to be made, or still is."""
    counts: dict[Group, int] = {}
    for step in steps:
        if step.verb is Verb.WAIT and step.change.after is not None:
            key = _group(step)
            counts[key] = counts.get(key, 0) + 1
    return frozenset(key for key, count in counts.items() if count > 1)


def in_turns(steps: Sequence[Step], at_once: Mapping[Group, int]) -> tuple[Step, ...]:
    """Return the steps so that no more than so many objects of a group are being made at once.

    Args:
        steps: of a plan.
        at_once: by group; what is not in it has no limit.
    """
    if not at_once:
        return tuple(steps)
    known = {step.id: step for step in steps}
    creates = {step.address: step for step in steps if step.verb is Verb.CREATE}
    lines: dict[Group, list[Step]] = {}
    # In the order in which they come anyway, so that no step waits for one behind it; what runs
    # already waits for nothing and comes first.
    sorted_ids = order({id_: step.after & known.keys() for id_, step in known.items()})
    waits = [known[id_] for id_ in sorted_ids if known[id_].verb is Verb.WAIT]
    for wait in waits:
        if wait.change.after is not None and _group(wait) in at_once:
            lines.setdefault(_group(wait), []).append(wait)
    turns: dict[str, str] = {}
    for group, line in lines.items():
        for place, wait in enumerate(line):
            create = creates.get(wait.address)
            if create is not None and place >= at_once[group]:
                turns[create.id] = line[place - at_once[group]].id
    return tuple(
        replace(step, after=step.after | {turns[step.id]}) if step.id in turns else step
        for step in steps
    )


def _group(step: Step) -> Group:
    assert step.change.after is not None, step.id
    return step.change.after.provider, step.address.kind
