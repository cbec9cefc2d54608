"""What stands at the top level beside providers and kinds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from tunectl.kinds import rules
from tunectl.kinds.checks import ProjectChecksEntry
from tunectl.kinds.price import PriceFields
from tunectl.kinds.reading import as_it_is
from tunectl.kinds.state_address import StateText
from tunectl.kinds.values import Fields, Name, Texts

VariableType = Literal["string", "integer", "number", "boolean", "list", "map"]


class ValidationFields(Fields):
    """A rule for the value of a variable."""

    condition: str = Field(
        min_length=1,
        description="An expression over `var` that must be true: `${var.epochs <= 20}`.",
    )
    message: str = Field(
        min_length=1, description="What a person reads where it is not; may use `${var.NAME}`."
    )


class Variable(Fields):
    """A value that may differ from run to run, used as `${var.NAME}`."""

    type: VariableType | None = Field(
        default=None, description="Without it the type of the default, else `string`."
    )
    default: Any = Field(default=None, description="Used when nothing else gives a value.")
    description: str = Field(default="", description="What it is, for people.")
    sensitive: bool = Field(
        default=False, description="Usable only under `providers` and `state`, and never shown."
    )
    validation: list[ValidationFields] = Field(
        default_factory=list, description="What its value must fulfil beyond its type."
    )


class OutputFields(Fields):
    """A value that applications read."""

    value: Annotated[Any, PlainValidator(as_it_is)] = Field(
        description="Such as `${endpoint.support.model_id}`."
    )
    write: Texts = Field(
        default_factory=list, description="Files of the project that receive the value as JSON."
    )
    sensitive: bool = Field(default=False, description="Shown only on request.")
    description: str = Field(default="", description="What it is, for people.")


class MovedFields(Fields):
    """The same object under another address."""

    from_: str = Field(
        alias="from", description="The address it had; `module.NAME` for all of a module."
    )
    to: str = Field(description="The address it has now, or the module's name.")


class RemovedFields(Fields):
    """A resource that is managed no longer."""

    address: str = Field(description="The address it had.")
    destroy: bool = Field(default=True, description="Delete the remote object too.")


class ImportFields(Fields):
    """An object that exists already and is managed from now on."""

    address: str = Field(description="A `tuning_job` or an `endpoint` that is declared.")
    id: str = Field(min_length=1, description="The provider's own id of the object.")


class IncludeFields(Fields):
    """Another file to read."""

    file: str = Field(min_length=1, description="The file, relative to the project.")
    name: Name | None = Field(
        default=None, description="Read it as a module: its resources are `KIND.NAME.…`."
    )
    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="Values for the module's variables."
    )


Include = Annotated[
    IncludeFields, BeforeValidator(rules.include, json_schema_input_type=IncludeFields | str)
]
OutputEntry = Annotated[
    OutputFields, BeforeValidator(rules.output, json_schema_input_type=OutputFields | str)
]
VariableEntry = Annotated[
    Variable,
    BeforeValidator(
        rules.variable, json_schema_input_type=Variable | str | int | float | bool | list[Any]
    ),
]


class ProjectFields(Fields):
    """The top level of `tunectl.yaml`, kinds aside."""

    project: Name = Field(description="The project's name; part of what is made remotely.")
    state: StateText = Field(
        default="state/",
        min_length=1,
        description="Where the state lives: a folder, or a store's URL.",
    )
    default_provider: str | None = Field(
        default=None, description="For resources that name none. Not needed with one provider."
    )
    labels: dict[str, str] = Field(default_factory=dict, description="On every resource.")
    environments: Texts = Field(
        default_factory=list,
        description="Environments for `--env` that need no overlay `tunectl.ENV.yaml`.",
    )
    env: Texts = Field(
        default_factory=list,
        description="Environment variables for `${env.NAME}` under `providers` and `state`.",
    )
    variables: dict[Name, VariableEntry] = Field(
        default_factory=dict, description="Values that may differ from run to run."
    )
    include: list[Include] = Field(default_factory=list, description="Further files to read.")
    outputs: dict[Name, OutputEntry] = Field(
        default_factory=dict, description="Values that applications read."
    )
    moved: list[MovedFields] = Field(
        default_factory=list, description="Resources that have another address now."
    )
    removed: list[RemovedFields] = Field(
        default_factory=list, description="Resources that are managed no longer."
    )
    imports: list[ImportFields] = Field(
        default_factory=list,
        alias="import",
        description="Objects that exist already, to be managed from the next apply on.",
    )
    checks: ProjectChecksEntry | None = Field(
        default=None,
        description=(
            "How all datasets are checked; `checks: FILE` is short for its `policy`, a file that "
            "several projects may share."
        ),
    )
    prices: dict[Name, dict[str, PriceFields]] = Field(
        default_factory=dict,
        description=(
            "Your own prices, by provider and base model; they come before the catalogue's: "
            "`{azure: {gpt-4.1-mini: {training: 5.50 USD}}}`."
        ),
    )
