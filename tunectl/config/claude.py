"""Claude models by the catalog's dates: what is retired, or soon will be."""

from __future__ import annotations

from tunectl.catalog.claude_models import find_claude
from tunectl.config.drafts import Draft
from tunectl.config.world import World

ANTHROPIC = "anthropic"


def check_claude(world: World, draft: Draft, name: str) -> None:
    """Warn of a model that answers no more; a plan refuses it, for a state may hold it still."""
    model = find_claude(name)
    if model is None or not model.is_retired(world.now):
        return
    instead = f"use `{model.successor}`, which Anthropic recommends instead"
    world.problems.warn(
        f"`{name}` ({model.title}) was retired on {model.retires}: requests to it fail",
        draft.at("model"),
        code="model-retired",
        hint=instead if model.successor else "choose another model",
        address=str(draft.address),
    )
