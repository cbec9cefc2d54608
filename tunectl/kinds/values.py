"""The value types that fields of several kinds share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from tunectl.core.value import Join, Ref
from tunectl.kinds.reading import auto, name, one_or_many, reference, share

_FORMS: dict[str, tuple[str, str]] = {}


def form(pattern: str, must: str, hint: str) -> str:
    """Return a pattern for a field, with words that tell people what it asks for.

    Args:
        pattern: a regular expression.
        must: what a value must be: `a bucket of S3`.
        hint: an example.
    """
    _FORMS[pattern] = (must, hint)
    return pattern


def words_of(pattern: str) -> tuple[str, str]:
    """Return what a pattern asks for and an example, as `form` was told them; else the pattern."""
    return _FORMS.get(pattern, (f"of the form `{pattern}`", ""))


class Fields(BaseModel):
    """A map with known keys only."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
        defer_build=True,  # of many models a project uses few
    )


_AUTO_SCHEMA: dict[str, Any] = {"const": "auto", "description": "the provider chooses"}

# pydantic would follow the recursive types of the core's values; they come in already checked.
if TYPE_CHECKING:
    Reference: TypeAlias = str | Ref | Join
else:
    Reference = Annotated[Any, PlainValidator(reference), WithJsonSchema({"type": "string"})]

Epochs: TypeAlias = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(auto),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _AUTO_SCHEMA]}),
]
Positive: TypeAlias = Annotated[
    Annotated[float, Field(gt=0)] | None,
    BeforeValidator(auto),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _AUTO_SCHEMA]}),
]
Share: TypeAlias = Annotated[
    Annotated[float, Field(gt=0, lt=1)],
    BeforeValidator(share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": r"^\d{1,3}(\.\d+)?\s*%$"},
            ]
        }
    ),
]
Texts: TypeAlias = Annotated[
    list[str],
    BeforeValidator(one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Name: TypeAlias = Annotated[
    str, PlainValidator(name), WithJsonSchema({"type": "string", "pattern": r"^[^\W\d_]\w*$"})
]
