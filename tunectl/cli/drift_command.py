"""`tunectl drift`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl drift
tunectl drift --env prod --format json
tunectl drift --ignore 'prompt_template.*'
"""


@tunectl_command("drift", example=EXAMPLE)
@click.option(
    "--ignore",
    multiple=True,
    metavar="ADDR",
    help="Tell nothing of these: an address, or a pattern with `*`; may be repeated.",
)
@document_option("markdown")
@pass_session
def command(session: Session, ignore: tuple[str, ...], format_: str) -> Exit:
    """Say what is no longer as tunectl made it.

    Compares what is recorded with what the providers have. Reads only, takes no lock, and never
    counts what was edited and not applied yet. Exits 0 when nothing differs, 2 when something
    does, 1 when that cannot be told, 6 when a key is missing or refused. A provider that cannot be
    reached hides no other: the rest is still shown, and the exit code is 1 or 6.
    """
    import tunectl
    from tunectl.app import drifting
    from tunectl.views import drift
    from tunectl.views.diagnostics import diagnostics_text
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    examined, warnings = drifting.examine(session.options(), ignore)
    screen = session.screen
    if format_ == "json":
        tree = drift.drift_tree(examined, tunectl.__version__, warnings)
        screen.say(json_text(tree, indent=2))
    else:
        if told := (*examined.problems, *warnings):
            screen.warn(diagnostics_text(told, screen.err_paint) + "\n")
        text = drift.drift_markdown(examined) if format_ == "markdown" else ""
        screen.say(text or drift.drift_text(examined, screen.out_paint))
    return examined.exit
