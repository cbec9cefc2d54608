"""The model that a prompt is for: how one speaks to it, and the base it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunectl.catalog.claude_models import find_claude
from tunectl.config.drafts import Draft
from tunectl.config.providers import LOCAL
from tunectl.config.world import World
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Join, Ref, Value

OPENAI = "openai"

# How one speaks to a service, by the type of the provider; all others speak as OpenAI does.
_DIALECTS = {"anthropic": "anthropic", "vertex": "gemini", "bedrock": "bedrock"}
_BEDROCK = re.compile(
    r"arn:aws[\w-]*:bedrock:|(?:[a-z]{2,6}\.)?"
    r"(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\.[a-z]"
)


def dialect_of(world: World, target: str | Ref | Join) -> str:
    """Return how one speaks to a model: `openai`, `anthropic`, `gemini` or `bedrock`.

    A model id alone tells it where its form does; else the `default_provider` is taken to have it.
    What has machines of its own at Vertex AI is no Gemini: its container takes chat completions.
    """
    name = world.default_provider
    if isinstance(target, Ref):
        resource = world.resources.get(target.address)
        if resource is not None and resource.spec.get("hosting") is not None:
            return OPENAI
        name = resource.provider if resource is not None else name
    elif isinstance(target, str):
        if find_claude(target) is not None or target.startswith("claude-"):
            return _DIALECTS["anthropic"]
        if target.startswith(("gemini-", "models/gemini-")):
            return _DIALECTS["vertex"]
        if _BEDROCK.match(target):
            return _DIALECTS["bedrock"]
    provided = world.providers.get(name) if name is not None else None
    return dialect_of_type(provided.type) if provided is not None else OPENAI


def address_of(world: World, draft: Draft, target: str | Ref | Join, dialect: str) -> str | None:
    """Return where a model answers that no endpoint names; None for its service's own address.

    An address from the environment or a sensitive variable is used and never stored. A model
    trained on this machine has no address before its server runs: that is warned of.
    """
    name = world.default_provider
    if isinstance(target, Ref):
        resource = world.resources.get(target.address)
        name = resource.provider if resource is not None else name
    provided = world.providers.get(name) if name is not None else None
    if provided is None or dialect_of_type(provided.type) != dialect:
        return None
    if provided.type == LOCAL and isinstance(target, Ref):
        world.problems.warn(
            "applications are not told where the model of this prompt answers",
            draft.at("model"),
            code="no-address",
            hint="declare an `endpoint` with this `model:`, and name that here: `endpoint.NAME`",
            address=str(draft.address),
        )
    url = provided.settings.get("base_url")
    return url if isinstance(url, str) and "base_url" not in provided.secret else None


def dialect_of_type(type_: str) -> str:
    """Return how one speaks to a provider of a type: the value of its `type:`."""
    return _DIALECTS.get(type_, OPENAI)


def base_of(world: World, target: Value) -> str | None:
    """Return the id of the base model behind a model; None where it is not known when planning."""
    return base_behind(world.resources, target)


def base_behind(resources: Mapping[Address, Resource], target: Value) -> str | None:
    """Return the same, of resources that are lowered already."""
    seen: set[object] = set()
    while isinstance(target, Ref) and target.address not in seen:
        seen.add(target.address)
        resource = resources.get(target.address)
        if resource is None:
            return None
        spec = resource.spec
        target = spec.get("base_model") if "base_model" in spec else spec.get("model")
    return target if isinstance(target, str) else None
