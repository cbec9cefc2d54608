"""How Bedrock serves a tuned model: paid by the token, or model units that are bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunectl.catalog.bedrock_models import family
from tunectl.config.base_model import base_of
from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.value import Join, Ref, Value
from tunectl.kinds.providers import PROVIDERS

if TYPE_CHECKING:
    from tunectl.kinds.endpoint import Endpoint

BEDROCK = "bedrock"
# What is sold cannot be changed, only bought anew.
BOUGHT = ("serving", "model_units", "commitment")
_ON_DEMAND = "on_demand"


def bought(
    world: World, draft: Draft, model: Endpoint, provider: Provided, target: str | Ref | Join
) -> dict[str, Value]:
    """Return how it is served, empty where the provider is another; what is wrong is told.

    What the user leaves out is written out, for saying it later changes nothing.
    """
    if provider.type != BEDROCK:
        _refuse(world, draft, model, provider)
        return {}
    serving = model.serving or _ON_DEMAND
    _check_family(world, draft, serving, base_of(world, target))
    if serving == _ON_DEMAND:
        return {"serving": serving}
    found: dict[str, Value] = {"serving": serving, "model_units": model.model_units or 1}
    return found if model.commitment is None else {**found, "commitment": model.commitment}


def _check_family(world: World, draft: Draft, serving: str, base: str) -> None:
    facts = family(base)
    if facts is None or not facts.serving or serving in facts.serving:
        return
    other = facts.serving[0]
    more = ", which bills by the hour, used or not" if other != _ON_DEMAND else ""
    world.problems.error(
        f"a model tuned from {facts.title} cannot be served `{serving}`",
        draft.at("serving") if draft.node.find(("serving",))[1] else draft.source,
        code="limit",
        hint=f"write `serving: {other}`{more}",
        detail=f"{facts.source}, {facts.source_date}",
        address=str(draft.address),
    )


def _refuse(world: World, draft: Draft, model: Endpoint, provider: Provided) -> None:
    if provider.type not in PROVIDERS:
        return  # a plugin's own business, or a declaration that is refused already
    for name in () if model.model_fields_set.isdisjoint(BOUGHT) else BOUGHT:
        if getattr(model, name) is not None:
            world.problems.error(
                f"`{name}` is Bedrock's, and provider `{provider.name}` is of type "
                f"`{provider.type}`",
                draft.at(name),
                code="limit",
                hint="remove it",
                address=str(draft.address),
            )
