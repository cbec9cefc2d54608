"""When what is declared with an end is over.

Law: what others still need does not end by itself; it is named, and a person decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.declared import declaration
from tunectl.core.plan import Blocked
from tunectl.core.resource import Resource, deadline, utc
from tunectl.core.state import Lapse, State
from tunectl.core.value import Address
from tunectl.core.wish import Wish


@dataclass(frozen=True, slots=True)
class Expired:
    """The declared resources that are over.

    Attributes:
        ending: nothing needs them: they are deleted, and not made again.
        needed: something declared still needs them.
    """

    ending: Mapping[Address, Lapse] = field(default_factory=dict)
    needed: Mapping[Address, Blocked] = field(default_factory=dict)


def declaration_of(resource: Resource) -> str:
    """Return the hash of what is declared, the end included: an edit of any of it counts."""
    expires = resource.expires
    after, at = (expires.after, expires.at) if expires else (None, None)
    text = f"{declaration(resource)} {after} {at}"
    return hashlib.sha256(text.encode()).hexdigest()


def expired(
    resources: Iterable[Resource],
    state: State,
    wish: Wish,
    gone: Container[Address] = frozenset(),
) -> Expired:
    """Return what is over, and what was over and is not to be made again.

    Args:
        resources: what is declared.
        state: what is recorded, with the deadlines that the declaration gives.
        wish: says what time it is, and what the user wants to live again.
        gone: what was looked for and is not there.
    """
    again = wish.replace | wish.renew
    declared = tuple(r for r in resources if r.expires is not None and r.address not in again)
    if not wish.now or not declared:
        return Expired()
    lapsed = {lapse.address: lapse for lapse in state.lapsed}
    over: dict[Address, Lapse] = {}
    for resource in declared:
        recorded = state.instances.get(resource.address)
        ends = deadline(
            resource.expires, (recorded.renewed_at or recorded.created_at) if recorded else ""
        )
        lapse = Lapse(resource.address, declaration_of(resource), ends)
        before = lapsed.get(resource.address)
        idle = resource.expires is not None and resource.expires.idle is not None
        unused = idle and recorded is not None and resource.address in gone
        if unused or (ends and utc(ends) <= utc(wish.now)):
            over[resource.address] = lapse
        elif recorded is None and before is not None and before.declared == lapse.declared:
            over[resource.address] = before
    users = {need: r.address for r in resources if r.address not in over for need in r.needs}
    return Expired(
        ending={a: lapse for a, lapse in over.items() if a not in users},
        needed={
            a: Blocked(
                address=a,
                reason=f"expired on {_day(lapse.ended)}, but `{users[a]}` needs it",
                hint=f"let it live longer, remove what needs it, or `tunectl apply --renew {a}`",
            )
            for a, lapse in over.items()
            if a in users
        },
    )


def not_again(lapse: Lapse) -> str:
    """Return why a declared resource is not made."""
    return f"expired on {_day(lapse.ended)}, not re-created: edit it, or `--renew {lapse.address}`"


def _day(text: str) -> str:
    return utc(text).strftime("%Y-%m-%d %H:%M UTC") if text else "an earlier day"
