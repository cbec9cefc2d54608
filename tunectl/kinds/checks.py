"""`checks:`: what people decide about the rules of datasets, of one or of all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds import rules
from tunectl.kinds.values import Fields

Weight = Literal["error", "warning", "info", "off"]


class AnswerFields(Fields):
    """What every answer of a dataset must be; one of the fields."""

    json_schema: (
        Annotated[
            str | dict[str, Any],
            WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
        ]
        | None
    ) = Field(
        default=None,
        description="JSON that fits a JSON Schema: the schema, or the file that holds it.",
    )
    regex: str | None = Field(
        default=None, min_length=1, description="A pattern that the whole answer matches."
    )
    one_of: list[str] | None = Field(
        default=None, min_length=1, description="The answers there are, such as labels."
    )

    _says_one_thing = model_validator(mode="after")(rules.says_one_thing)


Answer = Annotated[
    AnswerFields,
    BeforeValidator(rules.answer, json_schema_input_type=AnswerFields | Literal["json"]),
]


Allow = Annotated[
    dict[str, str],
    BeforeValidator(rules.reasons),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]


class Checks(Fields):
    """How the rows of one dataset are checked."""

    allow: Allow = Field(
        default_factory=dict,
        description="Rules that may be broken, with the reason: `{duplicate-row: greetings}`.",
    )
    output: Answer | None = Field(
        default=None,
        description="What every answer must be: `json`, or a map that says more.",
    )
    contamination: list[str] = Field(
        default_factory=list,
        description="Texts and datasets to score with: no training row may hold their words.",
    )


class PolicyFields(Fields):
    """What holds for all datasets: a policy file holds the same."""

    severity: dict[str, Weight] = Field(
        default_factory=dict,
        description="How much a rule weighs: `{personal-data: error, no-break-space: off}`.",
    )
    thresholds: dict[str, float] = Field(
        default_factory=dict,
        description="The number a rule compares with: `{cut-answer: 0.02}`.",
    )
    allow: Allow = Field(
        default_factory=dict,
        description="Rules that may be broken in every dataset, with the reason.",
    )


class ProjectChecks(PolicyFields):
    """How all datasets are checked."""

    policy: str | None = Field(
        default=None,
        min_length=1,
        description="A file with the same fields; what is written here is laid over it.",
    )


ProjectChecksEntry = Annotated[
    ProjectChecks,
    BeforeValidator(rules.policy, json_schema_input_type=ProjectChecks | str),
]
