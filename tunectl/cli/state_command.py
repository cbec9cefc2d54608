"""`tunectl state`."""

from __future__ import annotations

import click

from tunectl.cli.command import SETTINGS, format_option
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl state list
tunectl state show tuning_job.support
"""


@click.group("state", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """List and show what is recorded."""


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

    if text := state_list(reading.state(session.options()), prefix):
        session.screen.say(text)


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
