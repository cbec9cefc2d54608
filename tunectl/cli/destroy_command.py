"""`tunectl destroy`."""

from __future__ import annotations

import click

from tunectl.cli.aiming import Flags, ending_options
from tunectl.cli.applying import carry_out, execution_options
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl plan --destroy
tunectl destroy --env try-out
tunectl destroy --target endpoint.support
"""


@tunectl_command("destroy", example=EXAMPLE)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--json", is_flag=True, help="Print one JSON object for each event.")
@ending_options
@execution_options
@pass_session
def command(session: Session, auto_approve: bool, json: bool, flags: Flags) -> Exit:
    """Delete everything this project made.

    Shows what goes, and asks. Running jobs are cancelled; models, files and endpoints are
    deleted. Records that a provider keeps for ever are listed at the end. Your files stay.
    """
    aim = flags.aim(destroy=True)
    return carry_out(session, aim=aim, auto_approve=auto_approve, json=json)
