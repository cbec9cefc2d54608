"""What people type who know Terraform: each answered with the word that is meant here.

Terraform writes long options with one hyphen. Here `-out=x` would be read as `-o` with the value
`ut=x`, and save a plan where nobody looks for it; so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import click

COMMANDS: Final = {
    "workspace": "an environment is chosen with `--env NAME`, and declared under `environments:`",
    "taint": "`tunectl apply --replace ADDR` makes one thing anew",
    "untaint": "nothing stays marked for replacement: `--replace ADDR` counts for one apply",
    "force-unlock": "`tunectl lock break ID`; `tunectl lock list` shows the id",
    "refresh": "`tunectl apply --refresh-only` takes over what was changed by hand",
    "version": "`tunectl --version`",
    "providers": "`tunectl doctor` says what each provider needs",
    "console": "`tunectl validate` checks expressions, `tunectl show` prints what is recorded",
    "get": "an included file needs no fetching: `tunectl plan` reads it",
}
_YES: Final = frozenset({"--yes", "-y"})
_ONE_HYPHEN: Final = re.compile(r"-([a-z][a-z-]+)(?:=.*)?", re.DOTALL)


def refuse_one_hyphen(ctx: click.Context, args: Iterable[str]) -> None:
    """Refuse a long option that is written with one hyphen.

    Raises:
        click.UsageError: with the way it is written here.
    """
    for argument in args:
        if argument == "--":
            return
        found = _ONE_HYPHEN.fullmatch(argument)
        if found is None:
            continue
        long = f"--{found[1]}"
        if long in names(ctx) or (long == "--json" and _prints_json(ctx)):
            meant = "--format json" if long not in names(ctx) else long
            raise click.UsageError(
                f"there is no option `-{found[1]}`\nlong options have two hyphens: `{meant}`", ctx
            )


def meant_by(option: str, ctx: click.Context | None) -> str:
    """Return the option that is meant by one that a command lacks; empty where nothing is known."""
    if ctx is None:
        return ""
    if option == "--json" and _prints_json(ctx):
        return "--format json"
    return "--auto-approve" if option in _YES and "--auto-approve" in names(ctx) else ""


def names(ctx: click.Context) -> frozenset[str]:
    """Return every way the options of a command are written."""
    return frozenset(name for param in ctx.command.params for name in param.opts)


def _prints_json(ctx: click.Context) -> bool:
    formats = (p.type for p in ctx.command.params if "--format" in p.opts)
    return any(isinstance(t, click.Choice) and "json" in t.choices for t in formats)
