"""Addresses that become others, however many, in one walk over what names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tunectl.core.approval import Approval
from tunectl.core.resource import Instance, Need
from tunectl.core.value import Address


class Moves:
    """Several moves, one after another, as one table: where each address of the beginning is now.

    Attributes:
        where: old address to new; what is not in it stays where it is.
    """

    def __init__(self) -> None:
        self.where: dict[Address, Address] = {}
        self._here: dict[Address, list[Address]] = {}  # the other way round

    def add(self, before: Address, after: Address) -> None:
        """Move on whatever stands at an address by now."""
        moving = self._here.pop(before, [])
        if before not in self.where:
            moving.append(before)
        for origin in moving:
            self.where[origin] = after
        staying = self._here.setdefault(after, [])
        if after not in self.where:
            self.where[after] = after
            staying.append(after)
        staying += moving

    def instance(self, instance: Instance) -> Instance:
        """Return an instance with the new addresses wherever the old ones stand."""
        where, needs = self.where, instance.needs
        if any(n.address in where for n in needs):
            needs = self.needs(needs)
        address = where.get(instance.address, instance.address)
        parent = where.get(instance.parent, instance.parent) if instance.parent else None
        if needs is instance.needs and address is instance.address and parent is instance.parent:
            return instance
        return replace(instance, address=address, needs=needs, parent=parent)

    def needs(self, needs: Iterable[Need]) -> tuple[Need, ...]:
        """Return what names objects with the new addresses."""
        return tuple(Need(self.where.get(n.address, n.address), n.id, n.account) for n in needs)

    def observed(self, seen: Mapping[Address, Instance | None]) -> dict[Address, Instance | None]:
        """Return what was observed, with the new addresses."""
        return {self.where.get(a, a): i and self.instance(i) for a, i in seen.items()}

    def approval(self, approval: Approval) -> Approval:
        """Return an approval with the new addresses wherever the old ones stand."""

        def new(address: Address) -> Address:
            return self.where.get(address, address)

        return replace(
            approval,
            wanted={new(a): digest for a, digest in approval.wanted.items()},
            doomed=self.needs(approval.doomed),
            anew=self.needs(approval.anew),
            left={new(a): tuple(map(new, waits)) for a, waits in approval.left.items()},
            begun=tuple(map(new, approval.begun)),
        )


def relocated(instance: Instance, before: Address, after: Address) -> Instance:
    """Return the instance with one address replaced by another wherever it stands."""
    moves = Moves()
    moves.add(before, after)
    return moves.instance(instance)
