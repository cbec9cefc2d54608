"""`tunectl plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.aiming import Flags, aim_options
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session
from tunectl.cli.write_option import write_file, write_option
from tunectl.core.errors import Diagnostic, Exit, strongest
from tunectl.views.paint import PLAIN, Paint

if TYPE_CHECKING:
    from tunectl.app.planning import Planned

EXAMPLE = """
tunectl plan
tunectl plan --env prod -o prod.plan && tunectl apply prod.plan
tunectl plan --write json=plan.json --write markdown=comment.md
tunectl plan --target tuning_job.support --target 'endpoint.*'
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
@write_option("human", "json", "markdown")
@click.option("--destroy", is_flag=True, help="Plan to delete everything.")
@aim_options
@click.option("--no-refresh", is_flag=True, help="Trust the state; ask no provider what exists.")
@click.option(
    "--show-data",
    is_flag=True,
    help="Show the rows that were added or changed; on the screen alone, never in a file.",
)
@pass_session
def command(
    session: Session,
    out: Path | None,
    detailed_exitcode: bool,
    format_: str,
    write: tuple[tuple[str, Path], ...],
    destroy: bool,
    flags: Flags,
    no_refresh: bool,
    show_data: bool,
) -> Exit:
    """Show what apply would do, and why.

    Compares the configuration and its data with what is recorded and with what the providers
    have. Changes nothing. Exits 0 also when there are changes, 1 when a resource is blocked, 3
    when a guard refuses the plan: it is shown all the same.
    """
    from tunectl.app import planning

    _refuse_usage(out, write, format_, show_data)
    aim = flags.aim(destroy=destroy, refresh=not no_refresh)
    session.machine = "json" if format_ == "json" else ""
    options = session.options()
    refusals: tuple[Diagnostic, ...] = ()
    try:
        planned = planning.plan(options, aim, bind=out is not None)
    except planning.PlanRefused as refused:
        planned, refusals = refused.planned, refused.diagnostics
    if out is not None and not refusals:
        from tunectl.app import planfile

        planfile.save(
            planned,
            out,
            aim=aim,
            variables=options.variables,
            var_files=options.var_files,
        )
    for name, path in write:
        write_file(path, _written(planned, name, refusals))
    _show(session, planned, format_, refusals)
    if show_data:
        _show_rows(session, planned)
    if format_ == "human" and not planned.plan.empty:
        session.screen.say(f"Digest: {planned.plan.digest}")
    if refusals:
        return _refuse(session, refusals)
    if format_ == "human" and planned.plan.changes:
        session.advise(_SAVED.format(out=out) if out is not None else _NOT_SAVED)
    return _code(planned, detailed_exitcode)


def _refuse_usage(
    out: Path | None, write: tuple[tuple[str, Path], ...], format_: str, show_data: bool
) -> None:
    if out is not None and out in {path for _, path in write}:
        raise click.UsageError(f"`-o` and `--write` both name `{out}`\ngive each its own file")
    if show_data and format_ != "human":
        raise click.UsageError(f"`--show-data` shows texts to people, never as {format_}")


def _show_rows(session: Session, planned: Planned) -> None:
    from tunectl.app.showing_rows import rows_of
    from tunectl.views.dataset_diff import row_text

    screen = session.screen
    for one in rows_of(session.options(), planned.plan):
        screen.say(row_text(one.place, one.before, one.after, screen.out_paint))
    screen.say()


def _code(planned: Planned, detailed: bool) -> Exit:
    codes = [Exit.DONE]
    if planned.plan.blocked:
        codes.append(Exit.ERROR)
    if detailed and not planned.plan.empty:
        codes.append(Exit.CHANGES)
    return strongest(codes)


def _refuse(session: Session, refusals: tuple[Diagnostic, ...]) -> Exit:
    """Say why the plan just shown is not carried out. Returns the exit code."""
    from tunectl.views.diagnostics import diagnostics_text

    session.screen.warn(diagnostics_text(refusals, session.screen.err_paint))
    return strongest(r.exit for r in refusals)


def _show(
    session: Session, planned: Planned, format_: str, refusals: tuple[Diagnostic, ...]
) -> None:
    from tunectl.views.diagnostics import diagnostics_text

    session.hold(planned)
    screen = session.screen
    if planned.warnings and format_ != "json":
        screen.warn(diagnostics_text(planned.warnings, screen.err_paint) + "\n")
    screen.say(_rendered(planned, format_, screen.out_paint, refusals))


def _written(planned: Planned, format_: str, refusals: tuple[Diagnostic, ...]) -> str:
    """A file has no stderr beside it: the refusals stand under the plan."""
    from tunectl.views.diagnostics import diagnostics_text

    text = _rendered(planned, format_, PLAIN, refusals)
    if format_ == "human" and refusals:
        text += f"\n\n{diagnostics_text(refusals)}"
    return text


def _rendered(
    planned: Planned, format_: str, paint: Paint, refusals: tuple[Diagnostic, ...]
) -> str:
    import tunectl
    from tunectl.cli.showing import plan_as

    told = (*planned.warnings, *refusals)
    return plan_as(format_, planned.plan, paint, tunectl.__version__, told)
