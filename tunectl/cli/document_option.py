"""The option of commands that print one document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunectl.cli.command import format_option

F = TypeVar("F", bound=Callable[..., Any])


def document_option(*more: str) -> Callable[[F], F]:
    """Add `--format human|json`, which the command gets as `format_`.

    One document is printed with `--format json`; `--json` alone is for streams of events, and here
    it is taken as another name that no help tells of.

    Args:
        more: formats beside these two.
    """
    hidden = click.option(
        "--json",
        is_flag=True,
        hidden=True,
        expose_value=False,
        callback=_as_json,
    )
    return lambda function: format_option("human", "json", *more)(hidden(function))


def _as_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        ctx.params["format_"] = "json"
