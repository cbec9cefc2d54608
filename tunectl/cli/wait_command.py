"""`tunectl wait`."""

from __future__ import annotations

import os

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl apply --no-wait
tunectl wait tuning_job.support
"""


@tunectl_command("wait", example=EXAMPLE)
@click.argument("address", required=False)
@click.option("--json", is_flag=True, help="Print one JSON object for each event.")
@pass_session
def command(session: Session, address: str | None, json: bool) -> Exit:
    """Wait until running jobs are done.

    Starts and changes nothing, and holds no lock meanwhile. Without ADDRESS: waits for every
    running job. Exits 1 when one failed. Ctrl-C stops the waiting; the jobs go on.
    """
    from tunectl.app import jobs
    from tunectl.cli.presenter import presenter
    from tunectl.views.diagnostics import diagnostics_text

    session.machine = "ndjson" if json else ""
    screen = session.screen
    stopping = b"\nStops waiting; the jobs go on.\n"
    with presenter(session) as shown:
        failures = jobs.wait(
            session.options(), address, shown.event, lambda: (os.write(2, stopping), None)[1]
        )
    if failures:
        screen.warn(diagnostics_text(failures, screen.err_paint))
        return Exit.ERROR
    if not json:
        screen.say("Nothing is running any more.")
    return Exit.DONE
