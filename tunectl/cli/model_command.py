"""`tunectl model`."""

from __future__ import annotations

import click

from tunectl.cli.command import SETTINGS, format_option
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl model list
tunectl model pull smollm2-135m-instruct
"""


@click.group("model", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """List models, and fetch base models."""


@command.add
@tunectl_command("list", example="tunectl model list --provider local")
@click.option("--provider", metavar="NAME", help="Only this provider's [default: all].")
@format_option("human", "json")
@pass_session
def list_(session: Session, provider: str | None, format_: str) -> None:
    """Print the models each declared provider offers.

    SHUTDOWN is the day on which the provider turns the model off.
    """
    from tunectl.app import models
    from tunectl.views.states import models_text, models_tree
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    found = models.list_models(session.options(), provider)
    screen = session.screen
    screen.say(json_text(models_tree(found), indent=2) if session.machine else models_text(found))


@command.add
@tunectl_command("pull", example="tunectl model pull smollm2-135m-instruct")
@click.argument("name")
@click.option("--root", metavar="DIR", help="The local server's folder.")
@pass_session
def pull(session: Session, name: str, root: str | None) -> None:
    """Fetch a base model for the local provider.

    Needed once a machine; `apply` fetches by itself what is missing.
    """
    from tunectl.app import serving
    from tunectl.views.text import clean

    screen = session.screen
    found = serving.pull(name, root, lambda line: screen.say(clean(line)))
    screen.say(f"ready as base_model: {clean(found)}")
