"""`tunectl logs`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl logs tuning_job.support
tunectl logs tuning_job.support --follow
"""


@tunectl_command("logs", example=EXAMPLE)
@click.argument("address")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is done.")
@pass_session
def command(session: Session, address: str, follow: bool) -> None:
    """Print the log of a tuning job.

    Times are UTC. Losses are those of the training rows, `valid` of the validation rows. When the
    job is over, what it leaves follows: losses that only its result file tells, and checkpoints.
    """
    from tunectl.app import jobs
    from tunectl.views.progress import job_event_line

    screen = session.screen
    for event in jobs.logs(session.options(), address, follow=follow):
        screen.say(job_event_line(event, screen.out_paint))
