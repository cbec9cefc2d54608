"""`dataset`: rows to tune, test and show examples with."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tunectl.kinds.declared import Declared
from tunectl.kinds.values import Fields, Name, Share, Texts, problem


class Split(Fields):
    """Shares that are held back from training; what is left is `train`."""

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
        description="A column whose equal values stay in one split, such as a customer.",
    )

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if self.validation is None and self.test is None:
            raise problem("names no share", "add `validation: 10%`")
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise problem("leaves no rows for `train`", "the shares must add up to less than 100%")
        return self


class Checks(Fields):
    """What the checks of the rows may let pass."""

    allow: dict[str, str] = Field(
        default_factory=dict,
        description="Rules that may be broken, with the reason: `{duplicate-row: greetings}`.",
    )


class Dataset(Declared):
    """Rows of examples in JSONL, JSON or CSV files. Belongs to no provider."""

    builtin: ClassVar[bool] = True
    compared: ClassVar[tuple[str, ...]] = ("source", "format", "splits", "rows")

    source: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "A file, or a pattern such as `data/support-*.jsonl`, relative to the project. "
            "JSONL, a JSON array or CSV; the shape of the rows is detected."
        ),
    )
    splits: dict[Name, str] | None = Field(
        default=None,
        min_length=1,
        description="A file for each split instead of `source`: `{train: a.jsonl}`.",
    )
    split: Split | None = Field(
        default=None, description="Hold rows of `source` back for validation and test."
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
    columns: dict[Literal["input", "output", "system"], str] | None = Field(
        default=None,
        description="Which column is `input`, `output` and `system`, for tables and flat objects.",
    )
    checks: Checks = Field(default_factory=Checks, description="How the rows are checked.")
    limit: int | None = Field(default=None, ge=1, description="Use the first so many rows only.")

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if self.source is None and self.splits is None:
            raise problem("needs `source:`", "name the data file: `source: data/train.jsonl`")
        if self.source is not None and self.splits is not None:
            raise problem("has both `source:` and `splits:`", "keep one of them")
        if self.splits is not None and self.split is not None:
            raise problem(
                "has both `split:` and `splits:`",
                "`split:` divides one `source`, `splits:` names a file for each; keep one",
            )
        return self
