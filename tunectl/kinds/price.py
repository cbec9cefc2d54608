"""`prices:`: what a provider charges this user, where the catalogue does not say it or is wrong."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds import rules
from tunectl.kinds.values import Fields

Money: TypeAlias = Annotated[
    str | None,
    BeforeValidator(rules.money),
    WithJsonSchema(
        {"anyOf": [{"const": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*[A-Z]{3}$"}]}
    ),
]


class PriceFields(Fields):
    """What one base model, or one type of machine, costs. What is left out is not known."""

    training: Money = Field(
        default=None, description="For a million trained tokens, such as `5.50 USD`."
    )
    input: Money = Field(
        default=None, description="For a million tokens of a question to the tuned model."
    )
    cached_input: Money = Field(
        default=None, description="The same, where the provider remembers them."
    )
    output: Money = Field(default=None, description="For a million tokens of its answers.")
    hour: Money = Field(
        default=None,
        description=(
            "Vertex AI, under a `machine_type`: for an hour of one such machine, used or not; "
            "under the type of an accelerator: for each one, where the machine's price leaves it "
            "out. Bedrock, under a base model: for an hour of one model unit."
        ),
    )
    source: str = Field(default="", description="Where that is said, for people.")

    _has_one_currency = model_validator(mode="after")(rules.has_one_currency)
