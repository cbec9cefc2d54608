"""`tunectl completion`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl completion bash >> ~/.bashrc
tunectl completion fish > ~/.config/fish/completions/tunectl.fish
"""
VARIABLE = "_TUNECTL_COMPLETE"


@tunectl_command("completion", example=EXAMPLE)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_session
def command(session: Session, shell: str) -> None:
    """Print a completion script for a shell.

    Add it to the shell's start-up file, and open a new shell.
    """
    from click.shell_completion import get_completion_class

    from tunectl.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None, shell
    session.screen.say(found(cli, {}, "tunectl", VARIABLE).source().rstrip("\n"))
