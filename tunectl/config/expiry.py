"""`expires_after` and `expires_at`: when an object is to end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.resource import Expiry

if TYPE_CHECKING:
    from tunectl.kinds.declared import Remote

_ENDS = frozenset({"expires_after", "expires_at", "expires_when_idle"})


def expiry(world: World, draft: Draft) -> Expiry | None:
    """Return when a resource is to end, None when it stays; a date that has passed is a warning."""
    model = cast("Remote", draft.model)
    if model.model_fields_set.isdisjoint(_ENDS):
        return None
    if model.expires_at is not None and _passed(model.expires_at, world.moment):
        world.problems.warn(
            f"`{draft.address}` expired on {model.expires_at[:10]}",
            draft.at("expires_at"),
            code="expired",
            hint="the next apply deletes it, or does not make it; a later date keeps it",
            address=str(draft.address),
        )
    idle = getattr(model, "expires_when_idle", None)
    if model.expires_after is None and model.expires_at is None and idle is None:
        return None
    return Expiry(after=model.expires_after, at=model.expires_at, idle=idle)


def _passed(at: str, now: datetime) -> bool:
    return datetime.fromisoformat(at) <= now.astimezone(UTC)
