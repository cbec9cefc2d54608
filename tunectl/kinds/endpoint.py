"""`endpoint`: a stable name for one model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from tunectl.kinds import rules
from tunectl.kinds.declared import Remote
from tunectl.kinds.machines import Accelerators, Autoscaling, ReplicaCounts
from tunectl.kinds.time import Duration
from tunectl.kinds.values import Reference


class Endpoint(Remote):
    """A stable name that applications call; it moves when a new model is ready."""

    outputs: ClassVar[tuple[str, ...]] = ("model_id", "base_url", "invoke")
    main_output: ClassVar[str | None] = "model_id"
    compared: ClassVar[tuple[str, ...]] = (
        "model",
        "deployment",
        "serving",
        "model_units",
        "commitment",
        "checkpoint",
        "machine_type",
        "accelerator",
        "replicas",
        "autoscaling",
        "spot",
        "canary",
        "hold",
    )

    model: Reference = Field(description="`tuning_job.NAME`, or the id of a model.")
    deployment: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Azure only: the name of the deployment that serves the model. It is made there, in "
            "the portal or with ARM; callers give its name as the model."
        ),
    )
    serving: Literal["on_demand", "provisioned"] | None = Field(
        default=None,
        description=(
            "Bedrock only: `on_demand` (the default) is paid by the token, `provisioned` by the "
            "hour, used or not."
        ),
    )
    model_units: int | None = Field(
        default=None,
        ge=1,
        description="Bedrock, `provisioned` only: how many; 1 if not set. Other ones are new ones.",
    )
    commitment: Literal["OneMonth", "SixMonths"] | None = Field(
        default=None,
        description=(
            "Bedrock, `provisioned` only: cheaper by the hour, and cannot be deleted before its "
            "end. Without it, it can be deleted at any time."
        ),
    )

    checkpoint: int | str | None = Field(
        default=None,
        description="Vertex, tuned Gemini only: the checkpoint that answers; else the default one.",
    )
    machine_type: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9]*-[a-z0-9-]+$",
        description=(
            "Vertex, registered and open models only: the machines that serve it, such as "
            "`g2-standard-12`; they bill by the hour, used or not. A tuned Gemini has none."
        ),
    )
    accelerator: Accelerators | None = Field(
        default=None,
        description=(
            "With `machine_type`: `NVIDIA_L4`, or its type and count. Needed on machines that are "
            "built with accelerators, which are those of `a2`, `a3`, `a4`, `a4x`, `g2` and `g4`: "
            "Vertex AI refuses them without. Any other machine has what is named here, or none."
        ),
    )
    replicas: ReplicaCounts | None = Field(
        default=None, description="With `machine_type`: how many machines, or fewest and most."
    )
    autoscaling: Autoscaling | None = Field(
        default=None, description="With `machine_type`: the load at which machines are added."
    )
    spot: bool | None = Field(
        default=None, description="With `machine_type`: cheaper machines that may be taken away."
    )
    canary: int | None = Field(
        default=None,
        ge=1,
        le=99,
        description=(
            "With `machine_type`: the percent of requests that a model gets to which the endpoint "
            "moves; the one before gets the rest, and bills, until this is removed."
        ),
    )

    hold: Duration | None = Field(
        default=None,
        description=(
            "With `machine_type`: how long the model before stays, without requests, after a "
            "move, such as `15m`. It bills so long."
        ),
    )

    accept_eula: bool | None = Field(
        default=None,
        description=(
            "Vertex, open models only: you read the model's licence and accept it for this "
            "project. Never assumed; without it a model that asks for it is not deployed."
        ),
    )

    _has_machines_to_choose = model_validator(mode="after")(rules.has_machines_to_choose)

    _buys_units_only_where_they_are_sold = model_validator(mode="after")(
        rules.buys_units_only_where_they_are_sold
    )
