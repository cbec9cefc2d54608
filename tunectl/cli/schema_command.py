"""`tunectl schema`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl schema config > tunectl.schema.json
"""


@tunectl_command("schema", example=EXAMPLE)
@click.argument("name", type=click.Choice(["config", "plan", "state", "events"]))
@pass_session
def command(session: Session, name: str) -> None:
    """Print a JSON Schema, for editors and programs.

    `config` is for editors: completion and checking of `tunectl.yaml`. `plan` is what
    `plan --format json` prints, `events` what `apply --json` does, and `state` the file that
    holds what is recorded.
    """
    from tunectl.app import schemas
    from tunectl.views.text import json_text

    session.screen.say(json_text(schemas.schema(name), indent=2))
