"""`method`: how a tuning job learns. Each type has its own numbers; of the others it takes none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds.values import Epochs, Fields, Positive, problem

_AUTO_SCHEMA: dict[str, Any] = {"const": "auto", "description": "the provider chooses"}


def _auto(value: object) -> object:
    return None if value == "auto" else value


def _number(**bounds: float) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "number", **bounds}, _AUTO_SCHEMA]})


# openai 3.54.0, `dpo_hyperparameters` and `reinforcement_hyperparameters`; OpenAI's specification.
Beta: TypeAlias = Annotated[
    Annotated[float, Field(gt=0, le=2)] | None,
    BeforeValidator(_auto),
    _number(exclusiveMinimum=0, maximum=2),
]
Compute: TypeAlias = Annotated[
    Annotated[float, Field(gt=0.00001, le=10)] | None,
    BeforeValidator(_auto),
    _number(exclusiveMinimum=0.00001, maximum=10),
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]

# The type that a field belongs to; what is not here belongs to every type.
ONLY_OF: Mapping[str, str] = MappingProxyType(
    {
        "beta": "dpo",
        "compute_multiplier": "reinforcement",
        "eval_interval": "reinforcement",
        "eval_samples": "reinforcement",
        "reasoning_effort": "reinforcement",
        "samples_per_prompt": "reinforcement",
        "max_prompt_tokens": "reinforcement",
        "max_answer_tokens": "reinforcement",
        "grader": "reinforcement",
    }
)


def _grader(value: object) -> object:
    """Take a map as it is: what graders there are, and what they take, is the provider's to say."""
    if not isinstance(value, Mapping):
        raise problem("must be a map", "such as `{type: string_check, …}`")
    if not isinstance(value.get("type"), str):
        raise problem("needs `type:`", "such as `type: string_check`")
    return dict(value)


class Method(Fields):
    """How to train. What is not set, or is `auto`, the provider chooses."""

    type: Literal["supervised", "dpo", "reinforcement"] = Field(
        default="supervised",
        description=(
            "`supervised` learns the answers of the rows, `dpo` which of two answers is better, "
            "`reinforcement` from the scores of a grader. The rows must have the form of the type."
        ),
    )
    epochs: Epochs = Field(default=None, description="Passes over the training rows.")
    batch_size: Epochs = Field(default=None, description="Rows in one step.")
    learning_rate_multiplier: Positive = Field(
        default=None, description="Scales the provider's learning rate."
    )
    learning_rate: Positive = Field(
        default=None,
        description="Bedrock's Nova and Llama: the learning rate itself, such as `1e-5`.",
    )
    warmup_steps: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Bedrock's Nova: steps in which the learning rate rises to its full height.",
    )
    early_stopping_threshold: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description="Bedrock's Claude: end when the validation loss falls by less than this.",
    )
    early_stopping_patience: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Bedrock's Claude: how often in a row that may happen."
    )
    beta: Beta = Field(
        default=None,
        description="Only `dpo`: how closely the model stays with what it was; at most 2.",
    )
    compute_multiplier: Compute = Field(
        default=None, description="Only `reinforcement`: more or less exploring in each step."
    )
    eval_interval: Epochs = Field(
        default=None, description="Only `reinforcement`: steps between two evaluations."
    )
    eval_samples: Epochs = Field(
        default=None, description="Only `reinforcement`: answers to each row of an evaluation."
    )
    reasoning_effort: Literal["default", "low", "medium", "high"] | None = Field(
        default=None, description="Only `reinforcement`: how long the model may think."
    )
    samples_per_prompt: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Only `reinforcement` at Bedrock: answers tried for each row."
    )
    max_prompt_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Only `reinforcement` at Bedrock: the longest row, in tokens."
    )
    max_answer_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Only `reinforcement` at Bedrock: the longest answer, in tokens."
    )
    grader: Annotated[
        dict[str, Any] | None,
        BeforeValidator(_grader),
        WithJsonSchema(
            {
                "type": "object",
                "properties": {"type": {"type": "string"}},
                "required": ["type"],
                "additionalProperties": True,
            }
        ),
    ] = Field(
        default=None,
        description=(
            "Only `reinforcement`, which needs it: what scores an answer, in the provider's own "
            "words (`{type: string_check, …}`); passed on as it is."
        ),
    )
    lora: bool | None = Field(
        default=None, description="Whether to train an adapter; only where the provider asks."
    )
    lora_r: int | None = Field(default=None, ge=1, description="The adapter's rank.")
    lora_alpha: int | None = Field(default=None, ge=1, description="The adapter's scale.")
    packing: bool | None = Field(default=None, description="Put short rows together in one step.")
    warmup_ratio: Share | None = Field(
        default=None, description="The share of the steps in which the learning rate rises."
    )
    weight_decay: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="How strongly large weights are pulled back."
    )

    @model_validator(mode="after")
    def _has_what_its_type_has(self) -> Self:
        for name, owner in () if self.model_fields_set.isdisjoint(ONLY_OF) else ONLY_OF.items():
            if getattr(self, name) is not None and self.type != owner:
                raise problem(
                    f"sets `{name}`, which only method `{owner}` has",
                    f"remove it, or write `type: {owner}`",
                )
        if self.type == "reinforcement" and self.grader is None:
            raise problem(
                "needs `grader:`, which says how an answer is scored",
                "such as `grader: {type: string_check, …}`, in the provider's own words",
            )
        return self

    def said(self) -> dict[str, Any]:
        """Return the type and what the user set; `auto` is like leaving out."""
        return {name: value for name, value in self.__dict__.items() if value is not None}


def method_of(value: object) -> object:
    """Take the short form: the type alone."""
    return {"type": value} if isinstance(value, str) else value
