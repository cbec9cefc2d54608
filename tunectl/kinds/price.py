"""`prices:`: what a provider charges this user, where the catalogue does not say it or is wrong."""

from __future__ import annotations

import re
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds.values import Fields, problem

_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([A-Z]{3})")


def _money(value: object) -> object:
    if value == 0 and not isinstance(value, bool):
        return "0"
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise problem("must be an amount of money", "write `5.50 USD`, or `0` for what is free")
    return f"{found[1]} {found[2]}"


Money: TypeAlias = Annotated[
    str | None,
    BeforeValidator(_money),
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

    @model_validator(mode="after")
    def _has_one_currency(self) -> Self:
        said = (self.training, self.input, self.cached_input, self.output, self.hour)
        found = {one.split(" ")[1] for one in said if one is not None and " " in one}
        if len(found) > 1:
            raise problem("has prices in several currencies", "keep to one for each model")
        return self
