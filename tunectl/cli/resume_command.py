"""`tunectl resume`."""

from __future__ import annotations

import os

import click

from tunectl.cli.applying import execution_options, report
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.presenter import now, presenter
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit, strongest

EXAMPLE = """
tunectl apply --no-wait
tunectl resume
*/10 * * * * cd /srv/helpdesk && tunectl resume --lock-timeout 60
"""
_STOPPING = b"\nInterrupt received. Nothing new is started; running jobs go on at the provider.\n"


@tunectl_command("resume", example=EXAMPLE)
@click.option("--json", is_flag=True, help="Print one JSON object for each event.")
@execution_options
@pass_session
def command(session: Session, json: bool) -> Exit:
    """Go on with what was approved and waits for a job.

    Looks at running jobs; when one is done it moves endpoints, deletes what they used before, and
    writes the outputs, as approved. Starts nothing else, waits for nothing, and never starts a job
    again: made for a schedule. Exits 0 when nothing is left, 8 when something is still running.
    """
    import tunectl
    from tunectl.app import resuming
    from tunectl.views import json_events
    from tunectl.views.text import json_text

    session.machine = "ndjson" if json else ""
    screen = session.screen
    if json:
        screen.say(json_text(json_events.version_line(tunectl.__version__, now())))
    codes: list[Exit] = []
    with presenter(session) as shown:
        found = resuming.resume(
            session.options(), shown.event, lambda: (os.write(2, _STOPPING), None)[1]
        )
        for resumed in found:
            if not json:
                for approval in resumed.approvals:
                    screen.say(f"Resumed what {approval.by} approved at {approval.time}.")
            codes.append(report(session, resumed.applied, resumed.hidden, json=json))
    if not codes and not json:
        screen.say("Nothing is under way.")
    return strongest(codes)
