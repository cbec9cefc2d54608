"""`tunectl plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit, strongest

if TYPE_CHECKING:
    from tunectl.app.planning import Planned

EXAMPLE = """
tunectl plan
tunectl plan --env prod -o prod.plan && tunectl apply prod.plan
tunectl plan --format markdown > comment.md
"""
_NOT_SAVED = """
Note: You didn't use the -o option to save this plan, so tunectl can't guarantee
to take exactly these actions if you run "tunectl apply" now."""

_SAVED = """
Saved the plan to: {out}

To perform exactly these actions, run:
    tunectl apply "{out}"
"""


@tunectl_command("plan", example=EXAMPLE)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for apply."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@format_option("human", "json", "markdown")
@click.option("--destroy", is_flag=True, help="Plan to delete everything.")
@click.option("--replace", multiple=True, metavar="ADDR", help="Make this anew; may be repeated.")
@click.option("--no-refresh", is_flag=True, help="Trust the state; ask no provider what exists.")
@pass_session
def command(
    session: Session,
    out: Path | None,
    detailed_exitcode: bool,
    format_: str,
    destroy: bool,
    replace: tuple[str, ...],
    no_refresh: bool,
) -> Exit:
    """Show what apply would do, and why.

    Compares the configuration and its data with what is recorded and with what the providers
    have. Changes nothing. Exits 0 also when there are changes, 1 when a resource is blocked.
    """
    from tunectl.app import planfile, planning
    from tunectl.app.options import Aim

    if destroy and replace:
        raise click.UsageError("`--destroy` and `--replace` exclude each other")
    session.machine = "json" if format_ == "json" else ""
    options = session.options()
    aim = Aim(destroy=destroy, replace=replace, refresh=not no_refresh)
    planned = planning.plan(options, aim, bind=out is not None)
    if out is not None:
        planfile.save(
            planned,
            out,
            aim=aim,
            variables=options.variables,
            var_files=options.var_files,
        )
    _show(session, planned, format_)
    if format_ == "human" and planned.plan.changes:
        session.advise(_SAVED.format(out=out) if out is not None else _NOT_SAVED)
    codes = [Exit.DONE]
    if planned.plan.blocked:
        codes.append(Exit.ERROR)
    if detailed_exitcode and not planned.plan.empty:
        codes.append(Exit.CHANGES)
    return strongest(codes)


def _show(session: Session, planned: Planned, format_: str) -> None:
    import tunectl
    from tunectl.cli.showing import plan_as
    from tunectl.views.diagnostics import diagnostics_text

    screen = session.screen
    if planned.warnings and format_ != "json":
        screen.warn(diagnostics_text(planned.warnings, screen.err_paint) + "\n")
    text = plan_as(format_, planned.plan, screen.out_paint, tunectl.__version__, planned.warnings)
    screen.say(text)
