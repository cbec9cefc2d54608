"""`tunectl state`."""

from __future__ import annotations

import click

from tunectl.cli import state_documents, state_mending
from tunectl.cli.command import SETTINGS, format_option
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.locking import lock_option
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl state list
tunectl state show tuning_job.support
tunectl state history
"""


@click.group("state", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """List, show, change and repair what is recorded."""


@command.add
@tunectl_command("list", example="tunectl state list tuning_job.")
@click.argument("prefix", default="")
@pass_session
def list_(session: Session, prefix: str) -> None:
    """Print the recorded addresses, one a line.

    With PREFIX only those that begin with it.
    """
    from tunectl.app import reading
    from tunectl.views.states import state_list

    found = reading.state(session.options())
    if text := state_list(found, prefix):
        session.screen.say(text)
    else:  # on stderr: what reads a pipe is given no line that is no address
        said = f"that begins with `{prefix}`" if prefix else f"of environment `{found.env}`"
        session.screen.warn(f"Nothing is recorded {said}.")


@command.add
@tunectl_command("show", example="tunectl state show tuning_job.support --format json")
@click.argument("address")
@format_option("human", "json")
@pass_session
def show(session: Session, address: str, format_: str) -> None:
    """Show one recorded object: settings, outputs, status."""
    from tunectl.app import reading
    from tunectl.core.record import instance_to_tree
    from tunectl.views.states import instance_text
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    found = reading.instance(reading.state(session.options()), address)
    screen = session.screen
    if session.machine:
        screen.say(json_text(instance_to_tree(found), indent=2))
    else:
        screen.say(instance_text(found, screen.out_paint))


@command.add
@tunectl_command("mv", example="tunectl state mv tuning_job.support tuning_job.helpdesk")
@click.argument("from_", metavar="FROM")
@click.argument("to")
@lock_option
@pass_session
def move(session: Session, from_: str, to: str) -> None:
    """Record an object under another address.

    Everything that names it follows: what was made from it, what is kept from before, the uploads
    of a dataset. Nothing remote is touched. Rename it in the YAML too. `moved:` in the YAML does
    the same for everyone who applies.
    """
    from tunectl.app import recording

    for before, after in recording.move(session.options(), from_, to):
        session.screen.say(f"{before}: now {after}")


@command.add
@tunectl_command("rm", example="tunectl state rm tuning_job.support")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@lock_option
@pass_session
def remove(session: Session, addresses: tuple[str, ...]) -> None:
    """Forget recorded objects without deleting them.

    For what is gone together with its account, or shall be managed no longer. What still exists
    at a provider goes on existing, and may go on billing. What is still declared is made anew by
    the next apply.
    """
    from tunectl.app import recording

    for found in recording.forget(session.options(), addresses):
        session.screen.say(f"{found.address}: forgotten [id={found.id}]")


for _made in (*state_documents.COMMANDS, *state_mending.COMMANDS):
    command.add(_made)
