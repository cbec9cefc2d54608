"""`providers`: the accounts to work with. Settings name variables that hold keys, never a key."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tunectl.kinds.values import Fields, problem

# An address of Azure itself (a gateway may have any path) that is not the one of its v1 API.
_AZURE_HOST = re.compile(r"https?://[^/]+\.azure\.(?:com|us|cn)(?::\d+)?(?!.*/openai/v1/?$)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_KEY_LIKE = re.compile(r"(sk|pk|rk|key|ghp|xox.)[-_].*[0-9a-z]{12,}|[0-9a-fA-F]{24,}", re.DOTALL)


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value) or _KEY_LIKE.fullmatch(value):
        raise problem(
            "must be the name of an environment variable",
            "write the name, such as `OPENAI_API_KEY`, and keep the key itself out of the file",
        )
    return value


def _url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise problem("must be a URL", "such as `https://api.example.com/v1`")
    return value


VariableName = Annotated[str, AfterValidator(_variable)]
Url = Annotated[str, AfterValidator(_url)]


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

    @model_validator(mode="after")
    def _has_no_password(self) -> Self:
        if "@" in self.address:
            raise problem(
                "has a user or a password in `address:`",
                "set `RAY_AUTH_TOKEN` or `RAY_JOB_HEADERS` in the environment",
            )
        return self


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

    @model_validator(mode="after")
    def _has_a_cluster_or_needs_none(self) -> Self:
        if self.executor == "ray" and self.ray is None:
            raise problem(
                "has `executor: ray` and does not say where the cluster is",
                "`ray: {address: http://HEAD:8265}`",
            )
        if self.ray is None:
            return self
        if self.executor != "ray":
            raise problem("has `ray:` without `executor: ray`", "write both, or neither")
        if (self.ray.workers or 1) > 1 and self.trainer == "simulated":
            raise problem(
                "spreads `trainer: simulated`, which nothing can share, over `workers:`",
                "`trainer: lora`",
            )
        return self


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

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.base_url is not None and self.data_residency is not None:
            raise problem("has both `base_url:` and `data_residency:`", "keep one of them")
        if self.profile in {"azure", "bedrock-mantle"} and self.base_url is None:
            raise problem(
                f"needs `base_url:`, because `{self.profile}` has one for each account",
                "it ends in `/v1`",
            )
        if self.profile == "azure" and _AZURE_HOST.match(str(self.base_url)):
            raise problem(
                "has a `base_url:` that does not end in `/openai/v1`, where Azure answers",
                "such as `base_url: https://RESOURCE.openai.azure.com/openai/v1`",
            )
        foreign = self.profile not in {None, "openai"} or (
            self.base_url is not None and "api.openai.com" not in self.base_url
        )
        if foreign and self.key_env is None:
            raise problem("needs `key_env:`", "name the environment variable that holds the key")
        if self.training_type is not None and self.profile != "azure":
            raise problem("sets `training_type`, which only profile `azure` has", "remove it")
        return self
