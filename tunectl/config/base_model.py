"""Base models by the catalog's dates: what is shut down, closed to training, or soon will be."""

from __future__ import annotations

import re
from datetime import date

from tunectl.catalog.base_models import BaseModel, find, names
from tunectl.catalog.provider_types import Service
from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.value import Address, Join, Ref
from tunectl.kinds import TUNING_JOB

WARN_DAYS = 60
# Services that tune the models of one maker under plain ids: how these begin, and their name.
_ONE_MAKER = {"vertex": ("gemini-", "Gemini")}
_PLAIN = re.compile(r"[^/@$]+")


def check_base_model(
    world: World, draft: Draft, name: str, provider: Provided, service: Service
) -> None:
    """Check a base model's dates; an unknown one is a warning, for catalogs age."""
    known = names(service.name)
    model = find(service.name, name)
    at, address = draft.at("base_model"), str(draft.address)
    if model is None:
        if not _foreign(world, draft, name, service, known):
            _unknown(world, draft, name, provider, service, known)
        return
    _check_location(world, draft, model, provider, service)
    left = model.days_of_training_left(world.now)
    if model.is_shut_down(world.now):
        world.problems.warn(
            f"base model `{name}` was shut down on {model.shutdown}",
            at,
            code="base-retired",
            hint=_successors(world.now, service),
            address=address,
        )
    elif left == 0:
        world.problems.warn(
            f"{service.title} takes no new tuning job on `{name}` since {model.no_new_jobs}",
            at,
            code="base-closed",
            hint=f"what is tuned answers until {model.shutdown}; {_successors(world.now, service)}",
            address=address,
        )
    elif left is not None and left <= WARN_DAYS:
        days = "day" if left == 1 else "days"
        world.problems.warn(
            f"{service.title} takes no new tuning job on `{name}` from {model.no_new_jobs}, "
            f"in {left} {days}",
            at,
            code="base-closing",
            hint=f"it and what is tuned from it end on {model.shutdown}; "
            f"{_successors(world.now, service, model.no_new_jobs)}",
            address=address,
        )


def retirement(name: str, service: Service, now: date) -> str:
    """Return why no job can be made from a base model any more; empty when one can.

    It stops nothing here: only where the state is known can be told whether a job shall be made.
    """
    model = find(service.name, name)
    if model is None or not model.is_shut_down(now):
        return ""
    return f"base model `{name}` was shut down on {model.shutdown}; {_successors(now, service)}"


def base_of(world: World, model: str | Ref | Join) -> str:
    """Return the base that a line of tuning jobs began with, as it is written.

    Args:
        world: of the jobs.
        model: what is tuned or served: an id, or the job that makes it.
    """
    seen: set[Address] = set()
    known = world.bases
    while isinstance(model, Ref) and model.address not in seen:
        if model.address in known:  # or a line of thousands is walked for each of them
            model = known[model.address]
            break
        seen.add(model.address)
        draft = world.drafts.get(model.address)
        if draft is None or not TUNING_JOB.fits(draft.model):
            break
        said = draft.model.base_model
        named = world.references.named(said, draft.scope) if isinstance(said, str) else None
        model = named or said
    base = str(model)
    known.update(dict.fromkeys(seen, base))
    return base


def _successors(now: date, service: Service, after: date | None = None) -> str:
    """Name the base models that a service trains, those without an announced end first.

    Args:
        now: the day.
        service: where.
        after: only those that are trained for longer than until that day.
    """
    found = [
        model
        for name in names(service.name)
        if (model := find(service.name, name)) is not None
        and model.id == name
        and not model.is_shut_down(now)
        and model.days_of_training_left(now) != 0
        and (after is None or model.no_new_jobs is None or model.no_new_jobs > after)
    ]
    lasting = [model.id for model in found if model.no_new_jobs is None]
    if lasting:
        return f"trained there now: {listed(lasting)}"
    if found:
        last = max(model.no_new_jobs for model in found if model.no_new_jobs is not None)
        return f"trained there until {last}: {listed([model.id for model in found])}"
    left = "left there" if after is None else "trained there for longer"
    return f"none is {left}; move to another provider"


def _foreign(
    world: World, draft: Draft, name: str, service: Service, known: tuple[str, ...]
) -> bool:
    """Refuse a model of another maker, where a service tunes those of one by its own route."""
    makes = _ONE_MAKER.get(service.name)
    if makes is None or name.startswith(makes[0]) or not _PLAIN.fullmatch(name):
        return False
    alive = tuple(one for one in known if _is_open(world, service, one))
    world.problems.error(
        f"{service.title} tunes {makes[1]} models, and `{name}` is none",
        draft.at("base_model"),
        code="base-foreign",
        hint=f"it tunes {listed(alive)}",
        address=str(draft.address),
    )
    return True


def _check_location(
    world: World, draft: Draft, model: BaseModel, provider: Provided, service: Service
) -> None:
    """Tell where a base model is not known to be tuned; a warning, for catalogs age."""
    said = provider.settings.get("location")
    if not model.locations or not isinstance(said, str) or said in model.locations:
        return
    world.problems.warn(
        f"{service.title} is not known to tune `{model.id}` in `{said}`",
        draft.at("base_model"),
        code="base-location",
        hint=f"write `location:` {listed(model.locations)} at `providers.{provider.name}`",
        address=str(draft.address),
    )


def _is_open(world: World, service: Service, name: str) -> bool:
    model = find(service.name, name)
    return model is not None and model.days_of_training_left(world.now) != 0


def _is_gone(world: World, service: Service, name: str) -> bool:
    model = find(service.name, name)
    return model is not None and model.is_shut_down(world.now)


def _unknown(  # one message's facts
    world: World,
    draft: Draft,
    name: str,
    provider: Provided,
    service: Service,
    known: tuple[str, ...],
) -> None:
    if not known or "/" in name or name.endswith(".gguf"):
        return
    if provider.settings.get("trainer") == "simulated":
        return
    known = tuple(one for one in known if not _is_gone(world, service, one)) or known
    near = did_you_mean(name, known)
    if service.name == "local" and not near:
        return
    world.problems.warn(
        f"base model `{name}` is not known at {service.title}",
        draft.at("base_model"),
        code="base-unknown",
        hint=near or f"known are {listed(known, 5)}",
        address=str(draft.address),
    )
