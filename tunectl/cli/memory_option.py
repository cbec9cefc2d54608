"""Which memories a command is about, and whose data: the same options for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunectl.cli.command import format_option

F = TypeVar("F", bound=Callable[..., Any])


def memory_options(function: F) -> F:
    """Add `--memory`, `--file` and `--url-env`; the command gets them by these names."""
    for option in (
        click.option(
            "--url-env",
            default="",
            metavar="NAME",
            help="The variable with a database's URL, if declared no more; needs --memory.",
        ),
        click.option(
            "--file", default="", metavar="FILE", help="A SQLite file, if declared no more."
        ),
        click.option("--memory", default="", metavar="NAME", help="This memory [default: all]."),
    ):
        function = option(function)
    return function


def document_option(function: F) -> F:
    """Add `--format human|json`, which the command gets as `format_`.

    One document is printed with `--format json`; `--json` alone is for streams of events, and here
    it is taken as another name that no help tells of.
    """
    hidden = click.option(
        "--json",
        is_flag=True,
        hidden=True,
        expose_value=False,
        callback=_as_json,
    )
    return format_option("human", "json")(hidden(function))


def _as_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value:
        ctx.params["format_"] = "json"


def user_given(text: str) -> str:
    """Return whose data is meant; `-` reads it from standard input, so that no shell keeps it.

    Raises:
        click.UsageError: it is empty.
    """
    given = sys.stdin.readline().rstrip("\r\n") if text == "-" else text
    if not given:
        raise click.UsageError("USER is empty")
    return given
