"""`tunectl validate`."""

from __future__ import annotations

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl validate
tunectl validate --env prod --format json
"""


@tunectl_command("validate", example=EXAMPLE)
@format_option("human", "json")
@pass_session
def command(session: Session, format_: str) -> None:
    """Check the configuration and its data, offline.

    Reads the files and the datasets, and names every problem at once with its place. Asks no
    provider and needs no key.
    """
    from tunectl.app import loading
    from tunectl.views.diagnostics import count_text, diagnostics_text, validation_tree
    from tunectl.views.paint import Style
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    screen = session.screen
    warnings = loading.validate(session.options()).warnings
    if session.machine:
        screen.say(json_text(validation_tree(warnings), indent=2))
        return
    if warnings:
        screen.warn(diagnostics_text(warnings, screen.err_paint) + "\n")
    counted = f" ({count_text(warnings)})" if warnings else ""
    screen.say(f"{screen.out_paint('Success!', Style.GOOD)} The configuration is valid{counted}.")
