"""Endpoints: a stable name for one model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from tunectl.catalog.provider_types import Service
from tunectl.config.bought import BOUGHT, bought
from tunectl.config.claude import ANTHROPIC, check_claude
from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.expiry import expiry
from tunectl.config.hosting import ACCEPTED, VERTEX, fixed_by, hosted
from tunectl.config.providers import LOCAL
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.resource import Recreate, Resource
from tunectl.core.value import Join, Ref, Value
from tunectl.kinds import ENDPOINT

if TYPE_CHECKING:
    from tunectl.kinds.endpoint import Endpoint

# What goes into the spec where it is said, beside the model.
_SETTINGS = ("deployment",)
_ONE_MODEL = frozenset({"model"})
_BOUGHT = frozenset(BOUGHT)
# Shared by all, for a set of its own for each of thousands takes as long as the rest of it.
_NONE: frozenset[str] = frozenset()
_BASE_URL = frozenset({"base_url"})


def lower_endpoints(world: World) -> None:
    """Declare every endpoint."""
    for draft in in_file_order(world.drafts, "endpoint"):
        model = draft.model
        assert ENDPOINT.fits(model)
        target = world.model_reference(draft, model.model, ("tuning_job",), "model")
        depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
        provider = _provider(world, draft, target)
        if target is None or provider is None:
            continue
        alias = provider.type == LOCAL  # a name and an address that stay when it moves
        service = world.service(provider)
        _check_deployment(world, draft, model, service)
        if provider.type == ANTHROPIC and isinstance(target, str):
            check_claude(world, draft, target)
        sold = bought(world, draft, model, provider, target)
        hosting = hosted(world, draft, model, provider, target)
        machines = "machine_type" in hosting
        hourly = machines or "model_units" in sold  # it bills whether or not it is used
        world.resources[draft.address] = Resource(
            address=draft.address,
            provider=provider.name,
            spec={"model": target, **_said(model), **sold, **hosting},
            immutable=_ONE_MODEL
            if service is not None and service.registers
            else _BOUGHT
            if sold
            else fixed_by(hosting)
            if provider.type == VERTEX
            else _NONE,
            inputs=frozenset(ACCEPTED & hosting.keys()) if hosting else _NONE,
            outputs=model.outputs,
            stable=_stable(model, provider, fixed=bool(alias or sold or machines)),
            recreate=Recreate.ON_REQUEST if hourly else Recreate.FREELY,
            depends_on=depends_on,
            lifecycle=lifecycle,
            destroy_first=alias,
            expires=expiry(world, draft),
            labels=world.labels_of(draft),
            source=draft.source,
        )


def _stable(model: Endpoint, provider: Provided, *, fixed: bool) -> frozenset[str]:
    """Return the outputs that stay when an endpoint moves.

    Where Vertex AI serves a tuned Gemini is told by the endpoint that it got.
    """
    if fixed:
        return _all(model.outputs)
    return _NONE if provider.type == VERTEX else _BASE_URL


@cache
def _all(outputs: tuple[str, ...]) -> frozenset[str]:
    return frozenset(outputs)


def _said(model: Endpoint) -> dict[str, Value]:
    if model.model_fields_set.isdisjoint(_SETTINGS):
        return {}
    said = ((name, getattr(model, name)) for name in _SETTINGS)
    return {name: value for name, value in said if value is not None}


def _check_deployment(world: World, draft: Draft, model: Endpoint, service: Service | None) -> None:
    if service is not None and service.deployments and model.deployment is None:
        world.problems.warn(
            f"{service.title} answers for a tuned model by a deployment, and `{draft.address}` "
            "names none",
            draft.source,
            code="no-deployment",
            hint="deploy it there by hand and write its name, `deployment: …`; without it only the "
            "model's id is recorded",
            address=str(draft.address),
        )
    if model.deployment is None or service is None or service.deployments:
        return
    world.problems.error(
        f"{service.title} has no deployments that `deployment` could name",
        draft.at("deployment"),
        code="limit",
        hint="remove it; only profile `azure` has them",
        address=str(draft.address),
    )


def _provider(world: World, draft: Draft, target: str | Ref | Join | None) -> Provided | None:
    """Return the provider: where the model is made, unless the endpoint names one."""
    job = world.drafts.get(target.address) if isinstance(target, Ref) else None
    if job is None or job.model is None:
        return world.provider(draft)
    made_at = job.model.provider or world.default_provider
    assert draft.model is not None
    said = draft.model.provider
    if said is None:
        if not made_at:
            return None
        return world.providers.get(made_at) or world.provider(replace(draft, model=job.model))
    found = world.provider(draft)
    if found is not None and said != made_at:
        world.problems.error(
            f"provider `{said}` cannot serve a model that is made at `{made_at}`",
            draft.at("provider"),
            code="foreign-model",
            hint=f"remove `provider:` here, or write `provider: {said}` at `{job.address}`",
            address=str(draft.address),
        )
        return None
    return found
