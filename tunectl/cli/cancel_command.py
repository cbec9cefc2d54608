"""`tunectl cancel`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session


@tunectl_command("cancel", example="tunectl cancel tuning_job.support")
@click.argument("address")
@pass_session
def command(session: Session, address: str) -> None:
    """Cancel a running tuning job.

    What was trained so far is lost where the provider keeps no checkpoint. The job is not
    started again by itself: `apply --replace ADDRESS` makes a new one.
    """
    from tunectl.app import jobs
    from tunectl.views.states import cancelled_text

    session.screen.say(cancelled_text(jobs.cancel(session.options(), address)))
