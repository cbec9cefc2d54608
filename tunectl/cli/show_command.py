"""`tunectl show`."""

from __future__ import annotations

from pathlib import Path

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl show
tunectl show prod.plan --format markdown
"""


@tunectl_command("show", example=EXAMPLE)
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@format_option("human", "json", "markdown")
@pass_session
def command(session: Session, planfile: Path | None, format_: str) -> None:
    """Show a saved plan, or what is managed now.

    Without PLANFILE: every object that is recorded, and the outputs.
    """
    import tunectl
    from tunectl.cli.showing import plan_as
    from tunectl.views.states import state_text, state_tree
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    screen = session.screen
    if planfile is not None:
        from tunectl.app import planfile as files

        plan = files.read(planfile).plan
        screen.say(plan_as(format_, plan, screen.out_paint, tunectl.__version__))
        return
    if format_ == "markdown":
        raise click.UsageError("`--format markdown` shows a saved plan: name its file")
    from tunectl.app import reading

    state = reading.state(session.options())
    if session.machine:
        screen.say(json_text(state_tree(state), indent=2))
    else:
        screen.say(state_text(state, screen.out_paint))
