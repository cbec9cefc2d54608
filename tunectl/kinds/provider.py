"""`providers`: the accounts to work with. Settings name variables that hold keys, never a key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tunectl.kinds import provider_rules
from tunectl.kinds.values import Fields

VariableName = Annotated[str, AfterValidator(provider_rules.variable_name)]
Url = Annotated[str, AfterValidator(provider_rules.url)]


class AnyProvider(Fields):
    """What an account of any type takes."""

    parallelism: int | None = Field(
        default=None, ge=1, le=100, description="Most calls to it at once; without it no limit."
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Most requests to it a minute; without it as many as the service takes.",
    )


class RayCluster(Fields):
    """A Ray cluster that exists already; each of its nodes sees the folder at `root:`."""

    address: Url = Field(description="Its Jobs API, which is the dashboard: `http://HEAD:8265`.")
    workers: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Nodes that share one training; 1 if not set: each job has a node's share.",
    )
    cpus: float | None = Field(
        default=None,
        ge=0,
        description="Processors and threads of each trainer; 1 if not set. As many as a node has: "
        "one job a node.",
    )
    gpus: float | None = Field(
        default=None, ge=0, description="GPUs of each trainer; none if not set."
    )
    resources: dict[str, float] | None = Field(
        default=None, description="Custom resources of Ray that each trainer takes, by name."
    )
    python: str | None = Field(
        default=None,
        min_length=1,
        description="The interpreter on the nodes, with tunectl installed; `python` if not set.",
    )

    _has_no_password = model_validator(mode="after")(provider_rules.has_no_password)


class LocalProvider(AnyProvider):
    """Trains and serves small models on this machine. Needs no account."""

    type: Literal["local"] = Field(default="local", description="The provider's type.")
    trainer: Literal["lora", "simulated"] | None = Field(
        default=None,
        description="`lora` (the default) really trains; `simulated` is instant.",
    )
    executor: Literal["process", "ray"] | None = Field(
        default=None,
        description="Where trainers run: a process of this machine (the default), or a Ray "
        "cluster.",
    )
    ray: RayCluster | None = Field(default=None, description="The cluster of `executor: ray`.")
    root: str | None = Field(
        default=None, min_length=1, description="The folder with models, jobs and files."
    )
    idle: int | None = Field(
        default=None, ge=0, description="Seconds without a request after which the server stops."
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
    device: Literal["cpu", "cuda", "mps"] | None = Field(
        default=None, description="Where to train; detected if not set."
    )
    dtype: str | None = Field(
        default=None, min_length=1, description="Number format of the weights; detected if not set."
    )
    threads: int | None = Field(default=None, ge=1, description="Threads of the trainer.")
    max_tokens: int | None = Field(
        default=None, ge=8, description="Longer rows are cut to so many tokens."
    )
    checkpoint_every: int | None = Field(
        default=None, ge=1, description="Steps between two checkpoints."
    )
    step_seconds: float | None = Field(
        default=None, ge=0, description="Only for `simulated`: how long one step takes."
    )

    _has_a_cluster_or_needs_none = model_validator(mode="after")(
        provider_rules.has_a_cluster_or_needs_none
    )


class OpenAIProvider(AnyProvider):
    """OpenAI, or a service that speaks its wire."""

    type: Literal["openai"] = Field(default="openai", description="The provider's type.")
    profile: Literal["openai", "azure", "nebius", "bedrock-mantle"] | None = Field(
        default=None,
        description="What differs on this service. With `base_url` alone nothing is assumed.",
    )
    base_url: Url | None = Field(default=None, description="Where the service is.")
    key_env: VariableName | None = Field(
        default=None, description="The environment variable that holds the key."
    )
    data_residency: Literal["global", "us", "eu", "ae", "au", "in", "jp"] | None = Field(
        default=None, description="OpenAI's region; not together with `base_url`."
    )
    organization: str | None = Field(
        default=None, min_length=1, description="OpenAI organisation id."
    )
    project: str | None = Field(default=None, min_length=1, description="OpenAI project id.")
    training_type: Literal["Standard", "GlobalStandard", "Developer"] | None = Field(
        default=None, description="Only for profile `azure`: where it trains."
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")

    _has_an_address = model_validator(mode="after")(provider_rules.has_an_address)
