"""A plan as named, inert steps: explaining it and running it are two readers of one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from tunectl.core.dataclass import dataclass
from tunectl.core.graph import closure
from tunectl.core.plan import Action, Change, Plan
from tunectl.core.resource import Instance, Need
from tunectl.core.state import State
from tunectl.core.value import Address


class Verb(Enum):
    """What one step does."""

    CREATE = "create"
    UPDATE = "update"
    WAIT = "wait"  # until the object is no longer pending
    DELETE = "delete"
    FORGET = "forget"
    ADOPT = "adopt"  # take over what exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call, or one wait.

    Attributes:
        id: unique in the plan, and readable: `create tuning_job.support`.
        doomed: the object a delete or forget ends.
        after: ids of the steps that must have succeeded.
    """

    id: str
    verb: Verb
    address: Address
    change: Change
    doomed: Instance | None = None
    after: frozenset[str] = frozenset()


_ENDS = (Action.DELETE, Action.FORGET)


def steps(plan: Plan, state: State) -> tuple[Step, ...]:
    """Turn a plan into steps.

    Laws: users of an object move on, or end, before the object ends; what is superseded ends only
    when its successor is ready, unless it holds the fixed name that the successor is to have.
    """
    ready = {c.address: _id(Verb.WAIT, c.address) for c in plan.changes if c.action not in _ENDS}
    ends = _ends(plan)
    freed = _freed(plan, ends)
    users: dict[Need, list[Instance]] = {}
    for user in state.everything if ends else ():
        for need in user.needs:
            if need in ends:
                users.setdefault(need, []).append(user)
    found: list[Step] = []
    for change in plan.changes:
        found.extend(_making(change, ready, ends, freed))
        if change.doomed is not None and not change.held:
            found.append(_ending(change, change.doomed, users, ready, ends))
    return _untangled(found, freed)


def _ends(plan: Plan) -> dict[Need, str]:
    """The id of the step that ends each object; a fixed name is the same in every account."""
    found: dict[Need, str] = {}
    taken: set[str] = set()
    for change in plan.changes:
        if change.doomed is not None and not change.held:
            old = change.doomed
            id_ = _id(Verb.DELETE, old.address, old.id)
            id_ = f"{id_} {old.account}" if id_ in taken else id_
            taken.add(id_)
            found[old.key] = id_
    return found


def _freed(plan: Plan, ends: Mapping[Need, str]) -> dict[Address, frozenset[str]]:
    """The steps that free the fixed name of what is to be made, by its address.

    What moves to another account and back finds there what it left, where that could not end.
    """
    there = {
        c.address: plan.accounts.get(c.provider)
        for c in plan.changes
        if _VERBS.get(c.action) is Verb.CREATE and c.after is not None and c.after.destroy_first
    }
    found: dict[Address, frozenset[str]] = {}
    for change in plan.changes if there else ():
        old = change.doomed
        if change.action is not Action.DELETE or change.lets_go or old is None:
            continue
        if old.key in ends and old.account == there.get(old.address):
            found[old.address] = found.get(old.address, frozenset()) | {ends[old.key]}
    return found


def _untangled(found: list[Step], freed: Mapping[Address, frozenset[str]]) -> tuple[Step, ...]:
    """A fixed name forces the old object out before those of its users that need the new one."""
    after = {step.id: step.after for step in found}
    for step in found:
        first = step.change.action is Action.RECREATE or step.id in freed.get(step.address, ())
        if step.verb is Verb.DELETE and first:
            after[step.id] = frozenset(
                one for one in step.after if step.id not in closure({one}, after)
            )
    return tuple(
        step if after[step.id] is step.after else replace(step, after=after[step.id])
        for step in found
    )


def _id(verb: Verb, address: Address, id_: str = "") -> str:
    return f"{verb.value} {address} {id_}".rstrip()


_VERBS = {
    Action.CREATE: Verb.CREATE,
    Action.REPLACE: Verb.CREATE,
    Action.RECREATE: Verb.CREATE,
    Action.UPDATE: Verb.UPDATE,
    Action.ADOPT: Verb.ADOPT,
}


def _making(
    change: Change,
    ready: dict[Address, str],
    ends: dict[Need, str],
    freed: Mapping[Address, frozenset[str]],
) -> list[Step]:
    verb = _VERBS.get(change.action)
    if change.action in _ENDS:
        return []
    after = frozenset(ready[n] for n in change.needs if n in ready)
    if change.action is Action.RECREATE and change.doomed is not None:
        after |= {ends[change.doomed.key]}
    after |= freed.get(change.address, frozenset())
    wait = Step(
        id=ready[change.address], verb=Verb.WAIT, address=change.address, change=change, after=after
    )
    if verb is None:
        return [wait]
    first = Step(
        id=_id(verb, change.address), verb=verb, address=change.address, change=change, after=after
    )
    return [
        first,
        Step(
            id=wait.id,
            verb=Verb.WAIT,
            address=change.address,
            change=change,
            after=frozenset({first.id}),
        ),
    ]


def _ending(
    change: Change,
    doomed: Instance,
    users: dict[Need, list[Instance]],
    ready: dict[Address, str],
    ends: dict[Need, str],
) -> Step:
    after: set[str] = set()
    if change.action is Action.RECREATE:
        # Not before the new one can be made at once: the gap between the two stays short.
        after.update(ready[need] for need in change.needs if need in ready)
    elif doomed.address in ready:
        after.add(ready[doomed.address])
    for user in users.get(doomed.key, ()):
        if user.key in ends:
            after.add(ends[user.key])
        elif user.address in ready:
            after.add(ready[user.address])
    verb = Verb.FORGET if change.action is Action.FORGET or change.lets_go else Verb.DELETE
    return Step(
        id=ends[doomed.key],
        verb=verb,
        address=doomed.address,
        change=change,
        doomed=doomed,
        after=frozenset(after),
    )
