"""Which memories a command is about, and whose data: the same options for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

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


def user_given(text: str) -> str:
    """Return whose data is meant; `-` reads it from standard input, so that no shell keeps it.

    Raises:
        click.UsageError: it is empty.
    """
    given = sys.stdin.readline().rstrip("\r\n") if text == "-" else text
    if not given:
        raise click.UsageError("USER is empty")
    return given
