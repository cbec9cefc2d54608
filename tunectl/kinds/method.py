"""`method`: how a tuning job learns. Each type has its own numbers; of the others it takes none."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds import rules
from tunectl.kinds.reading import auto
from tunectl.kinds.values import Epochs, Fields, Positive

_AUTO_SCHEMA: dict[str, Any] = {"const": "auto", "description": "the provider chooses"}


def _number(**bounds: float) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "number", **bounds}, _AUTO_SCHEMA]})


# openai 3.54.0, `dpo_hyperparameters` and `reinforcement_hyperparameters`; OpenAI's specification.
Beta: TypeAlias = Annotated[
    Annotated[float, Field(gt=0, le=2)] | None,
    BeforeValidator(auto),
    _number(exclusiveMinimum=0, maximum=2),
]
Compute: TypeAlias = Annotated[
    Annotated[float, Field(gt=0.00001, le=10)] | None,
    BeforeValidator(auto),
    _number(exclusiveMinimum=0.00001, maximum=10),
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


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
        BeforeValidator(rules.grader),
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

    _has_what_its_type_has = model_validator(mode="after")(rules.has_what_its_type_has)
