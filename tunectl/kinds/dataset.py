"""`dataset`: rows to tune, test and show examples with."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunectl.kinds.checks import Checks
from tunectl.kinds.declared import Declared
from tunectl.kinds.values import Fields, Name, Share, Texts, problem


def _row(value: object) -> object:
    """A row as JSON could hold it: known when planning, and with text as keys."""
    if not isinstance(value, dict):
        raise problem("must be a row", 'such as `{messages: [{role: user, content: "…"}, …]}`')
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise problem(f"has the key `{key}`, which is no text", f'write it as `"{key}"`')
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise problem("holds a value that is known only after apply", "rows are read when planning")


def _file(value: object) -> object:
    if value == "-":
        raise problem("cannot be standard input: a plan is made more than once", "name a file")
    return value


InlineRow = Annotated[dict[str, Any], BeforeValidator(_row), WithJsonSchema({"type": "object"})]
File = Annotated[str, BeforeValidator(_file), Field(min_length=1)]


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

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if self.validation is None and self.test is None and self.group is None:
            raise problem("names no share", "add `validation: 10%`")
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise problem("leaves no rows for `train`", "the shares must add up to less than 100%")
        return self


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

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [name for name in ("source", "splits", "rows") if getattr(self, name) is not None]
        if not given:
            raise problem("needs `source:`", "name the data file: `source: data/train.jsonl`")
        if len(given) > 1:
            raise problem(f"has both `{given[0]}:` and `{given[1]}:`", "keep one of them")
        self._divides_once()
        return self

    def _divides_once(self) -> None:
        """Refuse shares beside files for each split, and a group alone without such files."""
        if self.split is None:
            return
        shares = self.split.validation is not None or self.split.test is not None
        if self.splits is None and not shares:
            raise problem("has a `split:` that names no share", "add `validation: 10%`")
        if self.splits is None:
            return
        more = sorted(self.split.model_fields_set - {"group"})
        if shares or more:
            raise problem(
                "has both `split:` and `splits:`",
                "`split:` divides one `source`, `splits:` names a file for each; keep one, or of "
                "`split:` the `group` alone",
            )
