"""`dataset`: rows to tune, test and show examples with."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds import rules
from tunectl.kinds.checks import Checks
from tunectl.kinds.declared import Declared
from tunectl.kinds.values import Fields, Name, Share, Texts

InlineRow = Annotated[
    dict[str, Any], BeforeValidator(rules.row), WithJsonSchema({"type": "object"})
]
File = Annotated[Annotated[str, Field(min_length=1)], BeforeValidator(rules.file)]


class Split(Fields):
    """Shares that are held back from training; what is left is `train`.

    Beside `splits:` there are no shares: `group` alone says what may not lie in two of the files.
    """

    validation: Share | None = Field(
        default=None, description="Share of the rows for `validation`, such as `10%` or `0.1`."
    )
    test: Share | None = Field(default=None, description="Share of the rows for `test`.")
    seed: int = Field(
        default=0,
        ge=0,
        description="Changes which rows go where.",
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "A column whose equal values stay in one split, such as a customer. Beside `splits` a "
            "value in two of the files is an error."
        ),
    )

    _leaves_rows = model_validator(mode="after")(rules.leaves_rows)


class Dataset(Declared):
    """Rows of examples in JSONL, JSON or CSV files. Belongs to no provider."""

    builtin: ClassVar[bool] = True
    compared: ClassVar[tuple[str, ...]] = ("source", "format", "splits", "rows")

    source: File | None = Field(
        default=None,
        description=(
            "A file, or a pattern such as `data/support-*.jsonl`, relative to the project, or in "
            "a bucket: `gs://…`, `s3://…`. JSONL, a JSON array or CSV, also packed with gzip or "
            "zstd; the shape of the rows is detected."
        ),
    )
    rows: list[InlineRow] | None = Field(
        default=None,
        min_length=1,
        description="The rows themselves instead of `source`, for a few of them.",
    )
    splits: dict[Name, File] | None = Field(
        default=None,
        min_length=1,
        description="A file for each split instead of `source`: `{train: a.jsonl}`.",
    )
    split: Split | None = Field(
        default=None,
        description="Hold rows of `source` back for validation and test; beside `splits`: `group`.",
    )
    format: str | None = Field(
        default=None,
        min_length=1,
        description="The shape of the rows, instead of detecting it.",
    )
    strip: Texts = Field(
        default_factory=list,
        description="Columns for keys and groups that never leave this machine.",
    )
    keys: Texts = Field(
        default_factory=list,
        description="Columns that together name a row, so that an edited row is told as changed.",
    )
    columns: dict[Literal["input", "output", "system"], str] | None = Field(
        default=None,
        description="Which column is `input`, `output` and `system`, for tables and flat objects.",
    )
    checks: Checks = Field(default_factory=Checks, description="How the rows are checked.")
    limit: int | None = Field(default=None, ge=1, description="Use the first so many rows only.")

    _has_one_origin = model_validator(mode="after")(rules.has_one_origin)
