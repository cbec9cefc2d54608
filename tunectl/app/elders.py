"""Look for what another history of this environment made already, before it is made again.

Law: reads only, and nothing is taken over unasked. A provider that cannot list, or refuses to,
hides nothing that would be known without this look.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TypeAlias, cast

from tunectl.app.connecting import Connector
from tunectl.core.abilities import Startable
from tunectl.core.places import Place, place_of
from tunectl.core.ports import Found, Provider, Store
from tunectl.core.resource import Resource, Status
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.core.wish import Elder
from tunectl.engine.listing import lists, shown
from tunectl.stores.deleted import Deleted

_ALIVE = frozenset({Status.READY, Status.PENDING})  # of what has ended its record may stay for ever

_Known: TypeAlias = tuple[Address, str, Found]  # for which address, of which lineage


def elders(
    wanted: Iterable[Resource], state: State, connect: Connector, store: Store
) -> Mapping[Address, tuple[Elder, ...]]:
    """Return what is there already for addresses, newest first; each kind is listed once.

    Args:
        wanted: what would be made.
        state: what is recorded: its project and environment count, and its lineage is ours.
        connect: the providers.
        store: remembers what `gc` deleted where a provider does not tell.

    Raises:
        ProviderError: a service could not be asked.
        StateError: the store's memory cannot be read.
    """
    sorts: dict[tuple[str, str], set[Address]] = {}
    for resource in wanted:
        sorts.setdefault((resource.provider, resource.address.kind), set()).add(resource.address)
    known = [
        (mark.address, mark.lineage, one)
        for (name, kind), addresses in sorted(sorts.items())
        for one in _listed(connect(name), kind)
        if (mark := one.mark) is not None
        and (mark.project, mark.env) == (state.project, state.env)
        and mark.lineage != state.lineage
        and mark.address in addresses
        and one.instance.status in _ALIVE
    ]
    return _in_order(known, Deleted(store).read()) if known else {}


def _in_order(
    known: Iterable[_Known], gone: Container[Place]
) -> Mapping[Address, tuple[Elder, ...]]:
    from tunectl.config.handover import not_importable  # what reads declarations

    found: dict[Address, tuple[Elder, ...]] = {}
    for address, lineage, one in sorted(known, key=lambda k: k[2].created_at, reverse=True):
        if place_of(one.instance) not in gone:
            taken = not_importable(address.kind) is None
            elder = Elder(id=one.instance.id, lineage=lineage, importable=taken)
            found[address] = (*found.get(address, ()), elder)
    return found


def _listed(provider: Provider, kind: str) -> Iterable[Found]:
    """What a list shows; nothing is asked where there is nothing, or nothing tells whose it is."""
    if hasattr(provider, "untouched") and cast("Startable", provider).untouched:
        return ()
    handler = provider.handlers.get(kind)
    source = lists(handler) if handler is not None and hasattr(handler, "mark") else None
    return shown(source) if source is not None else ()
