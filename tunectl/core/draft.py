"""The plan while it is being made: what is decided so far, and what that says of a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.plan import Action, Blocked, Change, Drift
from tunectl.core.resource import Instance, Recreate, Resource, Status, output
from tunectl.core.state import State
from tunectl.core.value import Address, Ref, Value
from tunectl.core.wish import Wish

_ON_DEMAND = Recreate.ON_DEMAND  # an enumerator by its name is slow, and this is asked most often
MAKES = (Action.CREATE, Action.REPLACE, Action.RECREATE)


@dataclass(slots=True)
class Draft:
    """The plan while it is being made."""

    wish: Wish
    state: State
    observed: Mapping[Address, Instance | None]
    wanted: Mapping[Address, Resource]
    stuck: Mapping[Address, Blocked]
    expired: Mapping[Address, Blocked]
    accounts: Mapping[str, str] = field(default_factory=dict)  # by provider
    changes: dict[Address, Change] = field(default_factory=dict)
    blocked: dict[Address, Blocked] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)  # ids of what changes take over
    drift: list[Drift] = field(default_factory=list)
    notes: list[tuple[Address, str]] = field(default_factory=list)

    def again(self, stuck: Mapping[Address, Blocked]) -> Draft:
        """Return an empty draft of the same, with what is known to be in the way."""
        return Draft(
            self.wish,
            self.state,
            self.observed,
            self.wanted,
            stuck,
            self.expired,
            self.accounts,
        )

    def stays_home(self, resource: Resource, seen: Instance) -> bool:
        """Whether a new object is made where the old one is, so that a fixed name is taken."""
        return self.accounts.get(resource.provider, seen.account) == seen.account

    def seen(self, address: Address) -> Instance | None:
        """The object as it is: observed, or as recorded where it was not looked at."""
        if address in self.observed:
            return self.observed[address]
        return self.state.instances.get(address)

    def ready(self, address: Address) -> bool:
        """Whether there is an object that others can use."""
        seen = self.seen(address)
        return seen is not None and seen.status is Status.READY

    def lookup(self, ref: Ref) -> Value:
        """The value a reference has when the plan is made; the reference where none is known."""
        address = ref.address
        wanted = self.wanted.get(address)
        if wanted is not None and wanted.recreate is _ON_DEMAND:
            return ref
        change = self.changes.get(address)
        if change is not None:
            if change.found is not None:
                return output(change.found, ref)
            if change.action in MAKES:
                return ref
            updated = change.action is Action.UPDATE
            if updated and not (ref.path and _keeps(self.wanted[address], change, ref.path[0])):
                return ref
        return output(self.seen(address) or self.state.instances.get(address), ref)


def _keeps(resource: Resource, update: Change, output: str) -> bool:
    """Whether an update in place leaves an output as it is."""
    if output in resource.stable:
        return True
    fields = {field for name, field in resource.follows if name == output}
    return bool(fields) and fields.isdisjoint(delta.path[0] for delta in update.deltas)
