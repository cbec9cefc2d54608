"""What an endpoint with machines of its own runs on (Vertex AI, dedicated resources)."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds import rules
from tunectl.kinds.values import Fields

# google-cloud-aiplatform 2.7.0, `AcceleratorType`.
_ACCELERATOR = r"^[A-Z][A-Z0-9_]+$"


class Accelerator(Fields):
    """What is in each machine beside its processor."""

    type: str = Field(pattern=_ACCELERATOR, description="Its type, such as `NVIDIA_L4`.")
    count: int = Field(default=1, ge=1, le=16, description="How many a machine has.")


class Replicas(Fields):
    """How many machines there are; the fewest bill always."""

    min: int = Field(default=1, ge=1, description="Fewest; they bill without traffic too.")
    max: int | None = Field(
        default=None, ge=1, description="Most; as many as the fewest if not set. Quota counts them."
    )

    _goes_upwards = model_validator(mode="after")(rules.goes_upwards)


class Autoscaling(Fields):
    """The load at which machines are added, in percent."""

    cpu: int | None = Field(default=None, ge=1, le=100, description="Of the processors.")
    gpu: int | None = Field(default=None, ge=1, le=100, description="Of the accelerators.")


Accelerators: TypeAlias = Annotated[
    Accelerator,
    BeforeValidator(rules.accelerator, json_schema_input_type=Accelerator | str),
]
ReplicaCounts: TypeAlias = Annotated[
    Replicas,
    BeforeValidator(rules.replicas, json_schema_input_type=Replicas | int),
]
