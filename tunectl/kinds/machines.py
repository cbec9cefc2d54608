"""What an endpoint with machines of its own runs on (Vertex AI, dedicated resources)."""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from tunectl.kinds.values import Fields, problem

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

    @model_validator(mode="after")
    def _goes_upwards(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise problem(f"has `max: {self.max}` below `min: {self.min}`", "swap them")
        return self


class Autoscaling(Fields):
    """The load at which machines are added, in percent."""

    cpu: int | None = Field(default=None, ge=1, le=100, description="Of the processors.")
    gpu: int | None = Field(default=None, ge=1, le=100, description="Of the accelerators.")


def _accelerator(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _replicas(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return {"min": value, "max": value} if is_number else value


Accelerators: TypeAlias = Annotated[
    Accelerator,
    BeforeValidator(_accelerator, json_schema_input_type=Accelerator | str),
]
ReplicaCounts: TypeAlias = Annotated[
    Replicas,
    BeforeValidator(_replicas, json_schema_input_type=Replicas | int),
]
