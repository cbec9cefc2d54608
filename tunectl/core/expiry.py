"""When what is declared with an end is over.

Law: what others still need does not end by itself; it is named, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tunectl.core.plan import Blocked
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address


@dataclass(frozen=True, slots=True)
class Expired:
    """The declared resources that are over.

    Attributes:
        ending: nothing needs them: they are deleted, and not made again; address to the end's
            date.
        needed: something declared still needs them.
    """

    ending: Mapping[Address, str] = field(default_factory=dict)
    needed: Mapping[Address, Blocked] = field(default_factory=dict)


def end(resource: Resource, instance: Instance | None) -> datetime | None:
    """Return when a resource is over; None when it never is, or has not been made yet."""
    expires = resource.expires
    if expires is None:
        return None
    if expires.at is not None:
        return _moment(expires.at)
    if expires.after is None or instance is None or not instance.created_at:
        return None
    return _moment(instance.created_at) + timedelta(seconds=expires.after)


def expired(
    resources: Iterable[Resource], instances: Mapping[Address, Instance], now: str
) -> Expired:
    """Return what is over.

    Args:
        resources: what is declared.
        instances: what is recorded.
        now: ISO 8601, UTC; empty when nothing can be over.
    """
    if not now:
        return Expired()
    resources = tuple(resources)
    over = {
        r.address: ended
        for r in resources
        if (ended := end(r, instances.get(r.address))) is not None and ended <= _moment(now)
    }
    if not over:
        return Expired()
    users = {need: r.address for r in resources if r.address not in over for need in r.needs}
    return Expired(
        ending={a: _day(ended) for a, ended in over.items() if a not in users},
        needed={
            a: Blocked(
                address=a,
                reason=f"expired on {_day(ended)}, but `{users[a]}` needs it",
                hint="let it live longer, or remove what needs it",
            )
            for a, ended in over.items()
            if a in users
        },
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
