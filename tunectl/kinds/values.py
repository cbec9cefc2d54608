"""The value types that fields of several kinds share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tunectl.core.value import NAME, Join, Ref

# What a person reads about a value of the wrong kind; `words` in the loader show it as it is.
OURS = "tunectl"

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


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


def problem(message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Make a validation error in our own words: what must be, a hint, and where below it stands."""
    return PydanticCustomError(OURS, "{message}", {"message": message, "hint": hint, "at": at})


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


def _reference(value: object) -> object:
    if isinstance(value, Ref | Join):
        return value
    if isinstance(value, str):
        if not value.strip():
            raise problem("must not be empty")
        return value.strip()
    raise problem(f"must be text or a reference, not {_sort(value)}")


def _auto(value: object) -> object:
    return None if value == "auto" else value


def _share(value: object) -> object:
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value.strip())
        if not found:
            raise problem("must be a share", "write `10%` or `0.1`")
        return float(found[1]) / 100
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        raise problem("must be a share below 1", f"write `{value}%` if percent is meant")
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise problem(f"must be a name, not {_sort(value)}")
    value = unicodedata.normalize("NFC", value)  # as it is typed on most systems
    if not NAME.fullmatch(value):
        raise problem(f"is not a name: `{value}`", name_hint(value))
    return value


def name_hint(value: str) -> str:
    """Say how a name must look, with a repaired one where that is possible."""
    rule = "a name is a letter, then letters, digits and `_`"
    repaired = re.sub(r"_+", "_", re.sub(r"\W", "_", value)).strip("_")
    repaired = re.sub(r"^\d+_?", "", repaired)
    return f"{rule}: `{repaired}`" if NAME.fullmatch(repaired) else rule


def _sort(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a map" if isinstance(value, Mapping) else "a list"


_AUTO_SCHEMA: dict[str, Any] = {"const": "auto", "description": "the provider chooses"}

# pydantic would follow the recursive types of the core's values; they come in already checked.
if TYPE_CHECKING:
    Reference: TypeAlias = str | Ref | Join
else:
    Reference = Annotated[Any, PlainValidator(_reference), WithJsonSchema({"type": "string"})]

Epochs: TypeAlias = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(_auto),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _AUTO_SCHEMA]}),
]
Positive: TypeAlias = Annotated[
    Annotated[float, Field(gt=0)] | None,
    BeforeValidator(_auto),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _AUTO_SCHEMA]}),
]
Share: TypeAlias = Annotated[
    float,
    BeforeValidator(_share),
    Field(gt=0, lt=1),
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
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Name: TypeAlias = Annotated[
    str, PlainValidator(_name), WithJsonSchema({"type": "string", "pattern": r"^[^\W\d_]\w*$"})
]
