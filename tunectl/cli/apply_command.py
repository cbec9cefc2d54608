"""`tunectl apply`."""

from __future__ import annotations

from pathlib import Path

import click

from tunectl.cli.aiming import Flags, aim_options
from tunectl.cli.applying import actor_option, carry_out, execution_options
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl apply
tunectl plan -o prod.plan && tunectl apply prod.plan
tunectl apply --expect-digest "$REVIEWED" --json
"""


@tunectl_command("apply", example=EXAMPLE)
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    help="Apply without asking, if the plan still has this digest; else exit 5.",
)
@click.option("--no-wait", is_flag=True, help="Leave jobs running and exit 8.")
@actor_option
@aim_options
@click.option(
    "--retry-unknown",
    multiple=True,
    metavar="ADDR",
    help="Make another although an interrupted step may have made one.",
)
@click.option("--json", is_flag=True, help="Print one JSON object for each event.")
@execution_options
@pass_session
def command(
    session: Session,
    planfile: Path | None,
    auto_approve: bool,
    expect_digest: str | None,
    no_wait: bool,
    actor: str,
    flags: Flags,
    retry_unknown: tuple[str, ...],
    json: bool,
) -> Exit:
    """Make the models as declared.

    Plans, asks, and carries the plan out. With PLANFILE it does exactly what was saved, without
    asking, or refuses with exit 5 when something has moved since. While jobs run, others may
    change what does not wait for them. Safe to interrupt at any instant: the next apply goes on,
    and never starts the same job twice.
    """
    if planfile is not None:
        flags.refuse_with_plan_file()
    if planfile is not None and expect_digest is not None:
        raise click.UsageError("a saved plan has its own digest: leave `--expect-digest` out")
    return carry_out(
        session,
        planned_file=planfile,
        expect_digest=expect_digest,
        actor=actor,
        aim=flags.aim(),
        retry_unknown=retry_unknown,
        wait=not no_wait,
        auto_approve=auto_approve,
        json=json,
    )
