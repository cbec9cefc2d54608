"""Endpoints with machines of their own, which Vertex AI has and a tuned Gemini has not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunectl.catalog.machines import built_in
from tunectl.catalog.open_models import Weights, open_model
from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.value import Join, Ref, Value
from tunectl.kinds import TUNING_JOB

if TYPE_CHECKING:
    from tunectl.kinds.endpoint import Endpoint

VERTEX = "vertex"
DEDICATED, GARDEN = "dedicated", "garden"
# What another one of needs another endpoint: with machines, or without.
HOSTING = frozenset({"hosting"})
# Model Garden deploys on an endpoint that it makes: another open model is another endpoint.
_OF_GARDEN = HOSTING | {"model"}
ACCEPTED = frozenset({"accept_eula"})
_FIELDS = (
    "checkpoint", "machine_type", "accelerator", "replicas", "autoscaling", "spot", "canary",
    "hold", "accept_eula",
)  # fmt: skip
_GEMINI = "gemini"


def hosted(
    world: World, draft: Draft, model: Endpoint, provider: Provided, target: str | Ref | Join
) -> dict[str, Value]:
    """Return what an endpoint's machines add to its settings; tell what does not go together."""
    is_open = provider.type == VERTEX and _is_open(world, target)
    if model.model_fields_set.isdisjoint(_FIELDS) and not is_open:
        return {}  # most endpoints
    said = [name for name in _FIELDS if getattr(model, name) is not None]
    if said and provider.type != VERTEX:
        _wrong(
            world,
            draft,
            said[0],
            f"`{said[0]}` means nothing at provider `{provider.name}`",
            "remove it; only endpoints of Vertex AI take it",
        )
        return {}
    if is_open:
        return _open(world, draft, model, target)
    return _given(world, draft, model, target) if said else {}


def _given(
    world: World, draft: Draft, model: Endpoint, target: str | Ref | Join
) -> dict[str, Value]:
    """Return the settings of an endpoint for a tuned Gemini or a registered model."""
    base = _base(world, target)
    if model.machine_type is not None and base is not None and base.startswith(_GEMINI):
        _wrong(
            world,
            draft,
            "machine_type",
            f"`{draft.address}` chooses machines, and a tuned Gemini (`{base}`) has none: it is an "
            "adapter on Google's own, paid by the token, and its job deploys it by itself",
            "remove `machine_type:` and what belongs to it",
        )
        return {}
    if isinstance(target, str) and model.machine_type and not target.startswith("projects/"):
        _wrong(
            world,
            draft,
            "model",
            f"`{target}` is neither a registered nor an open model, and machines serve no other",
            "registered: `projects/PROJECT/locations/LOCATION/models/ID`; open: "
            "`google/gemma3@gemma-3-1b-it` of Model Garden, `Qwen/Qwen3-8B` of Hugging Face, a "
            "folder of weights `gs://BUCKET/FOLDER`",
        )
        return {}
    if model.accept_eula is not None:
        _wrong(
            world,
            draft,
            "accept_eula",
            f"`{draft.address}` accepts a licence, and only Model Garden asks for one",
            "remove `accept_eula:`; it belongs to open models, such as `google/gemma3@…`",
        )
        return {}
    _check_accelerators(world, draft, model)
    return _settings(model)


def fixed_by(hosting: Mapping[str, Value]) -> frozenset[str]:
    """Return the settings whose change needs another endpoint at Vertex AI."""
    return _OF_GARDEN if hosting.get("hosting") == GARDEN else HOSTING


def _is_open(world: World, target: str | Ref | Join) -> bool:
    """Tell whether what is served is an open model, or one tuned from one."""
    base = _base(world, target)
    return base is not None and open_model(base) is not None


def _open(
    world: World, draft: Draft, model: Endpoint, target: str | Ref | Join
) -> dict[str, Value]:
    """Return the settings of an endpoint that Model Garden makes."""
    base = _base(world, target) or ""
    if model.machine_type is None:
        _wrong(
            world,
            draft,
            "model",
            f"`{draft.address}` serves an open model (`{base}`) and chooses no machines for it",
            "name them, `machine_type: g2-standard-12` and `accelerator: NVIDIA_L4`; they bill by "
            f"the hour. `gcloud ai model-garden models list-deployment-config --model={base}` "
            "lists what fits",
        )
        return {}
    if model.checkpoint is not None:
        _wrong(
            world,
            draft,
            "checkpoint",
            f"`{draft.address}` names a checkpoint, which only a tuned Gemini has",
            "remove `checkpoint:`",
        )
        return {}
    found = open_model(base)
    if found is not None and found.weights is Weights.BUCKET and model.accept_eula is not None:
        world.problems.warn(
            f"`{draft.address}` accepts a licence for weights of your own, and none is asked for",
            draft.at("accept_eula"),
            code="unused-eula",
            hint="remove `accept_eula:`",
            address=str(draft.address),
        )
    _check_accelerators(world, draft, model)
    accepted: dict[str, Value] = {"accept_eula": True} if model.accept_eula else {}
    return {**_settings(model), "hosting": GARDEN, **accepted}


def _check_accelerators(world: World, draft: Draft, model: Endpoint) -> None:
    """Tell where a machine that is built with accelerators does not get them.

    Vertex AI wants them named: `INVALID_ARGUMENT` otherwise, minutes into an apply.
    """
    machine, asked = model.machine_type, model.accelerator
    has = built_in(machine) if machine is not None else None
    if has is None:
        return
    whole = f"{{type: {has.type}, count: {has.count}}}" if (has.count or 1) > 1 else has.type
    hint = f"write `accelerator: {whole}`"
    each = "accelerator" if has.count == 1 else "accelerators"
    count = f"{has.count} {each}" if has.count is not None else "accelerators"
    if asked is None:
        summary = f"`{machine}` is built with {count} `{has.type}`, and none is asked for"
        _wrong(world, draft, "machine_type", summary, hint)
    elif asked.type != has.type:
        summary = f"`{machine}` is built with {count} `{has.type}`, not `{asked.type}`"
        _wrong(world, draft, "accelerator", summary, hint)
    elif has.count is not None and asked.count > has.count:
        summary = f"`{machine}` has {count} `{has.type}`, not {asked.count}"
        _wrong(world, draft, "accelerator", summary, f"{hint}, or choose a larger machine")


def _settings(model: Endpoint) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if model.checkpoint is not None:
        found["checkpoint"] = str(model.checkpoint)
    if model.machine_type is None:
        return found
    found |= {"hosting": DEDICATED, "machine_type": model.machine_type}
    if model.accelerator is not None:
        found["accelerator"] = {"type": model.accelerator.type, "count": model.accelerator.count}
    least = model.replicas.min if model.replicas is not None else 1
    most = model.replicas.max if model.replicas is not None else None
    found["replicas"] = {"min": least, "max": most if most is not None else least}
    if model.autoscaling is not None:
        found["autoscaling"] = model.autoscaling.model_dump(exclude_none=True)
    if model.spot:
        found["spot"] = True
    if model.canary is not None:
        found["canary"] = model.canary
    if model.hold is not None:
        found["hold"] = model.hold
    return found


def _base(world: World, target: str | Ref | Join) -> str | None:
    """Return the base model that an endpoint's model was made of, where that is known."""
    if isinstance(target, str):
        bare = target.removeprefix("publishers/google/models/")
        return bare if bare.startswith(_GEMINI) else target
    for _ in range(len(world.drafts)):
        job = world.drafts.get(target.address) if isinstance(target, Ref) else None
        if job is None or not TUNING_JOB.fits(job.model):
            return None
        base = world.model_reference(job, job.model.base_model, ("tuning_job",), "base_model")
        if isinstance(base, str):
            return base
        if base is None or isinstance(base, Join):
            return None
        target = base
    return None


def _wrong(world: World, draft: Draft, field: str, summary: str, hint: str) -> None:
    world.problems.error(
        summary, draft.at(field), code="limit", hint=hint, address=str(draft.address)
    )
