"""The door: the command group, and every way a command can end as an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

import click

from tunectl.cli.command import SETTINGS, Command, shared_options
from tunectl.cli.lazy import LazyGroup
from tunectl.cli.session import Session
from tunectl.core.errors import Diagnostic, Exit, TunectlError

ISSUES = "https://github.com/tunectl/tunectl/issues"
EXAMPLE = """
tunectl init && tunectl plan
tunectl apply
tunectl ask endpoint.support "How do I return a parcel?"
"""


class _Root(LazyGroup, Command):
    """The group's own help ends in an example too."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        Command.format_options(self, ctx, formatter)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        import tunectl

        click.echo(f"tunectl {tunectl.__version__}")
        ctx.exit()


@click.group(
    "tunectl",
    cls=_Root,
    context_settings=SETTINGS,
    subcommand_metavar="COMMAND [ARGS]...",
    example=EXAMPLE,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version and exit.",
)
@shared_options
def cli() -> None:
    """Declare, plan and apply customised language models.

    Datasets, tuning jobs, endpoints and prompts are declared in `tunectl.yaml`. `plan` shows
    what would be made, changed or deleted, and why; `apply` does exactly that.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code."""
    code = run(args)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)


def run(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. The only place that catches everything."""
    session = Session()
    # No plugin of pydantic takes part here; to look for some reads about every package there is.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        given = None if args is None else list(args)
        done = cli.main(given, prog_name="tunectl", obj=session, standalone_mode=False)
        return int(done or Exit.DONE)
    except (click.Abort, KeyboardInterrupt):
        session.screen.warn("\ninterrupted")
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        session.screen.warn(error.ctx.get_help() if error.ctx else error.format_message())
        return Exit.ERROR
    except click.ClickException as error:
        return _tell(session, _usage(error))
    except TunectlError as error:
        return _tell(session, error)
    except Exception as error:  # noqa: BLE001  # a bug: one line, not a screen of traceback
        return _tell(session, _bug(session, error))


def _usage(error: click.ClickException) -> TunectlError:
    if isinstance(error, click.NoSuchOption):
        from tunectl.cli.habits import meant_by

        meant = meant_by(error.option_name, error.ctx) or next(iter(error.possibilities or ()), "")
        near = f"\ndid you mean `{meant}`?" if meant else ""
        error = click.UsageError(f"there is no option `{error.option_name}`{near}", error.ctx)
    summary, _, hint = error.format_message().partition("\n")
    if isinstance(error, click.MissingParameter):
        summary, hint = summary.removesuffix(". Choose from:"), ""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "tunectl"
    summary = summary[:1].lower() + summary[1:].rstrip(".") if summary else "wrong usage"
    return TunectlError(
        (
            Diagnostic(
                summary=summary.replace("'", "`"),
                hint=hint or f"`{path} --help` shows what it takes",
                code="usage",
            ),
        )
    )


def _bug(session: Session, error: Exception) -> TunectlError:
    if os.environ.get("TUNECTL_DEBUG") == "1":
        import traceback

        session.screen.warn("".join(traceback.format_exception(error)))
    return TunectlError.of(
        f"tunectl stopped on a bug of its own: {type(error).__name__}: {error}",
        hint=f"please report it at {ISSUES} with the command you ran and `tunectl --version`; "
        "TUNECTL_DEBUG=1 shows the traceback",
        code="bug",
    )


def _tell(session: Session, error: TunectlError) -> int:
    """Print an error where it belongs and return its exit code."""
    from tunectl.views.diagnostics import diagnostics_text, validation_tree
    from tunectl.views.json_events import diagnostic_line
    from tunectl.views.text import json_text

    screen = session.screen
    if session.machine == "json" and error.diagnostics:
        tree = validation_tree(error.diagnostics)
        screen.say(json_text({**tree, "errored": True}, indent=2))
    elif session.machine == "ndjson":
        at = datetime.now(UTC).isoformat()
        for diagnostic in error.diagnostics:
            screen.say(json_text(diagnostic_line(diagnostic, at)))
    if error.diagnostics:
        screen.warn(diagnostics_text(error.diagnostics, screen.err_paint))
    return error.exit
