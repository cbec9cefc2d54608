"""`tunectl init`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl -C helpdesk init
tunectl -C helpdesk plan
"""


def _starters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names, which are known only to the room that has the files."""
    del ctx, param
    from tunectl.app import starting

    return [name for name in starting.starters() if name.startswith(incomplete)]


@tunectl_command("init", example=EXAMPLE)
@click.option(
    "--starter",
    default="local",
    metavar="NAME",
    shell_complete=_starters,
    help="local, openai-compatible or vertex [default: local].",
)
@pass_session
def command(session: Session, starter: str) -> None:
    """Write the files of a first project.

    The starter `local` needs no account: it really fine-tunes a small model on this machine.
    Files that exist are never overwritten.
    """
    from tunectl.app import starting

    session.root.mkdir(parents=True, exist_ok=True)
    for path in starting.init(session.root, starter):
        session.screen.say(f"wrote {path}")
    if missing := starting.unignored(session.root, starter):
        named = " and ".join(f"`{line}`" for line in missing)
        session.advise(f"\nThe `.gitignore` here is kept as it is: add {named} to it.")
    where = "" if str(session.root) == "." else f"-C {session.root} "
    session.advise(f"\nNext: `tunectl {where}plan` shows what would be made.")
