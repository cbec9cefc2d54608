"""The option of every command that takes the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunectl.cli.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def lock_option(function: F) -> F:
    """Add `--lock-timeout`; what it holds goes to the session."""

    def keep(ctx: click.Context, param: click.Parameter, value: float) -> None:
        del param
        ctx.ensure_object(Session).lock_timeout = value

    return click.option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        expose_value=False,
        callback=keep,
        help="Wait so long for a held lock [default: 0].",
    )(function)
