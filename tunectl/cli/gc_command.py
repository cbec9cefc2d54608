"""`tunectl gc`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

if TYPE_CHECKING:
    from tunectl.core.sweep import Orphan, Swept

EXAMPLE = """
tunectl gc
tunectl gc --delete --older-than 24h
tunectl gc --delete --auto-approve --confirm helpdesk --max-deletes 5
tunectl gc --format json
"""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _span(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    """Read a length of time: `90s`, `30m`, `24h`, `7d`, `2w`."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", value.strip(), re.ASCII)
    if found is None:
        raise click.BadParameter(
            f"`{value}` is not a length of time such as `30m`, `24h` or `7d`", ctx, param
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _set_timeout(ctx: click.Context, param: click.Parameter, value: float) -> None:
    del param
    ctx.ensure_object(Session).lock_timeout = value


@tunectl_command("gc", example=EXAMPLE)
@click.option("--delete", is_flag=True, help="Delete the orphans, after the project's name.")
@click.option(
    "--older-than",
    default="1h",
    metavar="TIME",
    callback=_span,
    help="Leave what is younger, such as 30m, 24h, 7d [default: 1h].",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="ID|ADDR",
    help="Leave this, or what matches a pattern with `*`; may be repeated.",
)
@click.option(
    "--forgotten",
    is_flag=True,
    help="Include what was forgotten on purpose (`state rm`, `removed`).",
)
@click.option(
    "--max-deletes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Refuse when more would be deleted.",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask; needs --confirm.")
@click.option("--confirm", default="", metavar="NAME", help="The project's name, for CI.")
@document_option()
@click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    expose_value=False,
    callback=_set_timeout,
    help="Wait so long for held locks [default: 0].",
)
@pass_session
def command(
    session: Session,
    delete: bool,
    older_than: timedelta,
    keep: tuple[str, ...],
    forgotten: bool,
    max_deletes: int | None,
    auto_approve: bool,
    confirm: str,
    format_: str,
) -> Exit:
    """List what was made from here and is in no state.

    Deletes nothing without `--delete`, and then only orphans: what carries a mark of a history
    that this store holds, and is in no state of any environment. What carries another mark, or
    too little of one, is reported and left alone.
    """
    from tunectl.app import collecting
    from tunectl.cli.confirming import Confirmation

    _check(delete=delete, auto_approve=auto_approve, confirm=confirm)
    session.machine = "json" if format_ == "json" else ""
    choice = collecting.Choice(grace=older_than, keep=keep, forgotten=forgotten)
    if not delete:
        found = collecting.survey(session.options(), choice)
    else:
        asked = collecting.Asked(
            approve=Confirmation(session, confirm if auto_approve else ""),
            tell=lambda orphan: _tell(session, orphan),
            most=max_deletes,
            choice=choice,
        )
        found = collecting.collect(session.options(), asked)
    _show(session, found)
    return found.exit


def _check(*, delete: bool, auto_approve: bool, confirm: str) -> None:
    if auto_approve != bool(confirm):
        raise click.UsageError("`--auto-approve` and `--confirm NAME` belong together")
    if auto_approve and not delete:
        raise click.UsageError("`--auto-approve` belongs to `--delete`: nothing else is asked")


def _tell(session: Session, orphan: Orphan) -> None:
    from tunectl.views.garbage import orphan_line
    from tunectl.views.text import scrub

    if not session.machine:
        session.screen.say(orphan_line(scrub(orphan)))


def _show(session: Session, found: Swept) -> None:
    import tunectl
    from tunectl.views import garbage
    from tunectl.views.diagnostics import diagnostics_text
    from tunectl.views.text import json_text

    screen = session.screen
    if session.machine:
        screen.say(json_text(garbage.swept_tree(found, tunectl.__version__), indent=2))
        return
    if found.problems:
        screen.warn(diagnostics_text(found.problems, screen.err_paint) + "\n")
    if found.deleting:
        if found.doomed:  # else it was said when nothing was to be approved
            screen.say("\n" + garbage.summary(found))
        return
    screen.say(garbage.swept_text(found, screen.out_paint))
    if found.doomed:
        session.advise("\nNothing was deleted. `tunectl gc --delete` deletes the orphans.")
