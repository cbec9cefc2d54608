"""`tuning_job`: one training run, a one-way and often paid action."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from tunectl.kinds.declared import Remote
from tunectl.kinds.method import Method, method_of
from tunectl.kinds.values import Fields, Reference, problem


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


def _from(value: object) -> object:
    return {"env": value} if isinstance(value, str) else value


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
        BeforeValidator(method_of, json_schema_input_type=Method | str),
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
        WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = Field(
        default_factory=dict,
        description="Pairs kept with the job: keys up to 64 characters, values up to 512.",
    )
    from_: Annotated[
        FromFields | None,
        BeforeValidator(_from, json_schema_input_type=FromFields | str | None),
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

    @model_validator(mode="after")
    def _names_its_data_once(self) -> Self:
        if self.data is None and self.training is None:
            raise problem("needs `data:`", "name the dataset: `data: dataset.NAME`")
        if self.data is not None and (self.training is not None or self.validation is not None):
            raise problem(
                "has both `data:` and `training:` or `validation:`",
                "`data:` takes a whole dataset, the others take splits; keep one way",
            )
        return self

    @field_validator("metadata")
    @classmethod
    def _metadata_fits(cls, metadata: dict[str, str]) -> dict[str, str]:
        for key, value in metadata.items():
            if key.startswith("tunectl"):
                raise problem(
                    f"has the metadata key `{key}`, which is ours",
                    "keys that begin `tunectl` mark our jobs",
                )
            if len(key) > 64 or len(value) > 512:  # openai 3.54.0, job_create_params
                raise problem(
                    f"has metadata `{key[:64]}` that is too long",
                    "keys hold 64 characters, values 512",
                )
        return metadata
