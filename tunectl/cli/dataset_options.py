"""What the `dataset` commands share: how a file is read, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tunectl.data.targets import Target

F = TypeVar("F", bound=Callable[..., Any])


def files_argument(function: F) -> F:
    """Add FILE...; none means the declared datasets."""
    return click.argument("files", nargs=-1, metavar="[FILE]...")(function)


def reading_options(function: F) -> F:
    """Add how a file is read: `format_in`, `columns`, `limit`."""
    for option in reversed(_READING):
        function = option(function)
    return function


def for_option(function: F) -> F:
    """Add `--for`, as `targets`."""
    return click.option(
        "--for",
        "targets",
        multiple=True,
        metavar="PROVIDER[:MODEL]",
        callback=_targets,
        help="For whom: `openai:gpt-4.1-mini`, `vertex`, a provider of the project. "
        "May be repeated.",
    )(function)


def held_options(function: F) -> F:
    """Add `--validation` and `--test`: the other files of one dataset."""
    for name, what in (("test", "test rows"), ("validation", "validation rows")):
        function = click.option(
            f"--{name}", metavar="FILE", help=f"The {what} of the same dataset."
        )(function)
    return function


def level_options(function: F) -> F:
    """Add how much is looked at: `syntax_only`, `all_rules`."""
    function = click.option(
        "--all", "all_rules", is_flag=True, help="Ask also the rules that take long."
    )(function)
    return click.option("--syntax-only", is_flag=True, help="Only whether every row can be read.")(
        function
    )


def share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a share of the rows: `10%` or `0.1`."""
    del ctx
    if value is None:
        return None
    text = value.strip()
    try:
        found = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        found = -1.0
    if not 0 < found < 1:
        raise click.UsageError(
            f"`--{param.name} {value}` is no share of the rows\nwrite `10%` or `0.1`"
        )
    return found


def words(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """Read `a,b`."""
    del ctx, param
    return tuple(word.strip() for word in value.split(",") if word.strip())


def strip_option(function: F) -> F:
    """Add `--strip`: columns that are no part of the rows."""
    return click.option(
        "--strip",
        default="",
        callback=words,
        metavar="COLUMNS",
        help="Columns for keys and groups that never leave this machine: `id,customer`.",
    )(function)


def pairs(text: str, option: str) -> dict[str, str]:
    """Read `a=b,c=d`.

    Raises:
        click.UsageError: it is not of that form.
    """
    found = {}
    for piece in text.split(","):
        name, separator, value = piece.partition("=")
        if not separator or not name.strip() or not value.strip():
            raise click.UsageError(f"`{option} {text}` is not of the form `name=value,…`")
        found[name.strip()] = value.strip()
    return found


def _columns(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, str] | None:
    del ctx, param
    return pairs(value, "--columns") if value else None


def _targets(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[Target, ...]:
    from tunectl.data.targets import Target

    del ctx, param
    found = []
    for text in value:
        provider, separator, model = text.partition(":")
        if not provider or (separator and not model):
            raise click.UsageError(f"`--for {text}` is not of the form `PROVIDER[:MODEL]`")
        found.append(Target(provider, model or None))
    return tuple(found)


_READING: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--from", "format_in", metavar="FORMAT", help="The shape of the rows [default: detected]."
    ),
    click.option(
        "--columns",
        metavar="INPUT=…",
        callback=_columns,
        help="Columns of a table: `input=question,output=answer`.",
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), metavar="ROWS", help="Read only so many rows."
    ),
)
