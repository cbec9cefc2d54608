"""Endpoints with machines of their own, which Vertex AI has and a tuned Gemini has not."""

from __future__ import annotations

from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.value import Join, Ref, Value
from tunectl.kinds.endpoint import Endpoint
from tunectl.kinds.tuning_job import TuningJob

VERTEX = "vertex"
DEDICATED = "dedicated"
# What another one of needs another endpoint: with machines, or without.
HOSTING = frozenset({"hosting"})
_FIELDS = (
    "checkpoint", "machine_type", "accelerator", "replicas", "autoscaling", "spot", "canary",
    "hold",
)  # fmt: skip
_GEMINI = "gemini"


def hosted(
    world: World, draft: Draft, model: Endpoint, provider: Provided, target: str | Ref | Join
) -> dict[str, Value]:
    """Return what an endpoint's machines add to its settings; tell what does not go together."""
    if model.model_fields_set.isdisjoint(_FIELDS):
        return {}  # most endpoints
    said = [name for name in _FIELDS if getattr(model, name) is not None]
    if not said:
        return {}
    if provider.type != VERTEX:
        _wrong(
            world,
            draft,
            said[0],
            f"`{said[0]}` means nothing at provider `{provider.name}`",
            "remove it; only endpoints of Vertex AI take it",
        )
        return {}
    if model.machine_type is not None and isinstance(target, str) and _is_published(target):
        _wrong(
            world,
            draft,
            "model",
            f"`{target}` is a model of Model Garden, and machines serve registered models",
            f"put it into the registry, `gcloud ai models upload` with its container, and name "
            f"it: `model: projects/{provider.settings.get('project')}/locations/…/models/ID`",
        )
        return {}
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
    return _settings(model)


def _is_published(model: str) -> bool:
    """Tell whether a name is one of Model Garden: `google/gemma3@gemma-3-27b-it`."""
    return "@" in model and not model.startswith("projects/")


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
        return target.removeprefix("publishers/google/models/")
    for _ in range(len(world.drafts)):
        job = world.drafts.get(target.address) if isinstance(target, Ref) else None
        if job is None or not isinstance(job.model, TuningJob):
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
