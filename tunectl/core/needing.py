"""What an object names of others, by account too: older records left the account out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tunectl.core.resource import Instance, Need
from tunectl.core.value import Address


def exact(
    instance: Instance, live: Mapping[Address, Instance], superseded: Collection[Need]
) -> Instance:
    """Return an instance whose needs name what is recorded, by its account too.

    Older versions did not say the account of what is needed, which reads as the user's own: then it
    is that of the recorded object with this address and id.
    """
    for need in instance.needs:
        now = live.get(need.address)
        if now is None or now.id != need.id or now.account != need.account:
            break
    else:
        return instance
    untold = {"", instance.account}
    for need in instance.needs:
        if need.account in untold and not _there(need, live, superseded):
            break
    else:
        return instance
    told = (
        named(need, live, superseded) if need.account in untold else need for need in instance.needs
    )
    return replace(instance, needs=tuple(told))


def _there(need: Need, live: Mapping[Address, Instance], superseded: Collection[Need]) -> bool:
    now = live.get(need.address)
    if now is not None and now.id == need.id and now.account == need.account:
        return True
    return need in superseded


def named(need: Need, live: Mapping[Address, Instance], superseded: Collection[Need]) -> Need:
    """Return what names the recorded object that is meant; the need itself where there is none."""
    if _there(need, live, superseded):
        return need
    now = live.get(need.address)
    if now is not None and now.id == need.id:
        return now.key
    kept = (n for n in superseded if (n.address, n.id) == (need.address, need.id))
    return next(kept, need)
