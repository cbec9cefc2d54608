"""`checks:`: what people decide about the rules of datasets, of one or of all."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds.values import Fields, problem

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

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = [n for n in ("json_schema", "regex", "one_of") if getattr(self, n) is not None]
        if len(given) != 1:
            raise problem(
                "says nothing" if not given else f"has both `{given[0]}:` and `{given[1]}:`",
                "name one of `json_schema`, `regex`, `one_of`, or write `output: json`",
            )
        return self


def _answer(value: object) -> object:
    if value == "json":
        return {"json_schema": {}}
    if isinstance(value, str):
        raise problem(f"cannot be `{value}`", "`json`, or a map such as `{one_of: [yes, no]}`")
    return value


Answer = Annotated[
    AnswerFields,
    BeforeValidator(_answer, json_schema_input_type=AnswerFields | Literal["json"]),
]


def _reasons(value: object) -> object:
    """A rule is allowed for a reason, which is shown wherever the rule is broken."""
    for name, reason in value.items() if isinstance(value, dict) else ():
        if isinstance(reason, str) and not reason.strip():
            raise problem(f"allows `{name}` without a reason", 'such as `"greetings repeat"`')
    return value


Allow = Annotated[
    dict[str, str],
    BeforeValidator(_reasons),
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


def _policy(value: object) -> object:
    return {"policy": value} if isinstance(value, str) else value


ProjectChecksEntry = Annotated[
    ProjectChecks,
    BeforeValidator(_policy, json_schema_input_type=ProjectChecks | str),
]
