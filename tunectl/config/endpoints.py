"""Endpoints: a stable name for one model."""

from __future__ import annotations

from dataclasses import replace

from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.expiry import expiry
from tunectl.config.providers import LOCAL
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.resource import Resource
from tunectl.core.value import Join, Ref
from tunectl.kinds.endpoint import Endpoint


def lower_endpoints(world: World) -> None:
    """Declare every endpoint."""
    for draft in in_file_order(world.drafts, "endpoint"):
        model = draft.model
        assert isinstance(model, Endpoint)
        target = world.model_reference(draft, model.model, ("tuning_job",), "model")
        depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
        provider = _provider(world, draft, target)
        if target is None or provider is None:
            continue
        alias = provider.type == LOCAL  # a name and an address that stay when it moves
        world.resources[draft.address] = Resource(
            address=draft.address,
            provider=provider.name,
            spec={"model": target},
            outputs=model.outputs,
            stable=frozenset(model.outputs if alias else ("base_url",)),
            depends_on=depends_on,
            lifecycle=lifecycle,
            destroy_first=alias,
            expires=expiry(world, draft),
            labels=world.labels_of(draft),
            source=draft.source,
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
        return world.provider(replace(draft, model=job.model)) if made_at else None
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
