"""For whom each dataset is: the providers, base models and methods of the jobs that use it.

Told before the jobs themselves are lowered, so that a dataset is read once. What is wrong with a
job is not told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tunectl.config.drafts import Draft
from tunectl.config.prices import own_prices
from tunectl.config.problems import Problems
from tunectl.config.refs import References, starts_with_kind
from tunectl.config.world import World, service_of
from tunectl.core.value import Address, Ref
from tunectl.data.targets import PREFERENCE, Target
from tunectl.kinds import TUNING_JOB

if TYPE_CHECKING:
    from tunectl.kinds.tuning_job import TuningJob

_METHODS = {"dpo": PREFERENCE}
_SIMULATED = "simulated"


def uses(world: World) -> Mapping[Address, tuple[Target, ...]]:
    """Return the targets of each dataset that a tuning job uses, each once."""
    silent = replace(world.references, problems=Problems())
    found: dict[Address, dict[Target, None]] = {}
    known: dict[tuple[object, ...], Target | None] = {}  # many jobs differ in other things
    for draft in world.drafts.values():
        model = draft.model
        if not TUNING_JOB.fits(model):
            continue
        method = model.method
        about = (model.provider, model.base_model, method.type, method.epochs)
        if about not in known:
            known[about] = _target(world, model)
        target = known[about]
        if target is not None:
            for address in _datasets(silent, draft, model):
                found.setdefault(address, {})[target] = None
    return {address: tuple(targets) for address, targets in found.items()}


def trained_on(world: World, job: Draft) -> tuple[Address, ...]:
    """Return the datasets whose rows a tuning job trains on."""
    if not TUNING_JOB.fits(job.model):
        return ()
    silent = replace(world.references, problems=Problems())
    model = job.model
    return tuple(_named(silent, job, (model.data, model.training)))


def target_at(world: World, name: str) -> Target | None:
    """Return what training at a declared provider is like; None where it is not declared."""
    provided = world.providers.get(name)
    if provided is None:
        return None
    service = service_of(provided)
    provider = service.name if service is not None else provided.type
    if provided.settings.get("trainer") == _SIMULATED:
        provider = _SIMULATED  # it takes what the wire takes, not what a model can learn from
    longest = provided.settings.get("max_tokens")
    return Target(
        provider,
        context=longest if isinstance(longest, int) else None,
        prices=own_prices(world.prices, provided.name),
    )


def _target(world: World, model: TuningJob) -> Target | None:
    name = model.provider or world.default_provider
    place = target_at(world, name) if name is not None else None
    if place is None:
        return None
    base, epochs = model.base_model, model.method.epochs
    known = isinstance(base, str) and not starts_with_kind(base)
    return replace(
        place,
        model=str(base) if known else None,
        method=_METHODS.get(model.method.type, model.method.type),
        epochs=epochs if isinstance(epochs, int) else None,
    )


def _datasets(references: References, draft: Draft, model: TuningJob) -> Iterator[Address]:
    """The datasets a job names; a reference that leads nowhere is told of later."""
    yield from _named(references, draft, (model.data, model.training, model.validation))


def _named(references: References, draft: Draft, values: Iterable[object]) -> Iterator[Address]:
    for value in values:
        if isinstance(value, Ref):
            yield value.address
        elif isinstance(value, str) and starts_with_kind(value):
            ref = references.named(value, draft.scope) or references.resolve(
                value, draft.scope, draft.source
            )
            if ref is not None and ref.address.kind == "dataset":
                yield ref.address
