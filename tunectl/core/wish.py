"""What is wanted beyond the state: the planner's input."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.project import Moved, Output, Removed
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A ready object with the fingerprint of a wanted one: no new one need be bought.

    Attributes:
        env: the environment that made it; empty when it is a kept previous object of this one.
        afar: it lives in another account, from which it is copied.
    """

    instance: Instance
    env: str = ""
    afar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Elder:
    """A live object that another history of this very environment made for an address.

    Attributes:
        lineage: of that history; no state of it is recorded here.
        importable: whether one of its kind can be taken over by its id.
    """

    id: str
    lineage: str
    importable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted beyond the state.

    Attributes:
        replace: addresses the user asked to make anew.
        renew: addresses whose time to live begins anew.
        destroy: nothing is wanted any more.
        chosen: the addresses this plan may touch; None for all.
        imports: what exists and shall be managed from now on, as observed, by address.
        offers: what could be used instead of a new one, by fingerprint.
        named: what `from:` names, by the address that names it; it comes before every offer.
        uncopied: why what `from:` names is made again, by the address that names it.
        elders: what another history made already, by the address it was made for, newest first.
        shared: ids of objects that other environments use too: never deleted from here.
        refresh_only: change nothing but the record.
        now: ISO 8601, UTC; empty when nothing can expire.
    """

    resources: tuple[Resource, ...] = ()
    outputs: tuple[Output, ...] = ()
    moved: tuple[Moved, ...] = ()
    removed: tuple[Removed, ...] = ()
    replace: frozenset[Address] = frozenset()
    renew: frozenset[Address] = frozenset()
    destroy: bool = False
    chosen: frozenset[Address] | None = None
    imports: Mapping[Address, Instance] = field(default_factory=dict)
    offers: Mapping[str, tuple[Offer, ...]] = field(default_factory=dict)
    named: Mapping[Address, Offer] = field(default_factory=dict)
    uncopied: Mapping[Address, str] = field(default_factory=dict)
    elders: Mapping[Address, tuple[Elder, ...]] = field(default_factory=dict)
    shared: Container[tuple[str, str]] = frozenset()  # account, id
    refresh_only: bool = False
    now: str = ""

    def touches(self, address: Address) -> bool:
        """Whether the plan may change what is at an address."""
        return self.chosen is None or address in self.chosen
