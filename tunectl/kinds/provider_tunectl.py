"""`providers: {gpu: {type: tunectl}}`: our own server on another host, such as a GPU box."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tunectl.kinds import provider_rules
from tunectl.kinds.provider import AnyProvider, Url, VariableName


class TunectlProvider(AnyProvider):
    """Our own server on another host: `tunectl serve --listen` with TLS and a token."""

    type: Literal["tunectl"] = Field(default="tunectl", description="The provider's type.")
    base_url: Url = Field(description="Where it listens: `https://HOST:8443/v1`.")
    key_env: VariableName = Field(
        description="The environment variable that holds the server's token."
    )
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description="The authority that signed its certificate, PEM; relative to the project.",
    )
    trainer: Literal["lora", "simulated"] | None = Field(
        default=None, description="What it was started with; `lora` if not set."
    )
    timeout: int | None = Field(default=None, ge=1, description="Seconds to wait for one answer.")
    device: Literal["cpu", "cuda", "mps"] | None = Field(
        default=None, description="Where to train; detected there if not set."
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

    _is_safe = model_validator(mode="after")(provider_rules.is_safe)
