"""`tuning_job`: one training run, a one-way and often paid action."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from tunectl.kinds import rules
from tunectl.kinds.declared import Remote
from tunectl.kinds.method import Method
from tunectl.kinds.values import Fields, Reference


class Wandb(Fields):
    """Report to Weights & Biases."""

    project: str = Field(min_length=1, description="The project there.")
    name: str | None = Field(default=None, description="The name of the run.")
    entity: str | None = Field(default=None, description="The team or user.")
    tags: list[str] = Field(default_factory=list, description="Tags of the run.")


class Integration(Fields):
    """A service that follows the job."""

    wandb: Wandb = Field(description="Weights & Biases.")


class FromFields(Fields):
    """A job of another environment whose model is wanted here too."""

    env: str = Field(
        min_length=1,
        description="The environment. In that very environment `from:` says nothing.",
    )
    address: str | None = Field(
        default=None, description="The `tuning_job` there; without it the one of the same address."
    )


class TuningJob(Remote):
    """A base model trained on a dataset."""

    outputs: ClassVar[tuple[str, ...]] = ("model_id", "job_id")
    main_output: ClassVar[str | None] = "model_id"
    compared: ClassVar[tuple[str, ...]] = (
        "base_model",
        "method",
        "seed",
        "data",
        "trainer",
        "suffix",
        "metadata",
        "integrations",
    )

    base_model: Reference = Field(
        description="A base model's id, or `tuning_job.NAME` to train further what that one made."
    )
    data: Reference | None = Field(
        default=None,
        description="`dataset.NAME`: its `train` split, and `validation` if it has one.",
    )
    training: Reference | None = Field(
        default=None, description="`dataset.NAME.SPLIT` to train on, instead of `data`."
    )
    validation: Reference | None = Field(
        default=None, description="`dataset.NAME.SPLIT` to measure on, together with `training`."
    )
    method: Annotated[
        Method,
        BeforeValidator(rules.method_of, json_schema_input_type=Method | str),
    ] = Field(
        default_factory=Method,
        description="How to train; `method: supervised` is short for its type.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2_147_483_647,
        description="Makes the run repeatable where it can be.",
    )
    suffix: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Goes into the model's name. Changing only it waits for the next training.",
    )
    metadata: Annotated[
        dict[str, str],
        AfterValidator(rules.metadata_fits),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = Field(
        default_factory=dict,
        description="Pairs kept with the job: keys up to 64 characters, values up to 512.",
    )
    from_: Annotated[
        FromFields | None,
        BeforeValidator(rules.from_environment, json_schema_input_type=FromFields | str | None),
    ] = Field(
        default=None,
        alias="from",
        description=(
            "Take what the same job of another environment made instead of training: in the same "
            "account as it is, from another one as a copy where the provider can; else it is "
            "trained again. `from: staging` is short for its `env`."
        ),
    )
    integrations: list[Integration] = Field(
        default_factory=list, max_length=5, description="Services that follow the job."
    )

    _names_its_data_once = model_validator(mode="after")(rules.names_its_data_once)
